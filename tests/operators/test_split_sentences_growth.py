"""The cost of `split_sentences` is proportional to the length of the text, for any text and all options.

Work is counted, not timed: the characters that the parts of the operator are given to look at.
"""

from collections.abc import Callable
from typing import Any

import pytest

from ollama_rx.operators import _split_sentences as merging
from ollama_rx.operators import split_sentences
from ollama_rx.operators._sentences import splitter as splitting
from ollama_rx.operators._sentences.rules import Rules
from tests.operators.text_pieces import cut, run

SIZE = 1_000
TEXTS = [
    *("a" + unit * SIZE for unit in "」”(`*？…•\u0301字 "),
    *(unit * (SIZE // 2) for unit in ("字。", "字，", "A.", "1.", "``", "a ", "👍🏽")),
    *("(" + unit * (SIZE // 4) for unit in ("字。「」", "a. B", "[1](", "！と「」")),
    "Yes 5 a.m. " + "`" * SIZE,
    "a" * 21 + "，" + "a," * (SIZE // 2),
    "```\n" + "a\tかな" * (SIZE // 4),
    "a" + " " * SIZE + "b*.\n",
]
OPTIONS: list[dict[str, Any]] = [
    {},
    {"eager": True},
    {"first_fragment": True, "max_chars": 20},
    {"max_chars": 100},
    {"min_chars": 100_000, "strip": False},
]
LONGEST_LOOK = 800  # characters: what the splitter keeps of a long sentence, and the text after a mark
LOOKS = 4  # for each character


def watch(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, *, text_at: int) -> list[int]:
    """Return a list to which each call of a function adds the length of its text."""
    original: Callable[..., Any] = getattr(owner, name)
    lengths: list[int] = []

    def watched(*args: Any, **options: Any) -> Any:
        lengths.append(len(args[text_at]))
        return original(*args, **options)

    monkeypatch.setattr(owner, name, watched)
    return lengths


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("size", [1, 4, SIZE])
def test_the_work_for_each_character_is_bounded(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], size: int
) -> None:
    judged = watch(monkeypatch, Rules, "judge", text_at=2)
    cuts = watch(monkeypatch, splitting, "best_cut", text_at=0)
    weighed = watch(monkeypatch, merging, "weight", text_at=0)
    for text in TEXTS:
        for lengths in (judged, cuts, weighed):
            lengths.clear()
        run(split_sentences(**options), cut(text, size))
        assert max([*judged, *cuts], default=0) <= LONGEST_LOOK
        assert len(judged) + len(cuts) <= LOOKS * len(text)
        assert sum(weighed) <= len(text)
