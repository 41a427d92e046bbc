"""The bytes that come out of a run log are those of one attempt."""

import itertools
from dataclasses import replace
from random import Random

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_rx.bus.client.run_answer import RunAnswer
from ollama_rx.bus.runs.run_event import EventKind, RunEvent
from ollama_rx.errors import (
    BusyError,
    IncompleteStreamError,
    ModelNotFoundError,
    OllamaError,
    RestartedError,
    ServerError,
    StatusError,
    UnauthorizedError,
)

KINDS = {
    "s": EventKind.START,
    "l": EventKind.LINES,
    "e": EventKind.END,
    "c": EventKind.CUT,
    "f": EventKind.FAILED,
    "x": EventKind.CANCELLED,
}


DELIVERED = {EventKind.LINES, EventKind.END}


def payload_of(kind: EventKind, attempt: int, seq: int) -> bytes:
    """Return what tells the events of all attempts from each other."""
    match kind:
        case EventKind.LINES | EventKind.END:
            return f"<{attempt}.{seq}>".encode()
        case EventKind.START:
            return b""
        case _:
            return orjson.dumps({"reason": f"reason {attempt}.{seq}", "status": 503})


def attempt_of(number: int, kinds: str) -> list[RunEvent]:
    """Return the events of an attempt; "sle" is a start, one line and an end."""
    return [
        RunEvent("run", number, seq, KINDS[kind], payload_of(KINDS[kind], number, seq))
        for seq, kind in enumerate(kinds)
    ]


def outside(kind: EventKind, **fields: object) -> RunEvent:
    """Return an event that belongs to no attempt."""
    return RunEvent("run", 0, 0, kind, orjson.dumps(fields))


def fed(answer: RunAnswer, *events: RunEvent) -> bytes:
    return b"".join(answer.feed(event) for event in events)


def error_of(answer: RunAnswer) -> OllamaError:
    assert answer.is_over
    assert answer.error is not None
    return answer.error


@pytest.mark.parametrize("hold", [False, True])
@pytest.mark.parametrize("cut", ["sc", "scl", "scle"])
def test_nothing_counts_that_follows_a_cut_in_the_same_attempt(cut: str, *, hold: bool) -> None:
    answer = RunAnswer(hold=hold)
    assert fed(answer, *attempt_of(1, cut), *attempt_of(2, "sle")) == b"<2.1><2.2>"
    assert answer.error is None


@pytest.mark.parametrize("hold", [False, True])
def test_one_attempt_is_delivered_whole(*, hold: bool) -> None:
    answer = RunAnswer(hold=hold)
    assert fed(answer, *attempt_of(1, "slle")) == b"<1.1><1.2><1.3>"
    assert answer.is_over
    assert answer.error is None


def test_lines_are_delivered_as_they_come() -> None:
    answer = RunAnswer()
    outputs = [answer.feed(event) for event in attempt_of(1, "slle")]
    assert outputs == [b"", b"<1.1>", b"<1.2>", b"<1.3>"]


def test_a_held_answer_is_delivered_at_its_end() -> None:
    answer = RunAnswer(hold=True)
    outputs = [answer.feed(event) for event in attempt_of(1, "slle")]
    assert outputs == [b"", b"", b"", b"<1.1><1.2><1.3>"]


def test_an_answer_begins_with_the_start_of_an_attempt() -> None:
    answer = RunAnswer()
    assert not answer.is_begun
    fed(answer, *attempt_of(1, "s"))
    assert answer.is_begun
    assert not answer.is_over


def test_before_anything_is_delivered_a_restart_is_not_noticed() -> None:
    answer = RunAnswer()
    assert fed(answer, *attempt_of(1, "s"), *attempt_of(2, "sc"), *attempt_of(3, "sle")) == b"<3.1><3.2>"
    assert answer.error is None


def test_a_restart_after_something_was_delivered_is_an_error() -> None:
    answer = RunAnswer()
    assert fed(answer, *attempt_of(1, "sll"), *attempt_of(2, "sle")) == b"<1.1><1.2>"
    error = error_of(answer)
    assert isinstance(error, RestartedError)
    assert error.attempt == 2
    assert error.retryable


