"""What a line break does: it ends a sentence, except after a lone marker and inside a code fence."""

from typing import Final

from ollama_rx.operators._sentences.items import is_only_marker
from ollama_rx.operators._sentences.sentence import Sentence
from ollama_rx.operators._sentences.verdict import WAIT, Continue, Cut, Verdict

_SPACES: Final = 60  # white space before a line break that goes to the next sentence; more stays


def line_end(sentence: Sentence, text: str, at: int) -> Verdict:
    """Judge a line break."""
    if sentence.fence:
        return _in_fence(sentence, text, at)
    line = text[:at].strip()
    if not sentence.begun and (not line or is_only_marker(line)):
        return Continue(at + 1)
    sentence.fence = sentence.opens_fence(text, at)
    if sentence.fence:
        return Continue(at + 1)
    return _cut(sentence, text, at)


def _in_fence(sentence: Sentence, text: str, at: int) -> Verdict:
    line = text[text.rfind("\n", 0, at) + 1 : at].strip("> \t\r")
    if not line.startswith(sentence.fence) or line.strip(sentence.fence[0]):
        return Continue(at + 1)
    sentence.fence = ""
    return _cut(sentence, text, at)


def _cut(sentence: Sentence, text: str, at: int) -> Verdict:
    sentence.end_line()
    start = max(0, at - _SPACES)
    kept = len(text[start:at].rstrip())
    end = start + kept if kept else at
    return Cut(end) if end else WAIT  # there is nothing before it to cut off
