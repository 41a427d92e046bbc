"""What becomes of each item of a stream."""

from typing import Any

import pytest

from ollama_rx import Block, Chunk, Progress, ToolCall, UnreachableError
from ollama_rx.conversation import ToolResult
from ollama_rx.web import WebEvent
from ollama_rx.web.web_event import StreamEvents, done_event, error_event, reset_event

CALL = {"id": "c1", "function": {"name": "weather", "arguments": {"city": "Ulm"}}}


def of(item: object) -> list[tuple[str, Any]]:
    return [(event.type, event.data) for event in StreamEvents(lambda: 0.0).of(item)]


@pytest.mark.parametrize(
    ("item", "events"),
    [
        pytest.param("Hi", [("text", {"text": "Hi"})], id="text"),
        pytest.param("", [], id="no text"),
        pytest.param(Chunk({"response": "Hi"}), [("text", {"text": "Hi"})], id="a chunk of generate"),
        pytest.param(Chunk({"message": {"content": "Hi"}}), [("text", {"text": "Hi"})], id="one of chat"),
        pytest.param(Chunk({"response": ""}), [], id="a chunk that says nothing"),
        pytest.param(
            Chunk({"message": {"thinking": "Hm", "content": "Hi"}}),
            [("thinking", {"text": "Hm"}), ("text", {"text": "Hi"})],
            id="thinking before text",
        ),
        pytest.param(
            Chunk({"message": {"tool_calls": [CALL]}}),
            [("tool_call", {"id": "c1", "name": "weather", "arguments": {"city": "Ulm"}})],
            id="a tool call",
        ),
        pytest.param(
            Chunk({"message": {"tool_calls": [{"function": {"name": "weather", "arguments": '{"ci'}}]}}),
            [("tool_call", {"id": None, "name": "weather", "arguments": '{"ci'})],
            id="a tool call whose arguments cannot be read",
        ),
        pytest.param(
            ToolResult(ToolCall("weather", id="c1"), "rain"),
            [("tool_result", {"id": "c1", "name": "weather", "content": "rain", "error": False})],
            id="a tool's result",
        ),
        pytest.param(
            ToolResult(ToolCall("weather"), "no such city", KeyError("Ulm")),
            [("tool_result", {"id": None, "name": "weather", "content": "no such city", "error": True})],
            id="a tool's failure, without its exception",
        ),
        pytest.param(
            Block(3, "# Hi\n", complete=True),
            [("block", {"number": 3, "text": "# Hi\n", "complete": True})],
            id="a block of Markdown",
        ),
        pytest.param(
            Progress("pulling", "sha256:1", 10, 5, 20, 15, {"secret": 1}),
            [
                (
                    "progress",
                    {
                        "status": "pulling",
                        "digest": "sha256:1",
                        "total": 10,
                        "completed": 5,
                        "overall_total": 20,
                        "overall_completed": 15,
                    },
                )
            ],
            id="progress, without what the server sent besides",
        ),
        pytest.param({"a": [1]}, [("item", {"value": {"a": [1]}})], id="another value"),
        pytest.param(None, [("item", {"value": None})], id="None"),
        pytest.param(WebEvent("figures", {"n": 1}), [("figures", {"n": 1})], id="an event of one's own"),
    ],
)
def test_each_item_becomes_typed_events(item: object, events: list[tuple[str, Any]]) -> None:
    assert of(item) == events


def test_the_last_chunk_gives_the_figures_of_the_answer() -> None:
    moments = iter([100.0, 100.5, 103.0])
    events = StreamEvents(lambda: next(moments))
    events.of(Chunk({"response": "Hi"}))
    events.of(Chunk({"response": " there"}))

    (stats,) = events.of(
        Chunk(
            {
                "model": "m",
                "response": "",
                "done": True,
                "done_reason": "stop",
                "prompt_eval_count": 7,
                "eval_count": 10,
                "eval_duration": 2_000_000_000,
            }
        )
    )

    assert stats == WebEvent(
        "stats",
        {
            "model": "m",
            "done_reason": "stop",
            "prompt_tokens": 7,
            "tokens": 10,
            "tokens_per_second": 5.0,
            "time_to_first_text": 0.5,
            "seconds": 3.0,
        },
    )


def test_figures_that_a_server_does_not_send_are_null() -> None:
    ((_, stats),) = of(Chunk({"response": "", "done": True}))

    assert stats["tokens"] is None
    assert stats["tokens_per_second"] is None
    assert stats["time_to_first_text"] is None


@pytest.mark.parametrize("item", [b"PCM", bytearray(b"PCM"), memoryview(b"PCM")])
def test_bytes_are_refused(item: object) -> None:
    with pytest.raises(TypeError, match=r"^an item of a stream for a browser: expected .* got "):
        of(item)


@pytest.mark.parametrize("kind", ["done", "error"])
def test_what_ends_a_stream_cannot_be_an_item(kind: str) -> None:
    with pytest.raises(ValueError, match="expected another type than done or error"):
        of(WebEvent(kind, {}))


@pytest.mark.parametrize("kind", ["", "a b", "a\nid: 1", "1st", "a-b"])
def test_the_type_of_an_event_is_a_name(kind: str) -> None:
    with pytest.raises(ValueError, match=r"^type: expected a name of letters, digits and underscores, got"):
        WebEvent(kind, {})


def test_an_error_of_ours_is_told_to_the_user() -> None:
    error = UnreachableError("http://127.0.0.1:1", "refused")

    assert error_event(error).data == {
        "type": "UnreachableError",
        "message": str(error),
        "retryable": error.retryable,
    }


def test_of_another_error_the_browser_learns_nothing() -> None:
    shown = error_event(ValueError("password=1234"))

    assert shown.type == "error"
    assert shown.data["type"] == "InternalError"
    assert "1234" not in str(shown.data)
    assert "ValueError" not in str(shown.data)


def test_the_other_events_of_a_replay() -> None:
    assert done_event("stopped") == WebEvent("done", {"reason": "stopped"})
    assert reset_event(7) == WebEvent("reset", {"missed": 7})
