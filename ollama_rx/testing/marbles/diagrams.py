"""Parse marble diagrams, and draw them one below another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ollama_rx.arguments import wrong_value


@dataclass(frozen=True, slots=True)
class Event:
    """One mark at a tick: a letter, or one of `|` `#` `^` `!`."""

    tick: float
    mark: str


@dataclass(frozen=True, slots=True)
class Diagram:
    """A diagram as events in the order of their ticks; `length` is the number of ticks."""

    events: tuple[Event, ...]
    length: int
    #: whether it had a `^`, which became tick 0
    hot: bool = False

    def ticks_of(self, mark: str) -> list[float]:
        """Return the ticks of a mark."""
        return [event.tick for event in self.events if event.mark == mark]

    def from_subscription(self) -> "Diagram":
        """Drop everything before the `^`; a diagram without one is returned as it is."""
        for start in self.ticks_of("^"):
            events = tuple(Event(it.tick - start, it.mark) for it in self.events if it.tick >= start)
            return Diagram(events, self.length - int(start), hot=True)
        return self

    def letters(self) -> set[str]:
        """Return the letters that stand for values."""
        return {event.mark for event in self.events} - set("|#^!")


def parse(text: str, *, name: str, marks: str) -> Diagram:
    """Parse a diagram; `name` is the argument's name for errors, `marks` are the allowed ones of `|#^!`.

    A group takes one tick and spaces take none, so that columns can be aligned:

    >>> parse("-a    -b", name="source", marks="|#").events
    (Event(tick=1, mark='a'), Event(tick=3, mark='b'))
    >>> parse("-(xy)-(z|)", name="expect", marks="|#").events[1:3]
    (Event(tick=1, mark='y'), Event(tick=3, mark='z'))

    Raises:
        ValueError: for a malformed diagram.
    """
    events: list[Event] = []
    tick = 0
    grouped = ended = False
    for mark in text:
        if mark.isspace():
            continue
        if mark in "()":
            if grouped is (mark == "("):
                raise wrong_value(name, "brackets that open, close and do not nest", text)
            grouped = mark == "("
        elif mark == "-":
            if grouped:
                raise wrong_value(name, "a group without `-`, since it takes one tick", text)
        elif mark in "|#^!" and mark not in marks:
            raise wrong_value(name, f"a diagram without `{mark}`", text)
        elif ended:
            raise wrong_value(name, "nothing after the end", text)
        else:
            events.append(Event(tick, mark))
            ended = mark in "|#"
        tick += not grouped
    if grouped:
        raise wrong_value(name, "brackets that open, close and do not nest", text)
    return Diagram(tuple(events), tick)


def draw(rows: Mapping[str, Diagram], *, point_at: float | None = None) -> str:
    """Draw diagrams with aligned columns under their names; `point_at` puts a caret under one tick.

    >>> a, b = (parse(text, name="source", marks="|") for text in ("-a-b-|", "-a-(xy)|"))
    >>> print(draw({"source": a, "expect": b}, point_at=3))
    source  -a-b   -|
    expect  -a-(xy)|
               ^
    """
    cells = {name: _cells(diagram) for name, diagram in rows.items()}
    ticks = max((len(row) for row in cells.values()), default=0)
    widths = [max(len(row[tick]) for row in cells.values() if tick < len(row)) for tick in range(ticks)]
    margin = max(map(len, rows), default=0) + 2
    lines = [
        (name.ljust(margin) + "".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)))
        for name, row in cells.items()
    ]
    if point_at is not None:
        lines.append(" " * (margin + sum(widths[: int(point_at)])) + "^")
    return "\n".join(line.rstrip() for line in lines)


def _cells(diagram: Diagram) -> Sequence[str]:
    """Draw each tick; events between two ticks are drawn at the first of them."""
    last = max((int(event.tick) for event in diagram.events), default=-1)
    cells = [""] * max(diagram.length, last + 1)
    for event in diagram.events:
        cells[int(event.tick)] += event.mark
    return [f"({cell})" if len(cell) > 1 else cell or "-" for cell in cells]