@pytest.mark.parametrize("delivered", [0, 2])
def test_an_attempt_that_another_worker_begins_anew_is_not_continued(delivered: int) -> None:
    """An operator has removed the log, so the second worker does not know of the first attempt."""
    answer = RunAnswer()
    first, second = (
        [replace(event, writer=writer) for event in attempt_of(1, "slle")] for writer in ("one", "two")
    )
    begun = fed(answer, *first[: 1 + delivered])
    rest = fed(answer, *second)
    if delivered:
        assert (begun, rest) == (b"<1.1><1.2>", b"")
        assert isinstance(answer.error, RestartedError)
    else:
        assert (begun, rest) == (b"", b"<1.1><1.2><1.3>")


def test_a_held_answer_is_that_of_the_last_attempt() -> None:
    answer = RunAnswer(hold=True)
    events = [*attempt_of(1, "sll"), *attempt_of(2, "slc"), *attempt_of(3, "sle")]
    assert fed(answer, *events) == b"<3.1><3.2>"
    assert answer.error is None


def test_an_attempt_that_is_cut_after_something_was_delivered_is_an_error() -> None:
    answer = RunAnswer()
    assert fed(answer, *attempt_of(1, "slc")) == b"<1.1>"
    error = error_of(answer)
    assert isinstance(error, IncompleteStreamError)
    assert "reason 1.2" in str(error)
    assert error.retryable


def test_a_refusal_is_the_error_of_its_status() -> None:
    answer = RunAnswer()
    fed(answer, outside(EventKind.FAILED, status=404, reason="model 'x' not found"))
    error = error_of(answer)
    assert isinstance(error, ModelNotFoundError)
    assert error.reason == "model 'x' not found"


def test_a_refusal_carries_the_sign_in_page() -> None:
    answer = RunAnswer()
    fed(answer, outside(EventKind.FAILED, status=401, reason="unauthorized", signin_url="https://x"))
    error = error_of(answer)
    assert isinstance(error, UnauthorizedError)
    assert error.signin_url == "https://x"


def test_a_prompt_without_attempts_left_is_the_error_of_its_status() -> None:
    answer = RunAnswer()
    fed(answer, *attempt_of(1, "sc"), *attempt_of(2, "scf"))
    assert isinstance(error_of(answer), BusyError)


def test_a_held_answer_that_fails_after_some_lines_is_refused() -> None:
    answer = RunAnswer(hold=True)
    assert fed(answer, *attempt_of(1, "sllf")) == b""
    assert isinstance(error_of(answer), BusyError)


def test_a_failure_after_something_was_delivered_is_an_error_of_the_server() -> None:
    answer = RunAnswer()
    assert fed(answer, *attempt_of(1, "slf")) == b"<1.1>"
    error = error_of(answer)
    assert isinstance(error, ServerError)
    assert (error.reason, error.status) == ("reason 1.2", 503)


@pytest.mark.parametrize("payload", [b"", b"not JSON", b"[1]"])
def test_a_failure_that_cannot_be_read_is_one_all_the_same(payload: bytes) -> None:
    answer = RunAnswer()
    answer.feed(RunEvent("run", 0, 0, EventKind.FAILED, payload))
    error = error_of(answer)
    assert isinstance(error, StatusError)
    assert error.status == 500


@pytest.mark.parametrize("begun", ["", "s", "sl"])
def test_a_cancellation_ends_the_answer(begun: str) -> None:
    answer = RunAnswer()
    fed(answer, *attempt_of(1, begun), outside(EventKind.CANCELLED, reason="nobody reads it"))
    error = error_of(answer)
    assert isinstance(error, IncompleteStreamError)
    assert "nobody reads it" in str(error)
    assert not error.retryable


def test_the_reason_of_a_cancellation_cannot_control_a_terminal() -> None:
    answer = RunAnswer()
    fed(answer, outside(EventKind.CANCELLED, reason="\x1b[2J" + 100 * "x"))
    assert str(error_of(answer)).isprintable()
    assert len(str(error_of(answer))) < 120


def test_an_event_that_belongs_to_no_attempt_and_ends_nothing_is_ignored() -> None:
    answer = RunAnswer()
    assert fed(answer, RunEvent("run", 0, 0, EventKind.LINES, b"?"), *attempt_of(1, "sle")) == b"<1.1><1.2>"


