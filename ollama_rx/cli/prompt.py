"""The prompt: an argument, or standard input."""

import sys


def read_prompt(given: str | None) -> str:
    """Return the prompt; ``-`` reads standard input, and so does nothing at all if something is piped in.

    Raises:
        ValueError: there is none.
    """
    if given not in (None, "-"):
        prompt = given
    elif given is None and sys.stdin.isatty():
        raise ValueError("give a prompt, or pipe one in")
    else:
        prompt = sys.stdin.buffer.read().decode("utf-8", "replace")
    if not prompt.strip():
        raise ValueError("the prompt is empty")
    return prompt
