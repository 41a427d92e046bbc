"""What a line break does: it ends a sentence, except after a lone marker and inside a code fence."""

from ollama_rx.operators._sentences.items import is_only_marker
from ollama_rx.operators._sentences.sentence import Sentence


def line_end(sentence: Sentence, text: str, at: int) -> int:
    """Judge a line break."""
    if sentence.fence:
        return _in_fence(sentence, text, at)
    line = text[:at].strip()
    if not sentence.settled and (not line or is_only_marker(line)):
        return -(at + 1)
    sentence.is_opaque(text, at)
    fence = sentence.opaque or ""
    if fence[:1] in ("`", "~") and (sentence.settled or fence not in line.lstrip("> ")[len(fence) :]):
        sentence.fence = fence
        return -(at + 1)
    sentence.end_line()
    return max(1, len(text[:at].rstrip()))


def _in_fence(sentence: Sentence, text: str, at: int) -> int:
    line = text[text.rfind("\n", 0, at) + 1 : at].strip("> \t\r")
    if not line.startswith(sentence.fence) or line.strip(sentence.fence[0]):
        return -(at + 1)
    sentence.fence = ""
    sentence.end_line()
    return max(1, len(text[:at].rstrip()))
