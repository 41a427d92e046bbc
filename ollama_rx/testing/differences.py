"""Compare a run with what was expected, and say the difference as a picture."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from string import ascii_uppercase
from textwrap import indent

from ollama_rx.testing.diagrams import Diagram, Event, draw
from ollama_rx.testing.virtual import Run, Seen

Error = Exception | type[Exception]


def differences(run: Run, expected: Diagram, error: Error, lives: Sequence[Diagram] | None) -> str:
    """Say what differs; "" if nothing does."""
    return "\n\n".join(filter(None, [_stream(run, expected, error), _lives(run, lives)]))


def _stream(run: Run, expected: Diagram, error: Error) -> str:
    events = [event for event in expected.events if event.mark != "!"]
    pairs = list(zip_longest(events, run.seen))
    different = [pair for pair in pairs if not _same(*pair, run.values, error)]
    if not different:
        return ""
    first = min(each.tick for each in different[0] if each is not None)
    names = dict(run.values)
    got = Diagram(tuple(Event(seen.tick, _mark(event, seen, names)) for event, seen in pairs if seen), 0)
    picture = draw({**_sources(run), "expect": expected, "got": got}, point_at=first)
    legend = [*_letters(names, [*run.sources, expected, got]), *_oddities(run, expected, error)]
    return "\n".join([f"not what `expect` says, from tick {first} on:\n", indent(picture, "  "), *legend])


def _lives(run: Run, lives: Sequence[Diagram] | None) -> str:
    if lives is None:
        return ""
    lived = [
        Diagram((Event(it.begin, "^"), *([] if it.end is None else [Event(it.end, "!")])), 0)
        for it in run.subscriptions
    ]
    if [life.events for life in lives if life.events] == [life.events for life in lived]:
        return ""
    rows = {**_sources(run), **_numbered("life", lives), **(_numbered("lived", lived) or {"lived": _NOTHING})}
    return f"the source was not subscribed as `life` says:\n\n{indent(draw(rows), '  ')}"


_NOTHING = Diagram((), 0)


def _same(event: Event | None, seen: Seen | None, values: Mapping[str, object], error: Error) -> bool:
    if event is None or seen is None or event.tick != seen.tick:
        return False
    match event.mark:
        case "|":
            return seen.kind == "|"
        case "#":
            return seen.kind == "#" and _same_error(seen.value, error)
        case letter:
            return seen.kind == "-" and bool(seen.value == values[letter])


def _same_error(got: object, wanted: Error) -> bool:
    if isinstance(wanted, type):
        return isinstance(got, wanted)
    return got is wanted or (type(got) is type(wanted) and str(got) == str(wanted))


def _mark(event: Event | None, seen: Seen, names: dict[str, object]) -> str:
    """Name what came by the letter of the same value, if there is one, else by a new capital."""
    if seen.kind != "-":
        return seen.kind
    if event is not None and event.mark in names and names[event.mark] == seen.value:
        return event.mark
    known = (letter for letter, value in names.items() if value == seen.value)
    unused = (letter for letter in ascii_uppercase if letter not in names)
    letter = next(known, None) or next(unused, "?")
    names[letter] = seen.value
    return letter


def _letters(names: Mapping[str, object], diagrams: Sequence[Diagram]) -> Iterator[str]:
    for letter in sorted({letter for diagram in diagrams for letter in diagram.letters()}):
        if names[letter] != letter:
            yield f"  {letter} = {names[letter]!r}"


def _oddities(run: Run, expected: Diagram, error: Error) -> Iterator[str]:
    """Say what a picture can't: which errors, and what happened between two ticks."""
    for seen in run.seen:
        if seen.kind == "#" and expected.ticks_of("#") and not _same_error(seen.value, error):
            yield f"  # is {error!r} in expect, and {seen.value!r} came"
        elif seen.kind == "#" and not _same_error(seen.value, run.error):
            yield f"  # = {seen.value!r}"
        if not float(seen.tick).is_integer():
            yield f"  between two columns, at tick {seen.tick}: {seen.kind} {seen.value!r}"


def _sources(run: Run) -> dict[str, Diagram]:
    return _numbered("source", run.sources)


def _numbered(name: str, diagrams: Sequence[Diagram]) -> dict[str, Diagram]:
    if len(diagrams) == 1:
        return {name: diagrams[0]}
    return {f"{name} {number}": diagram for number, diagram in enumerate(diagrams, 1)}
