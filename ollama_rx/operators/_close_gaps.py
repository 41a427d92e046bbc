"""Remove what nobody says where words were left out: empty brackets, and spaces before marks."""

import re

_EMPTY_BRACKETS = re.compile(  # but not f() and x[]
    r"(?<![\w)\]])[ \t]*(?:\([ \t]*\)|\[[ \t]*\])"
    r"|[ \t]*(?:“[ \t]*”|«\s*»|\uff08[ \t]*\uff09|「[ \t]*」|『[ \t]*』)"
)
_SPACE_BEFORE_MARK = re.compile(r"[ \t]+(?=[.,;:!?](?:\s|\Z))")


def close_gaps(text: str) -> str:
    """Return a text without brackets and quotes around nothing, and without spaces before marks.

    >>> close_gaps("See () . Or f() ?")
    'See. Or f()?'
    """
    return _SPACE_BEFORE_MARK.sub("", _EMPTY_BRACKETS.sub("", text))
