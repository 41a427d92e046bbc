"""Connections to NATS: addresses, credentials, reconnecting, and requests to the server."""
