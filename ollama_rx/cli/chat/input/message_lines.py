r"""Tell when a message of several lines is complete."""

import re

# Also after a command, as in `/system """`.
_OPENING = re.compile(r'(/\S+[ \t]+)?"""')
_CLOSING = re.compile(r'"""[ \t]*(?=\n|\Z)')
_CONTINUED = re.compile(r"(?<!\\)(?:\\\\)*\\\Z")
_SURROGATE = re.compile("[\ud800-\udfff]")


class MessageLines:
    r'''Collects what is entered until a message is complete.

    A message that begins with three double quotes ends at the next line that ends with three; neither are
    part of it, nor are line breaks beside them. A backslash at the end of a line continues the message on
    the next line; two backslashes do not. Text with line breaks may be entered at once, as when it is
    pasted: then only its end can continue it, and quotes that are closed before its end belong to the text,
    as in a program that begins with a docstring.

    >>> lines = MessageLines()
    >>> [lines.feed(line) for line in ('"""Hello', 'world"""')]
    [False, True]
    >>> lines.message
    'Hello\nworld'
    '''

    def __init__(self) -> None:
        self._entries: list[str] = []
        self._command = ""
        self._body_at = 0  # where the text begins, after the opening quotes
        self._is_quoted = False

    def feed(self, entry: str) -> bool:
        """Take a line, or a text that was entered at once; return whether the message is complete."""
        entry = _SURROGATE.sub("\ufffd", entry.replace("\r\n", "\n").replace("\r", "\n"))
        search_from = 0
        if not self._entries and (opening := _OPENING.match(entry)):
            self._is_quoted = True
            self._command = opening[1] or ""
            self._body_at = search_from = opening.end()
        if self._is_quoted:
            self._entries.append(entry)
            return self._closes(entry, search_from)
        is_continued = _CONTINUED.search(entry) is not None
        self._entries.append(entry[:-1] if is_continued else entry)
        return not is_continued

    def _closes(self, entry: str, search_from: int) -> bool:
        closing = _CLOSING.search(entry, search_from)
        if closing is None:
            return False
        if entry[closing.end() :].strip():
            self._is_quoted = False
        return True

    @property
    def has_begun(self) -> bool:
        """Whether anything was entered."""
        return bool(self._entries)

    @property
    def typed(self) -> str:
        """What was entered, so that entering it again at once gives the same message."""
        return "\n".join(self._entries)

    @property
    def message(self) -> str:
        """The message without its quotes; while it is incomplete, what was entered so far."""
        if not self._is_quoted:
            return self.typed
        text = self.typed[self._body_at :].rstrip(" \t\n")
        return self._command + text.removesuffix('"""').removeprefix("\n").removesuffix("\n")
