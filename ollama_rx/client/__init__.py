"""The client: builds requests from arguments, and returns the responses as cold Observables."""

from ollama_rx.client.client import Client

__all__ = ["Client"]
