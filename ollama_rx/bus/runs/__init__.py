"""Prompts and run logs: the formats that clients and workers share."""
