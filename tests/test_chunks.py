"""A chunk is a view of the server's object, the same for generate and chat."""

import copy
import inspect
import pickle
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_rx.chunks import Chunk, Message, Progress, ToolCall
from ollama_rx.responses import Embeddings, Model, ModelInfo, RunningModel, models_of, running_of
from ollama_rx.stats import Metrics

FIELDS = [  # every field that a value reads
    *(
        "response",
        "message",
        "content",
        "thinking",
        "tool_calls",
        "function",
        "name",
        "arguments",
        "id",
        "index",
    ),
    *("done", "done_reason", "context", "model", "created_at", "logprobs", "total_duration", "eval_count"),
    *("status", "digest", "total", "completed", "embeddings", "models", "size", "modified_at", "details"),
    *("size_vram", "expires_at", "context_length", "capabilities", "template", "model_info"),
]

CALL = {"id": "call_a1", "function": {"index": 1, "name": "weather", "arguments": {"city": "Ulm"}}}


def test_generate_and_chat_read_the_same() -> None:
    generate = Chunk({"response": "Hi", "thinking": "hm", "done": False})
    chat = Chunk({"message": {"role": "assistant", "content": "Hi", "thinking": "hm"}, "done": False})
    assert (generate.text, generate.thinking) == (chat.text, chat.thinking) == ("Hi", "hm")


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"response": None},
        {"response": ""},
        {"message": {}},
        {"message": None},
        {"message": {"content": None}},
    ],
)
def test_an_empty_chunk_is_empty(raw: dict[str, Any]) -> None:
    chunk = Chunk(raw)
    assert (chunk.text, chunk.thinking, chunk.tool_calls, chunk.done) == ("", "", (), False)
    assert (chunk.done_reason, chunk.context, chunk.metrics, chunk.created_at) == (None, None, None, None)
    assert (chunk.model, chunk.logprobs) == ("", ())


def test_the_fields_of_the_last_chunk_are_read() -> None:
    chunk = Chunk(
        {
            "model": "m",
            "created_at": "2025-06-09T17:58:55.337823123Z",
            "response": "end",
            "done": True,
            "done_reason": "length",
            "context": [1, 2, 3],
            "eval_count": 3,
            "logprobs": [{"token": "end", "logprob": -0.1}],
        }
    )
    assert (chunk.model, chunk.text, chunk.done, chunk.done_reason) == ("m", "end", True, "length")
    assert chunk.created_at == datetime(2025, 6, 9, 17, 58, 55, 337823, UTC)
    assert chunk.context == (1, 2, 3)
    assert chunk.metrics == Metrics(eval_count=3)
    assert chunk.logprobs == ({"token": "end", "logprob": -0.1},)


def test_unknown_fields_stay_readable() -> None:
    raw = {"response": "x", "prompt_eval_cached_count": 7}
    assert Chunk(raw).raw["prompt_eval_cached_count"] == 7
    assert Chunk(raw).raw is raw


def test_a_done_reason_alone_marks_the_last_chunk() -> None:
    chunk = Chunk({"response": "", "done_reason": "stop"})
    assert chunk.done
    assert chunk.metrics == Metrics()


@pytest.mark.parametrize("reason", ["", None, 5])
def test_an_invalid_done_reason_is_none(reason: object) -> None:
    assert Chunk({"response": "", "done_reason": reason}).done_reason is None


@pytest.mark.parametrize("raw", [{"message": {"tool_calls": [CALL]}}, {"response": "", "tool_calls": [CALL]}])
def test_tool_calls_are_found_in_both_shapes(raw: dict[str, Any]) -> None:
    assert Chunk(raw).tool_calls == (ToolCall("weather", {"city": "Ulm"}, id="call_a1", index=1),)


def test_fields_of_a_wrong_type_read_as_absent() -> None:
    chunk = Chunk(
        {
            "response": "Hi",
            "thinking": 5,
            "tool_calls": "x",
            "context": "12",
            "created_at": 5,
            "model": 5,
            "logprobs": {"token": "x"},
        }
    )
    assert (chunk.thinking, chunk.tool_calls, chunk.context) == ("", (), None)
    assert (chunk.created_at, chunk.model, chunk.logprobs) == (None, "", ())


