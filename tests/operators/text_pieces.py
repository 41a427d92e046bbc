"""Text in pieces: difficult text, ways to cut it, and a way to run an operator on the pieces."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from hypothesis import strategies as st
from reactivex import Observable, from_iterable
from reactivex import operators as ops

A = TypeVar("A")
B = TypeVar("B")

TEXT = (
    "  Hello, wörld!\r\n\n\tCafe\u0301 \u0301x naïve “quoted” 3.14 日本語のテキスト。你好\uff0c世界\uff01 "
    "👩\u200d👩\u200d👧 👍🏽 🇩🇪🇫🇷 1\ufe0f\u20e3 ประเทศไทย नमस्ते क्षत्रिय 한국어 각 𠮷野家 ok  "
)
"""Emoji sequences, flags, keycaps, combining marks, scripts without spaces, all line ends."""


def cut(text: str, size: int) -> list[str]:
    """Cut a text into pieces of the same size."""
    return [text[i : i + size] for i in range(0, len(text), size)]


def run(operator: Callable[[Observable[A]], Observable[B]], items: Iterable[A]) -> list[B]:
    """Return the items that an operator emits for these items."""
    found: list[B] = []
    from_iterable(list(items)).pipe(operator, ops.do_action(found.append)).subscribe()
    return found


SIZES = (1, 2, 3, 7, 1000)

pieces = st.lists(
    st.text(alphabet=st.sampled_from("ab .\n\r\t\u0301e日本。👩\u200d🏽🇩🇪\ufe0fไท한각क्षENDend"), max_size=8)
    | st.text(max_size=4),
    max_size=12,
)
"""Strategy for pieces of difficult text; each list is one way to cut its joined text."""
