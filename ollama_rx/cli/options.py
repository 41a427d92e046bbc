"""``--option key=value``: from words to the values a model takes."""

from collections.abc import Iterable
from typing import Any

import orjson


def parse_options(words: Iterable[str]) -> dict[str, Any]:
    """Read options; a value that is JSON is taken as such, anything else is text.

    >>> parse_options(["temperature=0.5", "num_predict=50", "use_mmap=true", 'stop=["a"]'])
    {'temperature': 0.5, 'num_predict': 50, 'use_mmap': True, 'stop': ['a']}

    Raises:
        ValueError: a word without a name or an equals sign.
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
