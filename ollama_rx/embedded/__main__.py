"""``python -m ollama_rx.embedded``: fetch the embedded model's weights now and tell where they are."""

import sys

from ollama_rx.embedded.progress_bar import progress_bar
from ollama_rx.embedded.weights import fetch_weights
from ollama_rx.errors import EmbeddedModelError


def main() -> int:
    """Fetch the weights unless they are there; write their path to standard output."""
    try:
        with progress_bar("fetching SmolLM2-135M-Instruct") as report:
            path = fetch_weights(report)
    except EmbeddedModelError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130  # what a shell expects of Ctrl-C
    sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":  # pragma: no branch - nobody imports it
    sys.exit(main())
