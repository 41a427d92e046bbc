"""Ollama's API on a port, in front of any transport."""
