"""The client: builds requests from arguments, and returns the responses as cold Observables."""

from ollama_rx.client.client import Client
from ollama_rx.client.hosts import Host, HostStatus

__all__ = ["Client", "Host", "HostStatus"]
