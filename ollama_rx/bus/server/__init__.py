"""A NATS server for one machine."""
