"""Prompts and run logs: what clients and workers agree on."""