def test_an_event_that_is_missing_is_an_error() -> None:
    start, _, line, _ = attempt_of(1, "slle")
    answer = RunAnswer()
    assert fed(answer, start, line) == b""
    assert "no longer kept" in str(error_of(answer))
    assert not error_of(answer).retryable


def test_an_answer_whose_beginning_is_missing_is_an_error() -> None:
    answer = RunAnswer()
    assert fed(answer, *attempt_of(2, "sle")[1:]) == b""
    assert isinstance(error_of(answer), IncompleteStreamError)


def test_attempts_before_the_one_that_is_asked_for_are_ignored() -> None:
    answer = RunAnswer(attempt=2)
    assert fed(answer, *attempt_of(1, "slc"), *attempt_of(2, "sle")) == b"<2.1><2.2>"


def test_an_answer_is_continued_with_the_same_attempt_only() -> None:
    assert fed(RunAnswer(attempt=1, is_continued=True), *attempt_of(1, "sle")) == b"<1.1><1.2>"
    answer = RunAnswer(attempt=1, is_continued=True)
    assert fed(answer, *attempt_of(1, "s"), *attempt_of(2, "sle")) == b""
    error = error_of(answer)
    assert isinstance(error, RestartedError)
    assert error.attempt == 2


def test_an_attempt_that_was_never_made_is_an_error_at_the_end_of_the_run() -> None:
    answer = RunAnswer(attempt=3, is_continued=True)
    assert fed(answer, *attempt_of(1, "sle")) == b""
    assert "its last attempt was 1, not 3" in str(error_of(answer))


ATTEMPTS = st.from_regex("sl{0,4}([ef]|cl{0,2}[ef]?)?", fullmatch=True)
"""What may be stored of an attempt, which may end at any moment; a worker may not notice that it was cut."""


def before_the_cut(events: list[RunEvent]) -> list[RunEvent]:
    uncut = itertools.takewhile(lambda event: event.kind is not EventKind.CUT, events)
    return [event for event in uncut if event.kind in DELIVERED]


@st.composite
def logs(draw: st.DrawFn) -> tuple[list[bytes], list[RunEvent]]:
    """Draw the whole bytes of each attempt, and a log with duplicates and late events."""
    attempts = [attempt_of(number, draw(ATTEMPTS)) for number in range(1, draw(st.integers(1, 4)) + 1)]
    texts = [b"".join(e.payload for e in before_the_cut(events)) for events in attempts]
    log = list(itertools.chain(*attempts))
    for _ in range(draw(st.integers(0, 6))):
        origin = draw(st.integers(0, len(log) - 1))
        log.insert(draw(st.integers(origin + 1, len(log))), log[origin])
    if draw(st.booleans()):
        log.insert(draw(st.integers(0, len(log))), outside(EventKind.CANCELLED, reason="why"))
    return texts, log


@given(drawn=logs(), hold=st.booleans())
def test_whatever_a_log_holds_what_comes_out_is_a_prefix_of_one_attempt(
    drawn: tuple[list[bytes], list[RunEvent]], *, hold: bool
) -> None:
    texts, log = drawn
    answer = RunAnswer(hold=hold)
    out = fed(answer, *log)
    assert any(text.startswith(out) for text in texts)
    if answer.is_over and answer.error is None:
        assert out in texts
    elif hold:
        assert out == b""


@given(drawn=logs(), random=st.randoms(use_true_random=False), hold=st.booleans())
def test_no_order_of_events_mixes_two_attempts(
    drawn: tuple[list[bytes], list[RunEvent]], random: Random, *, hold: bool
) -> None:
    texts, log = drawn
    random.shuffle(log)
    answer = RunAnswer(hold=hold)
    out = fed(answer, *log)
    assert any(text.startswith(out) for text in texts)
    if hold and (answer.error is not None or not answer.is_over):
        assert out == b""


@given(drawn=logs(), cut=st.integers(0, 30), hold=st.booleans())
def test_nothing_comes_out_after_the_end(
    drawn: tuple[list[bytes], list[RunEvent]], cut: int, *, hold: bool
) -> None:
    _, log = drawn
    answer = RunAnswer(hold=hold)
    fed(answer, *log[:cut])
    if answer.is_over:
        error = answer.error
        assert fed(answer, *log) == b""
        assert answer.error is error
