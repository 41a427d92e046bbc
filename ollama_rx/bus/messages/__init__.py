"""A sink and a source for the subjects of other programs."""
