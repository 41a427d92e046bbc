"""Say what a Markdown sentence says."""

import re
from collections.abc import Callable

from reactivex import Observable

from ollama_rx.arguments import optional_texts
from ollama_rx.operators._latex import plain_formula
from ollama_rx.operators._markdown_to_speech import parser, spoken
from ollama_rx.rx import Emitter, through

_FENCE = re.compile(r"[ \t]*(?P<fence>`{3,}|~{3,})(?P<info>[^`]*)\Z")
_OPENING = re.compile(r"[ \t>]*(?:(?P<formula>\$\$(?=\S|\s*\Z)|\\\[)|(?P<comment><!--))")
_CLOSING = {"$$": "$$", "\\[": "\\]", "<!--": "-->"}
_BLOCK = re.compile(r"```|~~~|\$\$|\\\[|<!--")


def speakable(*, code: str | None = None) -> Callable[[Observable[str]], Observable[str]]:
    r"""Turn each sentence of Markdown into what a voice should say; drop what leaves nothing to say.

    ::

        source  -a------b----c-|   a="**Hello [Ada](https://a.b)."   b="How *are* you?** 👋"   c="---"
        spoken  -x------y------|   x="Hello Ada."                    y="How are you?"

    Wants whole sentences: put `split_sentences` before it. Formatting pairs may be split over
    sentences; blocks of code, formulas and comments over any pieces. Holds nothing back.

    - Emphasis, headings, quotes: their text. Lists: their items, with the number if they have one.
    - Links and images: their text. Addresses: the host, without "www".
    - Tables: a line for each row, cells parted by commas. Rules and HTML tags: nothing.
    - Code in a line: as it stands. Blocks of code: nothing, or what ``code`` says.
    - LaTeX: its signs in Unicode, as far as there are any ("$x^2 \le y$" is "x² ≤ y").
    - Emoji, references such as [1] and numbers that link to the web: nothing.

    ``snake_case``, ``3 < 5``, ``2*3*4``, ``C#`` and ``$5`` stay. Numbers, units and dates are left for the
    voice to say. Needs the extra ``ollama-rx[speech]`` (markdown-it-py).

    Args:
        code: what to say in place of a block of code, such as "Here is some code."

    Raises:
        ImportError: when the operator is built without the extra.

    >>> from reactivex import of
    >>> of("# The *big* `snake_case`, see <b>[here](https://x.y)</b> 👋").pipe(speakable()).run()
    'The big snake_case, see here'
    """
    optional_texts(code=code)
    try:
        parser()
    except ImportError as error:
        raise ImportError('speakable() needs markdown-it-py: pip install "ollama-rx[speech]"') from error
    return through(lambda out: _Speakable(out, code))


class _Speakable:
    def __init__(self, out: Emitter[str], code: str | None) -> None:
        self._emit = out.emit
        self._code = code
        self._fence = ""  # what opened the block of code that is being left out
        self._closing = ""  # what ends the formula or comment that was opened
        self._is_formula = False

    def feed(self, text: str, /) -> None:
        if self._fence or self._closing or _BLOCK.search(text):
            parts = self._around_blocks(text)
        else:
            parts = [spoken(text)]
        said = "\n".join(part for part in parts if part)
        if said:
            self._emit(said)

    def _around_blocks(self, text: str) -> list[str]:
        """Return what to say of the text around blocks of code, formulas and comments, and of these."""
        parts: list[str] = []
        lines: list[str] = []
        for line in text.splitlines():
            match = _FENCE.match(line)
            if self._fence:
                if match and match["fence"].startswith(self._fence) and not match["info"].strip():
                    self._fence = ""
            elif self._closing:
                before, closing, after = line.partition(self._closing)
                lines.append(before)
                if closing:
                    parts.append(self._said(lines))
                    self._closing = ""
                    lines.append(after)
            elif match:
                parts += [self._said(lines), self._code or ""]
                self._fence = match["fence"]
            elif opening := self._opening(line):
                parts.append(self._said(lines))
                lines.append(line[opening.end() :])
                self._is_formula = opening["formula"] is not None
                self._closing = _CLOSING[opening["formula"] or opening["comment"]]
            else:
                lines.append(line)
        return [*parts, self._said(lines)]

    def _said(self, lines: list[str]) -> str:
        """Return what to say of lines that are of one kind, and forget them."""
        text = "\n".join(lines)
        lines.clear()
        if not self._closing:
            return spoken(text)
        return plain_formula(text) if self._is_formula else ""

    def _opening(self, line: str) -> re.Match[str] | None:
        """Find what begins a formula or comment that goes on after this line."""
        opening = _OPENING.match(line)
        if opening is None or _CLOSING[opening["formula"] or opening["comment"]] in line[opening.end() :]:
            return None
        return opening
