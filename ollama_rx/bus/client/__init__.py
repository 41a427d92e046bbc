"""The side of a client: its requests become runs."""
