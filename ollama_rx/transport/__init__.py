"""Connections to the server, and the event loop or thread on which each request runs."""
