"""Make text safe to print: a model's text must not control the terminal."""

import re

# C0 and C1 without newline and tab, and the controls that reorder the text around them, such as U+202E. The
# marks of Arabic and Hebrew text, such as U+200F, stay: they cannot override the direction of letters.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_LAST_OF_C1 = 0x9F


def escape_controls(text: str) -> str:
    r"""Replace control characters by what Python calls them, such as ``\x1b``; line ends and tabs stay."""
    return _CONTROL.sub(_escape, text.replace("\r\n", "\n"))


def escape_controls_in_json(line: bytes) -> bytes:
    r"""Replace control characters in JSON by what JSON calls them, such as ``\u009b``; the values stay."""
    return _CONTROL.sub(_escape_in_json, line.decode()).encode()


def _escape(control: re.Match[str]) -> str:
    code = ord(control[0])
    return f"\\u{code:04x}" if code > _LAST_OF_C1 else f"\\x{code:02x}"


def _escape_in_json(control: re.Match[str]) -> str:
    return f"\\u{ord(control[0]):04x}"