@pytest.mark.parametrize(
    "raw",
    [
        {"response": "a", "message": "x"},
        {"response": "a", "message": ["x"], "thinking": 5},
        {"response": None, "message": {"content": "a", "thinking": ["x"], "tool_calls": 5}},
        {"response": 5, "message": {"content": "a"}},
    ],
)
def test_beside_fields_of_a_wrong_type_the_others_are_read(raw: dict[str, Any]) -> None:
    assert pickle.loads(pickle.dumps(Chunk(raw))) == copy.deepcopy(Chunk(raw)) == Chunk(raw)  # noqa: S301
    assert (Chunk(raw).text, Chunk(raw).thinking, Chunk(raw).tool_calls) == ("a", "", ())


@pytest.mark.parametrize("raw", [{"message": "x"}, {"response": 5}, {"message": {"content": ["x"]}}])
def test_a_text_of_a_wrong_type_reads_as_absent(raw: dict[str, Any]) -> None:
    assert Chunk(raw).text == ""


@pytest.mark.parametrize("done", ["false", "true", 1, [0], {"a": 1}, False, None])
def test_only_true_marks_the_last_chunk(done: object) -> None:
    assert not Chunk({"response": "", "done": done}).done
    assert not Chunk({"response": "", "done": done, "done_reason": ["stop"]}).done


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=8)


@given(OBJECTS)
def test_whatever_the_json_was_no_attribute_raises_and_texts_are_texts(raw: dict[str, Any]) -> None:
    chunk = Chunk(raw)
    for name, attribute in inspect.getmembers(Chunk, inspect.isdatadescriptor):
        if isinstance(attribute, property):
            getattr(chunk, name)
    assert all(isinstance(text, str) for text in (chunk.text, chunk.thinking, chunk.model, repr(chunk)))
    assert isinstance(chunk.done, bool)
    assert chunk == Chunk(raw)
    assert copy.copy(chunk) == chunk
    for call in chunk.tool_calls:
        assert ToolCall.of(call.to_json()) == call
    changed = chunk.replace(text="new", thinking="thought")
    assert (changed.text, changed.thinking, changed.done) == ("new", "thought", chunk.done)
    assert isinstance(Progress.of(raw).done, bool)
    values = (ToolCall.of(raw), Progress.of(raw), Metrics.of(raw), Embeddings.of(raw), Model.of(raw))
    for value in (*values, RunningModel.of(raw), ModelInfo.of(raw), models_of(raw), running_of(raw)):
        assert repr(value)
        assert value == value  # noqa: PLR0124 - it must not raise


def test_a_chunk_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Chunk({"response": "x"}).text = "y"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        Chunk({"response": "x"}).other = "y"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "raw",
    [
        {"response": "Hi", "thinking": "hm", "done": True, "context": [1]},
        {
            "message": {"role": "assistant", "content": "Hi", "tool_calls": [CALL]},
            "done": True,
            "eval_count": 3,
        },
        {"response": "Hi", "thinking": "hm", "message": {"content": "Ho", "thinking": "so"}, "done": True},
        {"response": "Hi", "message": "x", "done": True},
    ],
)
def test_a_copy_with_other_text_keeps_everything_else(raw: dict[str, Any]) -> None:
    before = copy.deepcopy(raw)
    chunk = Chunk(raw).replace(text="new", thinking="thought")
    assert (chunk.text, chunk.thinking) == ("new", "thought")
    assert chunk.done
    assert chunk.metrics == Chunk(raw).metrics
    assert (chunk.context, chunk.tool_calls) == (Chunk(raw).context, Chunk(raw).tool_calls)
    assert raw == before


def test_chunks_are_compared_by_their_objects_and_are_not_hashable() -> None:
    assert Chunk({"response": "x"}) == Chunk({"response": "x"})
    assert Chunk({"response": "x"}) != Chunk({"response": "y"})
    assert Chunk({"response": "x"}) != {"response": "x"}
    with pytest.raises(TypeError):
        hash(Chunk({}))


