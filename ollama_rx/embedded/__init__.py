"""A small language model that runs in this process and speaks Ollama's protocol: no server, no account.

::

    with Client(transport=embedded()) as client:
        client.generate("Hello").pipe(...)
"""

from ollama_rx.embedded.embedded_transport import EmbeddedTransport, embedded
from ollama_rx.embedded.weights import cache_folder, fetch_weights, find_weights
from ollama_rx.errors import EmbeddedModelError

__all__ = [
    "EmbeddedModelError",
    "EmbeddedTransport",
    "cache_folder",
    "embedded",
    "fetch_weights",
    "find_weights",
]
