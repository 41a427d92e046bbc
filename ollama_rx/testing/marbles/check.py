"""`check`: test an operator with marble diagrams, in virtual time.

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
    ^        subscribed to            !       unsubscribed
    space    nothing: spaces keep the columns of several diagrams aligned

`source` is cold: it begins when it is subscribed to. With a `^` it is hot: events before the `^` are past,
and the `^` is tick 0 of the other diagrams. A list of diagrams has one for each subscription (the last one
serves all further ones), as for a retry. `life` shows from when to when the source is subscribed to; if the
source ends by itself, that is the end. At a `!` in `expect` the subscriber unsubscribes, at the end of that
tick. After the last column the clock runs on for 1000 ticks, in which nothing may be emitted.

Within one tick the source comes before the operator's timers, except those that the operator started before
it subscribed to the source.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from string import ascii_uppercase
from textwrap import indent
from typing import Never

from reactivex import Observable

from ollama_rx.arguments import check_seconds, wrong_value
from ollama_rx.testing.marbles.diagrams import Diagram, Event, draw, parse
from ollama_rx.testing.marbles.virtual_run import RecordedEvent, VirtualRun

_SOURCE_ERROR = Exception("the # of the source")
_AnyError = Exception | type[Exception]


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
    """Check that the operator turns `source` into `expect`, and subscribes to the source as in `life`.

    >>> from reactivex import operators as ops
    >>> check(ops.map(str.upper), source="-a-b-|", expect="-x-y-|", x="A", y="B")
    >>> check(ops.take(1), source="-a-b-|", expect="-a-b-|")
    Traceback (most recent call last):
    AssertionError: differs from `expect` from tick 1 on:
    <BLANKLINE>
      source  -a   -b-|
      expect  -a   -b-|
      got     -(a|)
               ^

    Args:
        operator: the operator to test; `lambda source: ...` for a pipe of several.
        source: the diagram of the input, or one for each subscription.
        expect: the diagram of the expected output.
        life: the diagram of the source's subscription, or one for each; "" for a source that must not be
            subscribed to. Not compared by default.
        error: the error that `#` in `source` stands for.
        expect_error: the error that `#` in `expect` stands for if it is not the error of the source; a class
            stands for any error of that class.
        tick: seconds per character, for operators with timers. If an item and a timer fall on the same tick,
            the item comes first, unless the operator started the timer before it subscribed to the source.
        **letters: the values of the letters; a letter without one stands for itself, as a string.

    Raises:
        AssertionError: with the diagrams one below another.
        ValueError: for a malformed diagram or an unused letter.
    """
    check_seconds("tick", tick)
    sources = [parse(text, name="source", marks="|#^").from_subscription() for text in _as_sequence(source)]
    if not sources:
        raise wrong_value("source", "at least one diagram", source)
    expected = parse(expect, name="expect", marks="|#!")
    lives = None if life is None else [_parse_life(text) for text in _as_sequence(life)]
    values = _values_of(letters, [*sources, expected])
    if expected.ticks_of("#") and not any(each.ticks_of("#") for each in sources) and expect_error is None:
        raise wrong_value("expect_error", "an error, since `expect` has a `#` and `source` has none", None)
    run = VirtualRun(sources, values, error or _SOURCE_ERROR, tick)
    until = next(iter(expected.ticks_of("!")), None)
    run.run(operator, until=until, length=max(each.length for each in [*sources, expected]))
    if problem := _describe_differences(run, expected, expect_error or run.error, lives):
        raise AssertionError(problem)


def _as_sequence(text: str | Sequence[str]) -> Sequence[str]:
    return [text] if isinstance(text, str) else text


def _parse_life(text: str) -> Diagram:
    life = parse(text, name="life", marks="^!")
    order = "".join(event.mark for event in life.events)
    if order not in ("", "^", "^!"):
        raise wrong_value("life", "one `^` and then at most one `!`", text)
    return life


def _values_of(letters: dict[str, object], diagrams: Sequence[Diagram]) -> dict[str, object]:
    used = {letter for diagram in diagrams for letter in diagram.letters()}
    if unused := sorted(letters.keys() - used):
        raise wrong_value("letters", "letters of `source` or `expect`", unused)
    return {letter: letter for letter in used} | letters


def _describe_differences(
    run: VirtualRun, expected: Diagram, error: _AnyError, lives: Sequence[Diagram] | None
) -> str:
    """Describe how the run differs from the diagrams; "" if it does not."""
    return "\n\n".join(filter(None, [_compare_output(run, expected, error), _compare_lives(run, lives)]))


def _compare_output(run: VirtualRun, expected: Diagram, error: _AnyError) -> str:
    events = [event for event in expected.events if event.mark != "!"]
    pairs = zip_longest(events, run.emitted)
    different = next((pair for pair in pairs if not _same(*pair, run.values, error)), None)
    if different is None:
        return ""
    first = min(each.tick for each in different if each is not None)
    return f"differs from `expect` from tick {first} on:\n\n{draw_run(run, expected, error, point_at=first)}"


def _compare_lives(run: VirtualRun, lives: Sequence[Diagram] | None) -> str:
    if lives is None:
        return ""
    spans = [
        Diagram((Event(it.begin, "^"), *([] if it.end is None else [Event(it.end, "!")])), 0)
        for it in run.subscriptions
    ]
    if [life.events for life in lives if life.events] == [span.events for span in spans]:
        return ""
    got = _numbered("got", spans) or {"got": Diagram((), 0)}
    drawing = draw({**_numbered("source", run.sources), **_numbered("life", lives), **got})
    return f"the source's subscription differs from `life`:\n\n{indent(drawing, '  ')}"


def draw_run(
    run: VirtualRun,
    expected: Diagram | None = None,
    error: _AnyError | None = None,
    *,
    point_at: float | None = None,
) -> str:
    """Draw the sources and the output of a run one below another, with the values of letters and errors."""
    names = dict(run.values)
    preferred = [] if expected is None else [event.mark for event in expected.events if event.mark != "!"]
    events = zip_longest(run.emitted, preferred[: len(run.emitted)])
    got = Diagram(tuple(Event(it.tick, _mark(it, names, letter)) for it, letter in events), 0)
    rows = _numbered("source", run.sources)
    rows |= {"got": got} if expected is None else {"expect": expected, "got": got}
    expected_error = error if expected is not None and expected.ticks_of("#") else None
    legend = [*_legend(names, rows.values()), *_notes(run, expected_error)]
    return "\n".join([indent(draw(rows, point_at=point_at), "  "), *legend])


def _same(
    event: Event | None, got: RecordedEvent | None, values: Mapping[str, object], error: _AnyError
) -> bool:
    if event is None or got is None or event.tick != got.tick:
        return False
    match event.mark:
        case "|":
            return got.kind == "|"
        case "#":
            return got.kind == "#" and _same_error(got.value, error)
        case letter:
            return got.kind == "-" and bool(got.value == values[letter])


def _same_error(got: object, expected: _AnyError) -> bool:
    if isinstance(expected, type):
        return isinstance(got, expected)
    return got is expected or (type(got) is type(expected) and str(got) == str(expected))


def _mark(event: RecordedEvent, names: dict[str, object], preferred: str | None) -> str:
    """Return the letter of an equal value, the preferred one if possible, else a new capital."""
    if event.kind != "-":
        return event.kind
    if preferred in names and names[preferred] == event.value:
        return preferred
    known = (letter for letter, value in names.items() if value == event.value)
    unused = (letter for letter in ascii_uppercase if letter not in names)
    letter = next(known, None) or next(unused, "?")
    names[letter] = event.value
    return letter


def _legend(names: Mapping[str, object], diagrams: Iterable[Diagram]) -> Iterator[str]:
    for letter in sorted({letter for diagram in diagrams for letter in diagram.letters()}):
        if names[letter] != letter:
            yield f"  {letter} = {names[letter]!r}"


def _notes(run: VirtualRun, expected: _AnyError | None) -> Iterator[str]:
    """Describe what a drawing cannot show: the errors, and events between two ticks."""
    for event in run.emitted:
        if event.kind == "#" and expected is not None and not _same_error(event.value, expected):
            yield f"  # is {expected!r} in expect, but the operator sent {event.value!r}"
        elif event.kind == "#" and not _same_error(event.value, run.error):
            yield f"  # = {event.value!r}"
        if not float(event.tick).is_integer():
            yield f"  between two columns, at tick {event.tick}: {event.kind} {event.value!r}"


def _numbered(name: str, diagrams: Sequence[Diagram]) -> dict[str, Diagram]:
    if len(diagrams) == 1:
        return {name: diagrams[0]}
    return {f"{name} {number}": diagram for number, diagram in enumerate(diagrams, 1)}
