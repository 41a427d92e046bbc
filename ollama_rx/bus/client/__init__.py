"""The client's side of the bus: its requests become runs."""
