"""`check`: say what an operator does as a picture, in virtual time.

::

    check(
        ops.take(2),
        source="-a-b-c-|",
        expect="-a-(b|) ",
        life="  ^--!    ",
    )

One character is one tick, of `tick` seconds:

    -        a tick passes            (xy|)   several events in one tick; the group is one tick long
    a        an item                  |       the end       #    an error
    ^        subscribed               !       unsubscribed
    space    nothing: spaces keep the columns of several diagrams aligned

`source` is cold: it begins when it is subscribed. With a `^` it is hot: what stands before the `^` is past,
and the `^` is tick 0 of the other diagrams. Several diagrams are for one subscription each (the last one for
all further ones), as for a retry. `life` tells from when to when the source is subscribed; a source that ends
by itself is unsubscribed at that tick. A `!` in `expect` is where the subscriber leaves, at the end of that
tick. After the last column the clock runs on for 1000 ticks, in which nothing may happen.

Within one tick the source comes before the operator's timers.
"""

from collections.abc import Callable, Sequence
from typing import Never

from reactivex import Observable

from ollama_rx.testing.diagrams import Diagram, parse
from ollama_rx.testing.differences import differences
from ollama_rx.testing.virtual import Run

_ERROR = Exception("the # of the source")


def check(
    operator: Callable[[Observable[Never]], Observable[object]],
    /,
    *,
    source: str | Sequence[str],
    expect: str,
    life: str | Sequence[str] | None = None,
    error: Exception | None = None,
    expect_error: Exception | type[Exception] | None = None,
    tick: float = 1.0,
    **letters: object,
) -> None:
    """Check that `source` through the operator gives `expect`, with the source subscribed as `life` says.

    >>> from reactivex import operators as ops
    >>> check(ops.map(str.upper), source="-a-b-|", expect="-x-y-|", x="A", y="B")
    >>> check(ops.take(1), source="-a-b-|", expect="-a-b-|")
    Traceback (most recent call last):
    AssertionError: not what `expect` says, from tick 1 on:
    <BLANKLINE>
      source  -a   -b-|
      expect  -a   -b-|
      got     -(a|)
               ^

    Args:
        operator: what is tested; `lambda source: ...` for several, or for a pipe.
        source: the diagram of what goes in, or one for each subscription.
        expect: the diagram of what must come out.
        life: the diagram of the source's subscription, or one for each; "" for a source that must not be
            subscribed. Not compared unless given.
        error: what `#` in `source` stands for.
        expect_error: what `#` in `expect` stands for if it is not the error of the source; a class for any
            error of it.
        tick: seconds per character, for operators with timers.
        **letters: what the letters stand for; a letter that is not given stands for itself, as a string.

    Raises:
        AssertionError: with the diagrams one under another.
        ValueError: for a diagram or a letter that says nothing sensible.
    """
    if not tick > 0:
        raise ValueError(f"tick must be above 0 seconds, got {tick}")
    sources = [parse(text, name="source", marks="|#^").from_subscription() for text in _several(source)]
    if not sources:
        raise ValueError("source must hold at least one diagram")
    expected = parse(expect, name="expect", marks="|#!")
    lives = None if life is None else [_life(text) for text in _several(life)]
    values = _values(letters, [*sources, expected])
    if expected.ticks_of("#") and not any(each.ticks_of("#") for each in sources) and expect_error is None:
        raise ValueError("expect_error must say what `#` in expect stands for: source has none")
    run = Run(sources, values, error or _ERROR, tick)
    until = next(iter(expected.ticks_of("!")), None)
    run.of(operator, until=until, length=max(each.length for each in [*sources, expected]))
    if problem := differences(run, expected, expect_error or run.error, lives):
        raise AssertionError(problem)


def _several(text: str | Sequence[str]) -> Sequence[str]:
    return [text] if isinstance(text, str) else text


def _life(text: str) -> Diagram:
    life = parse(text, name="life", marks="^!")
    order = "".join(event.mark for event in life.events)
    if order not in ("", "^", "^!"):
        raise ValueError(f"life: one `^` and then at most one `!`: {text!r}")
    return life


def _values(letters: dict[str, object], diagrams: Sequence[Diagram]) -> dict[str, object]:
    used = {letter for diagram in diagrams for letter in diagram.letters()}
    if unused := sorted(letters.keys() - used):
        raise ValueError(f"{', '.join(unused)}: not a letter of source or expect")
    return {letter: letter for letter in used} | letters
