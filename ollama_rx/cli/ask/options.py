"""The model options of ``--option``: their values, and names that Ollama would ignore."""

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

# Source: https://github.com/ollama/ollama/blob/main/api/types.go (Options and Runner)
_KNOWN = (
    *("num_keep", "seed", "num_predict", "top_k", "top_p", "min_p", "typical_p", "repeat_last_n"),
    *("temperature", "repeat_penalty", "presence_penalty", "frequency_penalty", "stop"),
    *("num_ctx", "num_batch", "num_gpu", "main_gpu", "use_mmap", "num_thread", "draft_num_predict"),
)


def parse_options(words: Iterable[str]) -> dict[str, Any]:
    """Parse ``--option KEY=VALUE`` words; a value that is JSON is parsed, any other value is text.

    >>> parse_options(["temperature=0.5", "num_predict=50", "use_mmap=true", 'stop=["a"]'])
    {'temperature': 0.5, 'num_predict': 50, 'use_mmap': True, 'stop': ['a']}

    Raises:
        ValueError: a word has no name or no equals sign.
    """
    return dict(_option(word) for word in words)


def _option(word: str) -> tuple[str, Any]:
    name, equals, value = word.partition("=")
    if not equals or not name.strip():
        raise ValueError(f"{word!r} is not KEY=VALUE, as in temperature=0")
    return name.strip(), _value(value.strip())


def _value(text: str) -> Any:
    try:
        return orjson.loads(text.lower() if text.lower() in {"true", "false"} else text)
    except orjson.JSONDecodeError:
        return text


def unknown_options(names: Iterable[str]) -> Iterator[str]:
    """Yield a warning for each option that Ollama ignores because it does not know it.

    >>> list(unknown_options(["temperature", "temprature"]))
    ["Ollama does not know the option 'temprature' and ignores it; did you mean 'temperature'?"]
    """
    for name in names:
        if name not in _KNOWN:
            from difflib import get_close_matches  # noqa: PLC0415 - only for a mistake

            close = get_close_matches(name.lower().replace("-", "_"), _KNOWN, 1)
            meant = f"; did you mean {close[0]!r}?" if close else ""
            yield f"Ollama does not know the option {name!r} and ignores it{meant}"
