"""The events of one answer, as machines and as a stream."""

from collections.abc import Callable
from typing import Any

import pytest
from reactivex import from_iterable, throw
from reactivex import operators as rx

from ollama_rx.blocks import Block
from ollama_rx.chunks import Chunk
from ollama_rx.rx import Emitter
from ollama_rx.web import WebEvent
from ollama_rx.web.page.page_events import ShownAnswer, _Drawing, _Figures, page_events


class Clock:
    """Time that a test moves; what was to be called later is called by it."""

    level = 0

    def __init__(self) -> None:
        self.time = 0.0
        self.later: list[tuple[float, Callable[[], object]]] = []

    def now(self) -> float:
        return self.time

    def call_later(self, seconds: float, action: Callable[[], object], *, level: int) -> Callable[[], None]:
        assert level == self.level
        self.later.append((seconds, action))
        return lambda: None

    def complete_early(self, level: int, on_completed: Callable[[], object]) -> None:
        raise AssertionError(level, on_completed)

    def emitter(self, events: list[WebEvent]) -> Emitter[WebEvent]:
        return Emitter(events.append, subscription=self)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def chunk(text: str = "", thinking: str = "", **more: object) -> Chunk:
    return Chunk({"model": "m", "message": {"content": text, "thinking": thinking}, "done": False, **more})


def events_of(*chunks: Chunk) -> list[WebEvent]:
    found: list[WebEvent] = page_events(from_iterable(chunks)).pipe(rx.to_list()).run()
    return found


def test_an_answer_becomes_thinking_blocks_figures_and_stats() -> None:
    last = chunk(done=True, done_reason="stop", eval_count=7, eval_duration=10**9, prompt_eval_count=3)
    events = events_of(chunk(thinking="Hm"), chunk("*a*\n\n"), chunk("b"), last)
    assert [event.data for event in events if event.type == "thinking"] == [{"text": "Hm"}]
    blocks = {event.data["number"]: event.data for event in events if event.type == "block"}
    assert blocks == {
        0: {"number": 0, "html": "<p><em>a</em></p>\n", "complete": True},
        1: {"number": 1, "html": "<p>b</p>\n", "complete": True},
    }
    assert events[-1].type == "stats"
    stats = events[-1].data
    assert (stats["model"], stats["ended_by"], stats["tokens"], stats["prompt_tokens"]) == ("m", "stop", 7, 3)
    assert (stats["tokens_per_second"], stats["seconds"] >= stats["time_to_first_text"]) == (7, True)
    figures = [event.data for event in events if event.type == "figures"]
    assert figures[-1]["tokens"] == 3


def test_tokens_that_the_server_does_not_count_are_chunks() -> None:
    stats = events_of(chunk("a"), chunk("b"), chunk(done=True))[-1].data
    assert (stats["tokens"], stats["prompt_tokens"]) == (3, None)
    assert events_of()[-1].data["tokens"] == 0


def test_an_error_follows_what_has_arrived() -> None:
    found: list[WebEvent] = []
    errors: list[Exception] = []
    stream = from_iterable([chunk("a\n\n")]).pipe(rx.concat(throw(OSError("x"))))
    page_events(stream).subscribe(found.append, errors.append)
    assert [event.type for event in found] == ["figures", "block"]
    assert [str(error) for error in errors] == ["x"]


def test_figures_count_tokens_and_measure_times() -> None:
    clock, found = Clock(), list[WebEvent]()
    machine = _Figures(clock.emitter(found))
    for time, item in (
        (1.0, chunk(thinking="x")),
        (2.0, chunk("a")),
        (3.0, chunk("b")),
        (4.0, chunk(done=True)),
    ):
        clock.time = time
        machine.feed(item)
    assert [event.data for event in found] == [
        {"tokens": 1, "seconds": 1.0, "time_to_first_text": None},
        {"tokens": 2, "seconds": 2.0, "time_to_first_text": 2.0},
        {"tokens": 3, "seconds": 3.0, "time_to_first_text": 2.0},
    ]


@pytest.fixture
def drawing(monkeypatch: pytest.MonkeyPatch) -> tuple[_Drawing, Clock, list[Any]]:
    """Return a machine for which drawing takes as many seconds as the block has characters."""
    clock, found = Clock(), list[Any]()

    def draw(text: str) -> str:
        clock.time += len(text)
        return text

    monkeypatch.setattr("ollama_rx.web.page.page_events.markdown_html", draw)
    monkeypatch.setattr("ollama_rx.web.page.page_events.complete_block_html", str)
    machine = _Drawing(Emitter(lambda event: found.append(event.data["html"]), subscription=clock))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    return machine, clock, found


def test_a_block_that_takes_long_to_draw_is_drawn_less_often_and_never_forgotten(
    drawing: tuple[_Drawing, Clock, list[Any]],
) -> None:
    machine, clock, found = drawing
    for text in ("a", "ab", "abc"):
        machine.feed(Block(0, text, complete=False))
    assert found == ["a"]
    ((seconds, go_on),) = clock.later
    assert seconds == 9
    go_on()
    assert found == ["a", "abc"]
    assert clock.later[1][0] == 27


def test_a_complete_block_is_drawn_at_once(drawing: tuple[_Drawing, Clock, list[Any]]) -> None:
    machine, clock, found = drawing
    machine.feed(Block(0, "a", complete=False))
    machine.feed(Block(0, "ab", complete=False))
    machine.feed(Block(0, "abc", complete=True))
    assert found == ["a", "abc"]
    clock.later[0][1]()
    assert found == ["a", "abc"]


def test_a_block_that_is_quick_to_draw_is_always_drawn(drawing: tuple[_Drawing, Clock, list[Any]]) -> None:
    machine, clock, found = drawing
    machine.feed(Block(0, "", complete=False))
    machine.feed(Block(0, "", complete=False))
    assert (found, clock.later) == (["", ""], [])


def test_a_page_shows_what_the_events_add_up_to() -> None:
    events: list[tuple[str, dict[str, Any]]] = [
        ("thinking", {"text": "a"}),
        ("thinking", {"text": "b"}),
        ("block", {"number": 0, "html": "x", "complete": False}),
        ("block", {"number": 0, "html": "y", "complete": True}),
        ("block", {"number": 1, "html": "z", "complete": False}),
        ("figures", {"tokens": 1}),
        ("error", {"message": "broken"}),
        ("done", {"reason": "stopped"}),
    ]
    shown = ShownAnswer("r-0")
    for number, (kind, data) in enumerate(events, 1):
        shown.add(WebEvent(kind, data), f"r-{number}")
    shown.add(WebEvent("reset", {"missed": 1}), None)
    assert (shown.after, shown.thinking, shown.blocks) == ("r-8", "ab", ["y", "z"])
    assert (shown.stats, shown.error, shown.is_stopped) == ({"tokens": 1}, "broken", True)
