"""The parts of a UI message stream, from the events alone."""

from collections.abc import Sequence
from typing import Any

import pytest

from ollama_rx.web.ai_sdk.ui_message_parts import Part, UiMessageParts
from ollama_rx.web.web_event import WebEvent

START = [{"type": "start", "messageId": "m"}, {"type": "start-step"}]
NEXT_STEP = [{"type": "finish-step"}, {"type": "start-step"}]
FINISH = [{"type": "finish-step"}, {"type": "finish"}]
COMPLETED = WebEvent("done", {"reason": "completed"})


def event(kind: str, **data: object) -> WebEvent:
    return WebEvent(kind, data)


def text(written: str) -> WebEvent:
    return event("text", text=written)


def thinking(thought: str) -> WebEvent:
    return event("thinking", text=thought)


def call(name: str, identifier: str | None = None, **arguments: object) -> WebEvent:
    return event("tool_call", id=identifier, name=name, arguments=arguments)


def result(name: str, content: str, identifier: str | None = None, *, error: bool = False) -> WebEvent:
    return event("tool_result", id=identifier, name=name, content=content, error=error)


def parts_of(*events: WebEvent, reset_steps: bool = False) -> list[Part]:
    machine = UiMessageParts("m", reset_steps=reset_steps)
    return [*machine.begin(), *(part for one in events for part in machine.of(one))]


def whole(kind: str, identifier: str, *deltas: str) -> list[Part]:
    """Return the parts of one text or reasoning."""
    return [
        {"type": f"{kind}-start", "id": identifier},
        *({"type": f"{kind}-delta", "id": identifier, "delta": delta} for delta in deltas),
        {"type": f"{kind}-end", "id": identifier},
    ]


def tool_input(identifier: str, name: str, **arguments: object) -> Part:
    return {
        "type": "tool-input-available",
        "toolCallId": identifier,
        "toolName": name,
        "input": arguments,
    }


def tool_output(identifier: str, output: str) -> Part:
    return {"type": "tool-output-available", "toolCallId": identifier, "output": output}


def test_an_answer_without_anything_is_one_empty_step() -> None:
    assert parts_of(COMPLETED) == [*START, *FINISH]


def test_texts_that_follow_each_other_are_one_part() -> None:
    assert parts_of(text("It is"), text(" blue"), COMPLETED) == [
        *START,
        *whole("text", "text-1", "It is", " blue"),
        *FINISH,
    ]


def test_thinking_is_a_part_of_its_own_that_ends_before_the_text() -> None:
    assert parts_of(thinking("Hm"), text("Yes"), thinking("or"), text("no"), COMPLETED) == [
        *START,
        *whole("reasoning", "reasoning-1", "Hm"),
        *whole("text", "text-2", "Yes"),
        *whole("reasoning", "reasoning-3", "or"),
        *whole("text", "text-4", "no"),
        *FINISH,
    ]


@pytest.mark.parametrize("make", [text, thinking])
def test_an_empty_text_is_no_part(make: Any) -> None:
    assert parts_of(make(""), COMPLETED) == [*START, *FINISH]


def test_what_follows_the_results_of_tools_is_the_next_step() -> None:
    assert parts_of(
        text("Let me see."),
        call("weather", "a", city="Ulm"),
        call("time", "b"),
        result("weather", "rain", "a"),
        result("time", "ValueError: no clock", "b", error=True),
        thinking("So"),
        text("\n\n"),
        text("\nIt rains."),
        COMPLETED,
    ) == [
        *START,
        *whole("text", "text-1", "Let me see."),
        tool_input("a", "weather", city="Ulm"),
        tool_input("b", "time"),
        tool_output("a", "rain"),
        {"type": "tool-output-error", "toolCallId": "b", "errorText": "ValueError: no clock"},
        *NEXT_STEP,
        *whole("reasoning", "reasoning-2", "So"),
        *whole("text", "text-3", "It rains."),
        *FINISH,
    ]


def test_a_blank_line_between_two_answers_does_not_begin_a_step() -> None:
    assert parts_of(call("now", "a"), result("now", "12:00", "a"), text("\n\n"), COMPLETED) == [
        *START,
        tool_input("a", "now"),
        tool_output("a", "12:00"),
        *FINISH,
    ]


def test_line_breaks_at_the_beginning_of_the_first_answer_and_within_texts_stay() -> None:
    parts = parts_of(
        text("\n1"), call("now", "a"), result("now", "2", "a"), text("2"), text("\n\n"), text("3")
    )
    assert [part["delta"] for part in parts if part["type"] == "text-delta"] == ["\n1", "2", "\n\n", "3"]


def test_each_round_of_tools_is_a_step() -> None:
    parts = parts_of(
        call("now", "a"), result("now", "1", "a"), call("now", "b"), result("now", "2", "b"), COMPLETED
    )
    assert parts == [
        *START,
        tool_input("a", "now"),
        tool_output("a", "1"),
        *NEXT_STEP,
        tool_input("b", "now"),
        tool_output("b", "2"),
        *FINISH,
    ]


def test_a_call_without_results_stays_open_for_the_page_to_answer() -> None:
    assert parts_of(call("ask_user", "a"), COMPLETED) == [*START, tool_input("a", "ask_user"), *FINISH]


def test_calls_without_an_id_get_one_and_results_find_them_by_name_in_order() -> None:
    parts = parts_of(
        call("now"),
        call("weather"),
        call("now"),
        result("now", "1"),
        result("now", "2"),
        result("weather", "3"),
    )
    assert parts == [
        *START,
        tool_input("call-1", "now"),
        tool_input("call-2", "weather"),
        tool_input("call-3", "now"),
        tool_output("call-1", "1"),
        tool_output("call-3", "2"),
        tool_output("call-2", "3"),
    ]


