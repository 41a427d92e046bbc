"""Subjects of other programs: a sink and a source of their messages."""
