"""Make text safe to hand to another program: it may come from a model, which can write anything."""

import re

# Control characters: espeak-ng ends a text at a NUL and obeys commands that begin with others. And lone
# surrogates, which cannot be encoded.
_UNSPEAKABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def clean_text(text: str) -> str:
    r"""Replace characters that no voice can say by spaces.

    >>> clean_text("one\x00two\n")
    'one two '
    """
    return _UNSPEAKABLE.sub(" ", text)