def test_an_id_that_a_model_sends_again_is_made_different() -> None:
    rounds = [(call("now", "x"), result("now", str(n), "x")) for n in range(3)]
    parts = parts_of(*(one for both in rounds for one in both))
    assert [part["toolCallId"] for part in parts if "toolCallId" in part] == [
        *["x", "x"],
        *["x-1", "x-1"],
        *["x-2", "x-2"],
    ]


def test_an_id_that_looks_like_one_of_ours_is_no_clash() -> None:
    parts = parts_of(call("now", "call-1"), call("now"), call("now", "call-2"))
    assert [part["toolCallId"] for part in parts if "toolCallId" in part] == ["call-1", "call-2", "call-2-1"]


def test_a_result_whose_call_was_not_seen_brings_its_call() -> None:
    assert parts_of(result("now", "12:00", "a"), COMPLETED) == [
        *START,
        tool_input("a", "now"),
        tool_output("a", "12:00"),
        *FINISH,
    ]


def test_the_figures_are_metadata_and_do_not_divide_the_text() -> None:
    assert parts_of(text("a"), event("stats", tokens=2), text("b"), COMPLETED) == [
        *START,
        {"type": "text-start", "id": "text-1"},
        {"type": "text-delta", "id": "text-1", "delta": "a"},
        {"type": "message-metadata", "messageMetadata": {"stats": {"tokens": 2}}},
        {"type": "text-delta", "id": "text-1", "delta": "b"},
        {"type": "text-end", "id": "text-1"},
        *FINISH,
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            event("block", number=3, text="Hi", complete=False),
            {"type": "data-block", "id": "block-3", "data": {"number": 3, "text": "Hi", "complete": False}},
        ),
        (
            event("progress", status="success"),
            {"type": "data-progress", "id": "progress", "data": {"status": "success"}},
        ),
        (event("item", value=[1]), {"type": "data-item", "data": [1]}),
        (event("weather", sky="grey"), {"type": "data-weather", "data": {"sky": "grey"}}),
        (event("weather", id="u"), {"type": "data-weather", "id": "u", "data": {"id": "u"}}),
        (event("weather", id=7), {"type": "data-weather", "data": {"id": 7}}),
    ],
)
def test_other_events_are_data_parts(given: WebEvent, expected: Part) -> None:
    assert parts_of(given) == [*START, expected]


@pytest.mark.parametrize(
    "kind", ["text", "thinking", "tool_call", "tool_result", "block", "item", "error", "done"]
)
def test_an_event_of_your_own_with_one_of_our_names_and_other_fields_breaks_nothing(kind: str) -> None:
    assert all(part["type"] for part in parts_of(event(kind, text=7, id=[]), COMPLETED))


def test_an_error_ends_the_text_and_the_stream() -> None:
    failed = event("error", type="ServerError", message="the server is tired", retryable=True)
    assert parts_of(text("It"), failed, text(" is")) == [
        *START,
        *whole("text", "text-1", "It"),
        {"type": "finish-step"},
        {"type": "error", "errorText": "the server is tired"},
    ]


def test_a_stream_that_was_stopped_is_aborted() -> None:
    assert parts_of(thinking("It"), event("done", reason="stopped"), COMPLETED) == [
        *START,
        *whole("reasoning", "reasoning-1", "It"),
        {"type": "finish-step"},
        {"type": "abort"},
    ]


def test_a_reset_ends_the_stream_with_an_error() -> None:
    *before, last = parts_of(text("It"), event("reset", missed=7), text("is"), COMPLETED)
    assert before == [*START, *whole("text", "text-1", "It"), {"type": "finish-step"}]
    assert last["type"] == "error"
    assert "no longer available" in last["errorText"]


def test_a_reset_removes_the_step_if_asked_for() -> None:
    reset = event("reset", missed=7)
    assert parts_of(text("It"), call("now"), reset, text("is"), COMPLETED, reset_steps=True) == [
        *START,
        *whole("text", "text-1", "It"),
        tool_input("call-1", "now"),
        {"type": "reset-step"},
        *whole("text", "text-2", "is"),
        *FINISH,
    ]


def test_what_was_open_at_a_reset_is_not_ended() -> None:
    reset = event("reset", missed=7)
    assert parts_of(text("It"), reset, COMPLETED, reset_steps=True) == [
        *START,
        {"type": "text-start", "id": "text-1"},
        {"type": "text-delta", "id": "text-1", "delta": "It"},
        {"type": "reset-step"},
        *FINISH,
    ]


def test_results_before_a_reset_do_not_begin_a_step_after_it() -> None:
    events = [call("now"), result("now", "1"), event("reset", missed=7), result("now", "2"), COMPLETED]
    assert parts_of(*events, reset_steps=True) == [
        *START,
        tool_input("call-1", "now"),
        tool_output("call-1", "1"),
        {"type": "reset-step"},
        tool_input("call-2", "now"),
        tool_output("call-2", "2"),
        *FINISH,
    ]


def test_the_machine_knows_when_it_is_over() -> None:
    machine = UiMessageParts("m")
    seen: list[bool] = []
    for one in (text("a"), COMPLETED, text("b")):
        parts: Sequence[Part] = machine.of(one)
        seen.append(machine.is_over)
    assert seen == [False, True, True]
    assert parts == ()
