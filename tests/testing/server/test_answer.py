"""Answers have Ollama's shape, for generate and for chat."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import cast

import pytest

from ollama_rx.testing import (
    Reply,
    Request,
    answer,
    cut,
    endless,
    line,
    midstream_error,
    pause,
    piece,
    progress,
    raw,
    thinking,
    tool_call,
    tool_calls,
)
from ollama_rx.testing.server.steps import Step, Until

Line = dict[str, object]


def request_to(path: str = "/api/generate", **json: object) -> Request:
    return Request("POST", path, "", {}, b"", {"model": "m", **json}, 0.0, 1)


def steps(reply: Reply, request: Request | None = None) -> list[Step]:
    return list(reply.body(request or request_to()))


def lines(reply: Reply, request: Request | None = None) -> list[Line]:
    return [json.loads(step) for step in steps(reply, request) if isinstance(step, bytes)]


def message(value: Line) -> Mapping[str, object]:
    return cast(Mapping[str, object], value["message"])


def test_generate_lines_carry_model_time_response_and_done() -> None:
    first, last = lines(answer("Hello"))
    assert list(first) == ["model", "created_at", "response", "done"]
    assert (first["model"], first["response"], first["done"]) == ("m", "Hello", False)
    assert (last["response"], last["done"], last["done_reason"]) == ("", True, "stop")


def test_chat_lines_carry_a_message() -> None:
    first, last = lines(answer("Hello", context=[1]), request_to("/api/chat"))
    assert list(first) == ["model", "created_at", "message", "done"]
    assert message(first) == {"role": "assistant", "content": "Hello"}
    assert message(last)["content"] == ""
    assert "context" not in last


def test_created_at_is_a_time_in_utc_with_up_to_nine_digits() -> None:
    created = str(lines(answer())[0]["created_at"])
    whole = created.split(".", maxsplit=1)[0].rstrip("Z")
    assert datetime.fromisoformat(whole + "+00:00").tzname() == "UTC"
    assert created.endswith("Z")
    assert not created.endswith("0Z") or "." not in created


def test_context_and_metrics_are_on_the_last_line_only() -> None:
    first, last = lines(answer("Hello", context=(1, 2)), request_to(prompt="a b c"))
    assert not {"context", "total_duration"} & set(first)
    assert last["context"] == [1, 2]
    assert (last["prompt_eval_count"], last["eval_count"]) == (3, 1)
    assert {"total_duration", "load_duration", "prompt_eval_duration", "eval_duration"} <= set(last)


def test_metrics_can_be_missing_or_chosen() -> None:
    assert list(lines(answer(metrics=False))[0])[-2:] == ["done", "done_reason"]
    cloud = lines(answer(metrics={"total_duration": 5}))[0]
    assert cloud["total_duration"] == 5
    assert "eval_duration" not in cloud


def test_the_last_line_can_carry_text_and_calls() -> None:
    assert lines(answer(final="end"))[0]["response"] == "end"
    call = tool_call("weather", {"city": "Paris"})
    [last] = lines(answer(final=tool_calls(call, tool_call("time", index=1))), request_to("/api/chat"))
    calls = cast(list[Mapping[str, Mapping[str, object]]], message(last)["tool_calls"])
    assert [each["function"]["name"] for each in calls] == ["weather", "time"]
    assert last["done"] is True


def test_each_tool_call_can_have_a_line_of_its_own() -> None:
    first, second, _ = lines(
        answer(tool_call("a", {"x": 1}), tool_call("b", index=1)), request_to("/api/chat")
    )
    [call] = cast(list[Mapping[str, object]], message(first)["tool_calls"])
    assert call["function"] == {"index": 0, "name": "a", "arguments": {"x": 1}}
    assert str(call["id"]).startswith("call_")
    assert len(str(call["id"])) == len("call_12345678")
    assert message(second)["tool_calls"] != message(first)["tool_calls"]


def test_id_and_index_can_be_left_out_as_by_old_servers() -> None:
    first, _ = lines(answer(tool_call("a", id="", index=None)), request_to("/api/chat"))
    assert message(first)["tool_calls"] == [{"function": {"name": "a", "arguments": {}}}]


def test_a_tool_call_can_have_any_id() -> None:
    first, _ = lines(answer(tool_call("a", id="mine")), request_to("/api/chat"))
    assert cast(list[Line], message(first)["tool_calls"])[0]["id"] == "mine"


def test_thinking_has_a_field_of_its_own() -> None:
    assert lines(answer(thinking("hm")))[0]["thinking"] == "hm"
    assert message(lines(answer(thinking("hm")), request_to("/api/chat"))[0])["thinking"] == "hm"


def test_one_line_can_carry_several_things_and_unknown_fields() -> None:
    both = piece("A", thinking="hm", tool_calls=tool_call("a").tool_calls, logprobs=[1], new_field=True)
    value = lines(answer(both))[0]
    assert (value["response"], value["thinking"], value["logprobs"], value["new_field"]) == (
        "A",
        "hm",
        [1],
        True,
    )
    assert "tool_calls" in value


def test_unknown_fields_can_be_added_to_every_line() -> None:
    assert [value["brand_new"] for value in lines(answer("a", "b", extra={"brand_new": 7}))] == [7, 7, 7]


def test_the_model_can_have_another_name() -> None:
    assert {value["model"] for value in lines(answer("a", model="other"))} == {"other"}


def test_the_done_reason_can_be_left_out_as_by_old_servers() -> None:
    assert "done_reason" not in lines(answer(done_reason=None))[0]


def test_a_reason_without_done_is_possible() -> None:
    last = lines(answer("a", ending="reason_only"))[-1]
    assert (last["done"], last["done_reason"]) == (False, "stop")


def test_the_last_line_can_be_left_out() -> None:
    assert [value["response"] for value in lines(answer("a", ending="none"))] == ["a"]


def test_nothing_follows_an_error_or_a_cut() -> None:
    assert lines(answer(midstream_error("x"), "never")) == [{"error": "x"}]
    assert steps(answer(cut(), "never")) == [cut()]


def test_lines_and_bytes_can_be_sent_as_they_are() -> None:
    given = answer(line({"a": "<"}), line("{broken"), line(b"\xff"), raw(b"{}"), ending="none")
    assert steps(given) == [b'{"a":"\\u003c"}\n', b"{broken\n", b"\xff\n", b"{}"]


def test_a_pace_counts_from_the_start_of_the_answer() -> None:
    paced = steps(answer("a", pause(2), "b", every=0.5))
    assert [step for step in paced if not isinstance(step, bytes)] == [
        Until(0.5),
        pause(2),
        Until(1.0),
        Until(1.5),
    ]


def test_an_endless_part_never_runs_out() -> None:
    running = iter(answer(endless("x")).body(request_to()))
    firsts = [next(running) for _ in range(5)]
    assert all(isinstance(step, bytes) for step in firsts)


def test_progress_ends_with_success_by_default() -> None:
    assert lines(progress("pulling manifest", {"status": "x", "total": 9})) == [
        {"status": "pulling manifest"},
        {"status": "x", "total": 9},
        {"status": "success"},
    ]
    assert lines(progress("pulling manifest", success=False)) == [{"status": "pulling manifest"}]


def test_progress_can_be_paced() -> None:
    paced = steps(progress("a", every=0.5))
    assert [step for step in paced if not isinstance(step, bytes)] == [Until(0.0), Until(0.5)]


def test_characters_are_escaped_as_go_escapes_them() -> None:
    first = steps(answer("<a&b>\u2028é"))[0]
    assert isinstance(first, bytes)
    assert b'"response":"\\u003ca\\u0026b\\u003e\\u2028\xc3\xa9"' in first


def test_endless_text_has_the_pace_of_the_answer_unless_it_has_its_own() -> None:
    paced = iter(answer("a", endless("b"), every=0.5).body(request_to()))
    found = [next(paced) for _ in range(6)]
    assert [step for step in found if isinstance(step, Until)] == [Until(0.5), Until(0.5), Until(1.0)]
    own = iter(answer("a", endless("b", every=2), every=0.5).body(request_to()))
    found = [next(own) for _ in range(6)]
    assert [step for step in found if isinstance(step, Until)] == [Until(0.5), Until(0.5), Until(2.5)]


@pytest.mark.parametrize("every", [-1.0, float("inf"), float("nan")])
def test_an_invalid_pace_raises_value_error(every: float) -> None:
    with pytest.raises(ValueError, match=r"^every: expected a number of seconds of at least 0, got "):
        answer("a", every=every)


def test_negative_seconds_raise_value_error() -> None:
    with pytest.raises(ValueError, match=r"^every: expected a number of seconds of at least 0, got -1$"):
        endless(every=-1)
    with pytest.raises(ValueError, match=r"^every: expected a number of seconds of at least 0, got -1$"):
        progress(every=-1)
    with pytest.raises(ValueError, match=r"^seconds: expected a number of seconds of at least 0, got -1$"):
        pause(-1)
