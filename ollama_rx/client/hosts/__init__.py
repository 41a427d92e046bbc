"""Several servers behind one client: which of them a stream goes to, and what happens if one fails."""

from ollama_rx.client.hosts.host_settings import Host
from ollama_rx.client.hosts.host_status import HostStatus

__all__ = ["Host", "HostStatus"]
