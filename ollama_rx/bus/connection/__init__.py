"""Connections to NATS: where, with which credentials, and through which losses."""
