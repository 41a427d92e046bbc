"""Test operators as marble diagrams, in virtual time."""
