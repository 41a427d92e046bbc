"""Find the JSON in the text that a model writes: among words, in a code fence, several objects in a row."""

import re
from functools import cache
from typing import Protocol

from ollama_rx.operators._partial_json import InvalidJsonError, PartialJson

_BLANKS = " \t\r\ufeff"  # the last one is the byte order mark of a file
_BEFORE_ARRAY = "\n:>"  # the beginning of a line, "The cities:" or "<answer>"
_BRACKET = r"[{\[]"
_BETWEEN_OBJECTS = r"[\s,]*"
_NOTHING_OR_FENCE = r"(?s)(?:(?:.*\n)?[ \t]*```\w*)?[\s\ufeff]*"
_FENCE_LENGTH = 20  # characters: more than any opening of a code fence


class JsonConsumer(Protocol):
    """What a `JsonSearch` needs from what uses the JSON."""

    def new_reader(self, *, trusts_numbers: bool = True) -> PartialJson:
        """Return a reader for what may be JSON."""
        ...

    def on_progress(self, reader: PartialJson) -> None:
        """Use what a reader has read; it will read more. It may still turn out not to be JSON."""
        ...

    def on_end(self, reader: PartialJson) -> None:
        """Use all that a reader has read, whether it is complete or not."""
        ...


class JsonSearch:
    """Reads the JSON in a text, and skips the text around it.

    A ``{`` may begin the JSON anywhere, a ``[`` only if it is the first visible character of its line or
    follows a colon or a tag. That it really is JSON is *confirmed* by the colon after a key, by what follows
    a string in an array, and by the comma of an array that begins the text or a code fence. Until it is
    confirmed, a mistake only means that the search goes on.

    Prose contains placeholders and references such as ``{}`` and ``[1]``, which are complete without being
    confirmed. The first of them counts at the end, if nothing better was found. So does a text that as a
    whole is a string, a number or a literal.

    After an object, objects may follow that are separated by nothing but white space and commas. All other
    text after the JSON is skipped.

    Every character is read at most three times, whatever the text is: only a string that turns out not to
    belong to JSON is searched again.
    """

    def __init__(self, consumer: "JsonConsumer") -> None:
        self._consumer = consumer
        self._reader: PartialJson | None = None
        self._unconfirmed: list[str] = []  # what the reader has read of earlier pieces
        self._unconfirmed_value: PartialJson | None = None
        self._mistake = ""  # in the text that was the last to look like JSON
        self._has_object = False
        self._is_over = False
        self._context = "\n"  # the last visible character of the current line, or the line break
        self._preceding = ""  # the end of the text before the JSON

    def feed(self, text: str) -> None:
        """Read a piece of text.

        Raises:
            InvalidJsonError: the JSON that was found is not valid.
        """
        position = 0
        while position < len(text) and not self._is_over:
            reader = self._reader
            if reader is None:
                find = self._find_next_object if self._has_object else self._find_start
                position = find(text, position)
                continue
            start = position
            try:
                position = reader.feed(text, start)
            except InvalidJsonError as error:
                text, position = self._give_up(reader, text, start, error)
                continue
            if reader.is_complete:
                self._end(reader)
                continue
            if not reader.is_confirmed:
                self._unconfirmed.append(text[start:])
            if reader.is_confirmed or reader.first_string is not None:
                self._consumer.on_progress(reader)

    def flush(self, text: str) -> None:
        """Read what only the end decides; ``text`` is all the text that was fed, or "" if it is not known.

        Raises:
            InvalidJsonError: there is no JSON, or it is not complete.
        """
        reader = self._reader
        if self._is_over or (reader is None and self._has_object):
            return
        if not self._has_object and (reader is None or not reader.is_confirmed):
            reader = self._read_scalar(text) or reader or self._unconfirmed_value
        if reader is None:
            raise InvalidJsonError("it contains no JSON" + (self._mistake and f" ({self._mistake})"))
        if reader.is_complete or reader.is_confirmed:
            self._consumer.on_end(reader)
        if not reader.is_complete:
            raise InvalidJsonError(
                f"it ends before the {reader.kind} is complete (is `num_predict` too small?)"
            )

    def _find_start(self, text: str, position: int) -> int:
        """Find a bracket that may begin the JSON; return its position, or the length of the text."""
        for bracket in _compiled(_BRACKET).finditer(text, position):
            start = bracket.start()
            self._skip(text[position:start])
            if text[start] == "{" or self._context in _BEFORE_ARRAY:
                is_after_words = _compiled(_NOTHING_OR_FENCE).fullmatch(self._preceding) is None
                self._reader = self._consumer.new_reader(trusts_numbers=not is_after_words)
                return start
            position = start
        self._skip(text[position:])
        return len(text)

    def _find_next_object(self, text: str, position: int) -> int:
        match = _compiled(_BETWEEN_OBJECTS).match(text, position)
        position = position if match is None else match.end()
        if text.startswith("{", position):
            self._reader = self._consumer.new_reader()
        elif position < len(text):
            self._is_over = True
        return position

    def _skip(self, text: str) -> None:
        visible = text.rstrip(_BLANKS)
        if visible:
            self._context = visible[-1]
        self._preceding = (self._preceding + text[-_FENCE_LENGTH:])[-_FENCE_LENGTH:]

    def _give_up(
        self, reader: PartialJson, text: str, start: int, mistake: InvalidJsonError
    ) -> tuple[str, int]:
        """Return the text in which to look for another start: from the string that was read, or the mistake.

        What is before the first string are brackets and numbers, and nothing in there can begin JSON. If it
        is confirmed that this is JSON, the mistake is raised.
        """
        if reader.is_confirmed:
            self._consumer.on_end(reader)
            raise mistake
        self._reader = None
        self._is_over = self._has_object  # what follows an object is prose
        self._mistake = str(mistake)
        if self._unconfirmed:
            text = "".join(self._unconfirmed) + text[start:]
            start = 0
            self._unconfirmed.clear()
        resume = start + (mistake.position if reader.first_string is None else reader.first_string)
        self._skip(text[start:resume])
        return text, resume

    def _end(self, reader: PartialJson) -> None:
        """Take what is complete as the JSON, or keep it for the end if it may be prose."""
        self._reader = None
        self._unconfirmed.clear()
        if reader.is_confirmed or self._has_object:
            self._is_over = reader.is_array
            self._has_object = not reader.is_array
            self._consumer.on_end(reader)
        elif self._unconfirmed_value is None:
            self._unconfirmed_value = reader
        self._skip("]")

    def _read_scalar(self, text: str) -> PartialJson | None:
        """Return the reader of a text that is a string, number or literal and nothing else."""
        content = text.removeprefix("\ufeff").strip()
        if content.startswith("```"):
            content = content.partition("\n")[2].removesuffix("```").strip()
        if not content or content.startswith(("{", "[")):
            return None
        reader = self._consumer.new_reader()
        try:
            end = reader.feed(content)
            if not reader.is_complete:
                reader.feed(" ")  # ends a number or a literal, but not a string
        except InvalidJsonError:
            return None
        return reader if end == len(content) else None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
