"""The same text in other pieces: the output of an operator on text must not depend on how it was cut."""

import random
from collections.abc import Callable, Iterator
from typing import TypeVar

import reactivex
from reactivex import Observable
from reactivex import operators as ops

from ollama_rx.arguments import check_whole

T = TypeVar("T")

_SIZES = (2, 3, 7)
_RANDOM_CUTTINGS = 20
_MAX_LENGTH_IN_TWO = 500  # longer texts are not cut in two at every place


def rechunk(text: str, size: int) -> list[str]:
    """Cut a text into pieces of `size` characters.

    >>> rechunk("abcde", 2)
    ['ab', 'cd', 'e']
    """
    check_whole("size", size, least=1)
    return [text[start : start + size] for start in range(0, len(text), size)]


def cuttings(text: str) -> Iterator[list[str]]:
    """Cut a text in many ways: whole, in small pieces, in two at every place, at random, with empty pieces.

    A piece may end anywhere, also inside an emoji or between a letter and its accent, as in a token stream.
    The random cuttings are the same in every run.

    >>> list(cuttings("ab"))[:3]
    [['ab'], ['a', 'b'], ['', 'a', '', 'b', '']]
    """
    yield [text]
    yield rechunk(text, 1)
    yield [part for piece in rechunk(text, 1) for part in ("", piece)] + [""]
    yield from (rechunk(text, size) for size in _SIZES)
    if len(text) <= _MAX_LENGTH_IN_TWO:
        yield from ([text[:place], text[place:]] for place in range(1, len(text)))
    generator = random.Random(text)  # noqa: S311 - not for secrets: it must be the same in every run
    for _ in range(_RANDOM_CUTTINGS):
        places = sorted(generator.choices(range(len(text) + 1), k=1 + len(text) // 4))
        yield [text[begin:end] for begin, end in zip([0, *places], [*places, len(text)], strict=True)]


def check_any_cutting(
    operator: Callable[[Observable[str]], Observable[T]],
    text: str,
    *,
    compare: Callable[[list[T]], object] = list,
) -> list[T]:
    """Check that an operator emits the same for every cutting of a text; return the items.

    The results of `compare` must be equal: by default the items, with `"".join` their text only, as for an
    operator that lets text through.

    >>> check_any_cutting(ops.reduce(lambda text, more: text + more), "ab")
    ['ab']
    >>> check_any_cutting(ops.map(str.upper), "ab", compare="".join)
    ['AB']
    >>> check_any_cutting(ops.map(str.upper), "ab")
    Traceback (most recent call last):
    AssertionError: ['a', 'b'] gives ['A', 'B'], but the whole text gives ['AB']
    """
    whole = _run(operator, [text])
    for pieces in cuttings(text):
        items = _run(operator, pieces)
        if compare(items) != compare(whole):
            raise AssertionError(
                f"{pieces} gives {compare(items)}, but the whole text gives {compare(whole)}"
            )
    return whole


def _run(operator: Callable[[Observable[str]], Observable[T]], pieces: list[str]) -> list[T]:
    return reactivex.of(*pieces).pipe(operator, ops.to_list()).run()
