"""A server of NATS for one machine."""
