"""Names in which no sentence ends, such as "Yahoo!", given by the caller."""

from collections import defaultdict
from collections.abc import Iterable

from ollama_rx.operators._sentences.verdict import WAIT, Continue, Verdict


class NeverSplit:
    """Finds out whether a mark belongs to one of the caller's names."""

    def __init__(self, names: Iterable[str], marks: frozenset[str]) -> None:
        self._parts: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        """For each mark, the text before and after it in each name."""
        for name in names:
            for at, char in enumerate(name):
                if char in marks:
                    self._parts[char].append((name[:at], name[at + 1 :]))

    def judge(self, text: str, mark: int, *, final: bool) -> Verdict | None:
        """Continue the sentence at a mark that belongs to a name; None for any other mark."""
        for before, after in self._parts.get(text[mark], ()):
            start = mark - len(before)
            if not text.startswith(before, max(start, 0), mark) or start < 0:
                continue
            if text[start].isalnum() and text[start - 1 : start].isalnum():  # the end of a longer word
                continue
            end = mark + 1 + len(after)
            found = text[mark + 1 : end]
            if found == after:
                return Continue(mark + 1)
            if end > len(text) and not final and after.startswith(found):
                return WAIT
        return None
