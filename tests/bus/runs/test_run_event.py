"""Events as messages: what is stored is what is read."""

import orjson
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from ollama_rx.bus.runs.run_event import EventKind, RunEvent


def message(event: RunEvent, *, reply: str) -> Msg:
    return Msg(_client=Client(), subject="s", reply=reply, data=event.payload, headers=event.headers(after=4))


@pytest.mark.parametrize("kind", EventKind)
@pytest.mark.parametrize(
    "reply",
    ["$JS.ACK.events.reader.1.17.3.1700000000000000000.0", "$JS.ACK.hub.acc.events.reader.1.17.3.170.0.x"],
)
def test_an_event_is_read_as_it_was_stored(kind: EventKind, reply: str) -> None:
    event = RunEvent("r", 2, 7, kind, b'{"a":1}\n')
    assert RunEvent.of(message(event, reply=reply)) == RunEvent("r", 2, 7, kind, b'{"a":1}\n', position=17)


def test_lines_have_no_more_headers_than_they_need() -> None:
    lines = RunEvent("r", 1, 0, EventKind.START).then(EventKind.LINES, b"x\n")
    assert lines.headers(after=12) == {"Nats-Msg-Id": "r:1:1", "Nats-Expected-Last-Subject-Sequence": "12"}
    assert lines.headers() == {"Nats-Msg-Id": "r:1:1"}


def test_an_event_that_follows_is_not_stored_yet() -> None:
    event = RunEvent("r", 1, 0, EventKind.START, position=9).then(EventKind.CUT, b"{}")
    assert (event.id, event.kind, event.payload, event.position) == ("r:1:1", EventKind.CUT, b"{}", 0)


def test_the_events_of_another_writer_have_other_ids() -> None:
    start = RunEvent("r", 1, 0, EventKind.START, writer="w")
    event = start.then(EventKind.LINES, b"x\n")
    assert (start.id, event.id) == ("r:1:0:w", "r:1:1:w")
    assert RunEvent.read(event.headers(), event.payload, 0) == event


def test_a_run_is_over_with_its_end_a_failure_or_a_cancellation() -> None:
    final = [kind for kind in EventKind if RunEvent("r", 1, 1, kind).is_final]
    assert final == [EventKind.END, EventKind.FAILED, EventKind.CANCELLED]


@pytest.mark.parametrize(
    "headers",
    [
        None,
        {},
        {"Nats-Msg-Id": "r:1"},
        {"Nats-Msg-Id": "r:x:1"},
        {"Nats-Msg-Id": "r:1:1", "Ollama-Rx-Event": "new"},
    ],
)
def test_what_is_not_an_event_is_read_as_a_failure_of_the_run(headers: dict[str, str] | None) -> None:
    event = RunEvent.read(headers, b"junk", 7)
    assert (event.kind, event.attempt, event.position) == (EventKind.FAILED, 0, 7)
    assert "not an event" in orjson.loads(event.payload)["reason"]
