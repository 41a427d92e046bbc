"""The log of events, within its bounds."""

from collections.abc import Sequence

import pytest

from ollama_rx.web import WebEvent
from ollama_rx.web.event_log import BATCH_BYTES, Bounds, EventLog, LoggedEvent

MANY = 10**6


def log(events: int = MANY, size: int = MANY, age: float = MANY) -> EventLog:
    return EventLog("run", Bounds(events, size, age))


def add(to: EventLog, *texts: str, now: float = 0.0) -> None:
    for text in texts:
        to.append(WebEvent("text", {"text": text}), now)


def texts(events: Sequence[LoggedEvent]) -> list[str]:
    return [event.event.data["text"] for event in events]


def test_events_are_numbered_from_1() -> None:
    kept = log()
    assert kept.last == 0

    first = kept.append(WebEvent("text", {"text": "a"}), now=5.0)

    assert (first.number, first.id, first.time) == (1, "run-1", 5.0)
    assert (kept.last, kept.missed) == (1, 0)


def test_an_event_as_server_sent_event() -> None:
    logged = log().append(WebEvent("text", {"text": "ä\n\r\u2028"}), now=0.0)

    assert logged.json == '{"text":"ä\\n\\r\u2028"}'.encode()
    assert logged.sse == b"id: run-1\nevent: text\ndata: " + logged.json + b"\n\n"
    assert logged.sse is logged.sse


def test_an_event_without_a_number_has_no_id() -> None:
    assert LoggedEvent(WebEvent("reset", {"missed": 1})).sse == b'event: reset\ndata: {"missed":1}\n\n'


def test_half_a_character_is_replaced() -> None:
    assert LoggedEvent(WebEvent("text", {"text": "a\ud83d"})).json == '{"text":"a\ufffd"}'.encode()


def test_what_json_cannot_hold_is_refused_and_not_counted() -> None:
    kept = log()

    with pytest.raises(TypeError):
        kept.append(WebEvent("item", {"value": object()}), now=0.0)

    assert kept.last == 0
    assert kept.after(0) == []


def test_events_after_a_number() -> None:
    kept = log()
    add(kept, "a", "b", "c")

    assert texts(kept.after(0)) == ["a", "b", "c"]
    assert texts(kept.after(2)) == ["c"]
    assert kept.after(3) == []


def test_more_events_than_allowed_drop_the_oldest() -> None:
    kept = log(events=2)
    add(kept, "a", "b", "c", "d")

    assert (kept.missed, kept.last) == (2, 4)
    assert texts(kept.after(0)) == ["c", "d"]
    assert texts(kept.after(3)) == ["d"]


def test_more_bytes_than_allowed_drop_the_oldest() -> None:
    size = len(b'{"text":"a"}')
    kept = log(size=2 * size)
    add(kept, "a", "b")
    assert kept.missed == 0

    add(kept, "c")
    assert texts(kept.after(0)) == ["b", "c"]

    add(kept, "x" * 3 * size)
    assert kept.missed == 3  # the newest is kept, however large it is

    add(kept, "d")
    assert texts(kept.after(0)) == ["d"]


def test_old_events_are_dropped_to_the_instant() -> None:
    kept = log(age=10)
    add(kept, "a", now=0.0)
    add(kept, "b", now=5.0)

    kept.expire(10.0)
    assert kept.missed == 0

    kept.expire(10.5)
    assert texts(kept.after(0)) == ["b"]

    kept.expire(100.0)
    assert texts(kept.after(0)) == ["b"]  # the newest


def test_a_reader_is_given_a_limited_part_at_once() -> None:
    kept = log()
    half = "x" * (BATCH_BYTES // 2)
    add(kept, half, half, "a", "b")

    assert texts(kept.after(0)) == [half, half]
    assert texts(kept.after(2)) == ["a", "b"]


@pytest.mark.parametrize(
    ("identifier", "number"),
    [
        ("run-0", 0),
        ("run-1", 1),
        ("run-2", 2),
        ("run-3", None),  # not sent yet
        ("other-1", None),
        ("run-", None),
        ("run--1", None),
        ("run-1.0", None),
        ("run-\u0661", None),
        ("run-\u00b2", None),
        ("run-" + "9" * 5000, None),
        ("run", None),
        ("1", None),
        ("", None),
        ("\x00", None),
        ("x" * 10_000_000, None),
        ("run-" + "0" * 10_000_000, None),
    ],
    ids=lambda value: str(value)[:10],
)
def test_the_number_in_an_id(identifier: str, number: int | None) -> None:
    kept = log()
    add(kept, "a", "b")

    assert kept.number_of(identifier) == number
