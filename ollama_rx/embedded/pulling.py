"""``/api/pull``: fetch the weights, with their progress as Ollama reports it."""

from pathlib import Path

from ollama_rx.embedded.pipe import Pipe
from ollama_rx.embedded.refusal import Refusal
from ollama_rx.embedded.replies import encode
from ollama_rx.embedded.tenancy import GaveUpError
from ollama_rx.embedded.weights import SMOLLM2, fetch_weights
from ollama_rx.errors import EmbeddedModelError

_DIGEST = f"sha256:{SMOLLM2.sha256}"
_STEP = f"pulling {SMOLLM2.sha256[:12]}"


def pull(weights: Path | None, pipe: Pipe, *, known: bool, stream: bool) -> None:
    """Fetch the weights unless they are there; closing the pipe ends the download."""

    def tell(status: str, **figures: object) -> None:
        if stream:
            pipe.put(encode({"status": status, **figures}) + b"\n")

    def report(there: int, total: int) -> None:
        if pipe.closed:
            raise GaveUpError
        tell(_STEP, digest=_DIGEST, total=total, **({"completed": there} if there else {}))

    tell("pulling manifest")
    if not known:
        raise Refusal(500, "pull model manifest: file does not exist")
    try:
        _ = weights or fetch_weights(report)
    except EmbeddedModelError as error:
        raise Refusal(500, str(error)) from error
    tell("verifying sha256 digest")
    tell("writing manifest")
    pipe.put(encode({"status": "success"}) + (b"\n" if stream else b""))
