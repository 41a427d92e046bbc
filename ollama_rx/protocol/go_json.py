"""Encode JSON as Go's `encoding/json` does, and therefore as Ollama does."""

import orjson

# Go escapes these in strings, so that JSON can be embedded in HTML and JavaScript.
_ESCAPES = tuple((character.encode(), rb"\u%04x" % ord(character)) for character in "<>&\u2028\u2029")


def encode(value: object) -> bytes:
    r"""Encode as JSON without spaces, in UTF-8, with `<`, `>`, `&`, U+2028 and U+2029 escaped.

    NaN and infinity become `null`, since JSON has no such numbers.

    >>> encode({"text": "<é>"})
    b'{"text":"\\u003c\xc3\xa9\\u003e"}'

    Raises:
        TypeError: for a value that JSON cannot hold, a key that is not a string, an integer of more than 64
            bits, or a string with a lone surrogate.

    Source: https://pkg.go.dev/encoding/json#HTMLEscape
    """
    text = orjson.dumps(value)
    for plain, escape in _ESCAPES:
        text = text.replace(plain, escape)  # JSON has these characters only inside strings
    return text
