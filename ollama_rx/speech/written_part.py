"""How much of what was written belongs to the part of a sentence that was said."""

import re
from collections.abc import Iterator
from difflib import Match, SequenceMatcher

# Thai, Lao, Burmese, Khmer, kana and Han: scripts without spaces between words.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
_PIECE = re.compile(rf"[{_UNSPACED}]|[^\s{_UNSPACED}]+")
_FIRST_UNSPACED = re.compile(rf"\W*[{_UNSPACED}]")
_LAST_UNSPACED = re.compile(rf"[{_UNSPACED}]\Z")
_MOST_COMPARED = 1000  # words; comparing takes quadratic time


def written_part(written: str, said: str, end: int) -> str:
    """Return the beginning of ``written`` of which ``said[:end]`` was made, up to the end of a word.

    A voice says other words than were written: without formatting and addresses, and with pronunciations of
    the user's. So the words of both are compared; what differs between two equal words is shared out evenly.

    >>> written_part("See **the** [docs](https://x.y) of SQL now.", "See the docs of sequel now.", 22)
    'See **the** [docs](https://x.y) of SQL'
    """
    if not said[:end].strip():
        return ""
    if not said[end:].strip():
        return written
    heard, unheard = list(_words(said[:end])), list(_words(said[end:]))
    of_written = list(_words(written))
    count = _count_heard([word for word, _ in of_written], [w for w, _ in heard], [w for w, _ in unheard])
    return written[: of_written[count - 1][1]] if count else ""


def whole_words(said: str, end: int) -> int:
    """Return where the last word ends that is complete in ``said[:end]``.

    >>> whole_words("Hello Ada", 7)
    5
    """
    in_a_word = 0 < end < len(said) and not said[end].isspace() and not _LAST_UNSPACED.search(said[:end])
    if in_a_word:
        end = max(said.rfind(space, 0, end) for space in (" ", "\n")) + 1
    return len(said[:end].rstrip())


def begins_unspaced(text: str) -> bool:
    """Return whether a text begins in a script that writes no spaces between words."""
    return _FIRST_UNSPACED.match(text) is not None


def _words(text: str) -> Iterator[tuple[str, int]]:
    """Yield the letters and digits of each word, and where the word ends with the marks that touch it."""
    word, end = "", 0
    for match in _PIECE.finditer(text):
        key = "".join(filter(str.isalnum, match[0])).casefold()
        if key:
            if word:
                yield word, end
            word = key
        elif not word or match.start() > end:
            continue  # a mark that stands alone
        end = match.end()
    if word:
        yield word, end


def _count_heard(written: list[str], heard: list[str], unheard: list[str]) -> int:
    """Return how many of the written words were heard."""
    said = [*heard, *unheard]
    if max(len(written), len(said)) > _MOST_COMPARED:
        return round(len(written) * len(heard) / len(said))
    same = SequenceMatcher(None, written, said, autojunk=False).get_matching_blocks()
    at = next(index for index, block in enumerate(same) if len(heard) <= block.b + block.size)
    block = same[at]  # the last one is empty, and at the end of both
    if len(heard) > block.b:
        return block.a + len(heard) - block.b
    before = same[at - 1] if at else Match(0, 0, 0)
    first_written, first_said = before.a + before.size, before.b + before.size
    differing = block.b - first_said
    share = (len(heard) - first_said) / differing if differing else 0.0
    return first_written + int((block.a - first_written) * share)