def test_a_chunk_shows_its_object_and_can_be_copied_and_pickled() -> None:
    chunk = Chunk({"response": "x"})
    assert repr(chunk) == "Chunk({'response': 'x'})"
    assert copy.copy(chunk) == chunk
    assert pickle.loads(pickle.dumps(chunk)) == chunk  # noqa: S301 - our own bytes


# tool calls


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (CALL, ToolCall("weather", {"city": "Ulm"}, id="call_a1", index=1)),
        ({"function": {"name": "now", "arguments": {}}}, ToolCall("now")),
        ({"function": {"name": "now", "arguments": None}}, ToolCall("now")),
        ({"function": {"name": "f", "arguments": '{"a": 1}'}}, ToolCall("f", {"a": 1})),
        ({"function": {"name": "f", "arguments": " "}}, ToolCall("f")),
        ({"function": {"name": "f", "arguments": "null"}}, ToolCall("f")),
        ({"function": {"name": "f", "arguments": "{broken"}}, ToolCall("f", unreadable_arguments="{broken")),
        ({"function": {"name": "f", "arguments": "[1]"}}, ToolCall("f", unreadable_arguments="[1]")),
        ({"function": {"name": "f", "arguments": [1]}}, ToolCall("f", unreadable_arguments="[1]")),
        ({"function": {"name": "f", "arguments": '{"a": "\\ud83d"}'}}, ToolCall("f", {"a": "\ufffd"})),
        ({"function": {"name": 5, "index": "1"}, "id": ""}, ToolCall("")),
        ({"function": "f"}, ToolCall("")),
        ({}, ToolCall("")),
    ],
)
def test_a_tool_call_is_read(raw: dict[str, Any], expected: ToolCall) -> None:
    assert ToolCall.of(raw) == expected


@pytest.mark.parametrize(
    "raw",
    [
        CALL,
        {"function": {"name": "now", "arguments": {}}},
        {"id": "1", "function": {"name": "f", "arguments": '{"city": "Ul'}},
    ],
)
def test_a_tool_call_is_sent_back_as_it_was_received(raw: dict[str, Any]) -> None:
    assert ToolCall.of(raw).to_json() == raw


def test_arguments_that_are_nested_too_deeply_are_unreadable() -> None:
    text = '{"a":' * 600 + "1" + "}" * 600
    assert ToolCall.of({"function": {"arguments": text}}) == ToolCall("", unreadable_arguments=text)


def test_a_tool_call_shows_arguments_that_cannot_be_read() -> None:
    assert "unreadable_arguments='{broken'" in repr(ToolCall.of({"function": {"arguments": "{broken"}}))


# messages and progress


def test_a_message_has_only_a_role_and_a_text_by_default() -> None:
    message = Message("user", "Hi")
    assert (message.thinking, message.images, message.tool_calls) == ("", (), ())
    assert (message.tool_name, message.tool_call_id) == (None, None)


def test_a_progress_step_is_read() -> None:
    raw = {"status": "pulling 8eeb52dfb3bb", "digest": "sha256:8e", "total": 10, "completed": 4, "new": 1}
    step = Progress.of(raw)
    assert (step.status, step.digest, step.total, step.completed) == (
        "pulling 8eeb52dfb3bb",
        "sha256:8e",
        10,
        4,
    )
    assert not step.done
    assert step.raw is raw


def test_an_omitted_completed_beside_a_total_is_zero() -> None:
    assert Progress.of({"status": "pulling", "total": 10}).completed == 0


def test_the_sizes_of_a_step_may_be_absent() -> None:
    step = Progress.of({"status": "success"})
    assert (step.digest, step.total, step.completed, step.done) == (None, None, None, True)


def test_progress_fields_of_a_wrong_type_read_as_absent() -> None:
    assert Progress.of({"status": 5, "digest": 5, "total": "5", "completed": []}) == Progress("")
    assert Progress.of({"total": -5, "completed": 10**18}) == Progress("")


def test_the_message_of_a_chunk_is_what_a_history_needs() -> None:
    chunk = Chunk({"message": {"role": "odd", "content": "Hi", "thinking": "hm", "tool_calls": [CALL]}})
    call = ToolCall("weather", {"city": "Ulm"}, id="call_a1", index=1)
    assert chunk.message == Message("assistant", "Hi", "hm", tool_calls=(call,))
