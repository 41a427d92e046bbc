"""The client: arguments become requests, responses become cold Observables."""

from ollama_rx.client.client import Client

__all__ = ["Client"]
