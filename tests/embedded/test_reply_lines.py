"""The engine's events become the lines that Ollama writes."""

import json

import pytest

from ollama_rx.embedded.api_error import ApiError
from ollama_rx.embedded.parsed_request import ParsedRequest, read_chat, read_generate
from ollama_rx.embedded.reply_lines import AnswerWriter, load_reply, timestamp
from ollama_rx.protocol.go_json import encode

TIMINGS = {"cache_n": 20, "prompt_n": 6, "prompt_ms": 1.5, "predicted_n": 2, "predicted_ms": 15.0}
LOGPROBS = {
    "content": [
        {
            "id": 5,
            "token": "Hi",
            "logprob": -0.5,
            "bytes": [72, 105],
            "top_logprobs": [
                {"id": 5, "token": "Hi", "logprob": -0.5, "bytes": [72, 105]},
                {"id": 6, "token": "Ho", "logprob": -1.5, "bytes": [72, 111]},
            ],
        }
    ]
}


def piece(
    text: str, *, finish: str | None = None, logprobs: object = None, **rest: object
) -> dict[str, object]:
    return {"choices": [{"text": text, "finish_reason": finish, "logprobs": logprobs}], **rest}


def last(finish: str = "stop", **timings: float) -> dict[str, object]:
    return piece("", finish=finish, timings=TIMINGS | timings)


def generate(**fields: object) -> ParsedRequest:
    return read_generate(encode({"prompt": "x"} | fields), "tiny", {})


def chat(**fields: object) -> ParsedRequest:
    return read_chat(encode({"messages": [{"role": "user", "content": "x"}]} | fields), "tiny", {})


def parsed(line: bytes | None) -> dict[str, object]:
    assert line is not None
    value: dict[str, object] = json.loads(line)
    assert isinstance(value.pop("created_at"), str)
    return value


def test_a_piece_of_a_generation_becomes_a_line() -> None:
    line = AnswerWriter(generate(), "tiny").feed(piece("Hi"))
    assert line is not None
    assert line.startswith(b'{"model":"tiny","created_at":"')
    assert line.endswith(b'Z","response":"Hi","done":false}\n')


def test_a_piece_of_a_chat_becomes_a_line() -> None:
    line = AnswerWriter(chat(), "tiny").feed(piece("Hi"))
    assert parsed(line) == {
        "model": "tiny",
        "message": {"role": "assistant", "content": "Hi"},
        "done": False,
    }


def test_events_without_text_produce_no_line() -> None:
    progress = {"total": 9, "cache": 0, "processed": 4, "time_ms": 1}
    assert AnswerWriter(chat(), "tiny").feed(piece("", prompt_progress=progress)) is None


def test_the_last_line_carries_the_reason_the_context_and_six_figures() -> None:
    writer = AnswerWriter(generate(), "tiny")
    writer.feed(piece("Hi"))
    assert not writer.complete
    assert writer.feed(last("length")) is None
    assert writer.complete
    assert writer.text == "Hi"
    assert parsed(writer.finish(total_ns=9, load_ns=8, context=[1, 2])) == {
        "model": "tiny",
        "response": "",
        "done": True,
        "done_reason": "length",
        "context": [1, 2],
        "total_duration": 9,
        "load_duration": 8,
        "prompt_eval_count": 26,
        "prompt_eval_duration": 1_500_000,
        "eval_count": 2,
        "eval_duration": 15_000_000,
    }


def test_empty_figures_are_omitted_as_go_does() -> None:
    writer = AnswerWriter(chat(), "tiny")
    writer.feed(last(cache_n=0, prompt_n=0, prompt_ms=0))
    line = parsed(writer.finish(total_ns=9, load_ns=0, context=None))
    assert line.keys() == {
        "model",
        "message",
        "done",
        "done_reason",
        "total_duration",
        "eval_count",
        "eval_duration",
    }


def test_text_in_the_last_event_is_not_lost() -> None:
    writer = AnswerWriter(generate(), "tiny")
    line = writer.feed(piece("!", finish="stop", timings=TIMINGS))
    assert parsed(line)["response"] == "!"
    assert writer.complete


def test_without_streaming_one_object_holds_everything() -> None:
    writer = AnswerWriter(generate(stream=False, logprobs=True), "tiny")
    assert writer.feed(piece("H", logprobs=LOGPROBS)) is None
    assert writer.feed(piece("i")) is None
    writer.feed(last())
    line = writer.finish(total_ns=9, load_ns=8, context=None)
    assert not line.endswith(b"\n")
    whole = parsed(line)
    assert whole["response"] == "Hi"
    assert whole["logprobs"] == [{"token": "Hi", "logprob": -0.5, "bytes": [72, 105]}]


def test_logprobs_are_on_the_line_of_their_tokens() -> None:
    line = parsed(
        AnswerWriter(generate(logprobs=True, top_logprobs=1), "tiny").feed(piece("", logprobs=LOGPROBS))
    )
    assert line["response"] == ""
    hi = {"token": "Hi", "logprob": -0.5, "bytes": [72, 105]}
    assert line["logprobs"] == [hi | {"top_logprobs": [hi]}]


def test_logprobs_that_were_not_requested_are_dropped() -> None:
    assert "logprobs" not in parsed(AnswerWriter(generate(), "tiny").feed(piece("Hi", logprobs=LOGPROBS)))


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [({"code": 400, "message": "too long"}, 400, "too long"), ({}, 500, "")],
)
def test_an_error_of_the_engine_becomes_an_api_error(error: object, status: int, text: str) -> None:
    with pytest.raises(ApiError) as caught:
        AnswerWriter(chat(), "tiny").feed({"error": error})
    assert (caught.value.status, caught.value.text) == (status, text)


@pytest.mark.parametrize(
    ("schema", "begins", "rejected"),
    [
        ("json", "Hello", True),
        ("json", "[", True),
        ("json", " \n", False),
        ("json", " {", False),
        ({"enum": ["a"]}, '"', False),
        ({"enum": ["a"]}, "Hello", True),
        (None, "Hello", False),
    ],
)
def test_an_answer_that_does_not_start_as_json_is_an_error_because_its_schema_was_dropped(
    schema: object, begins: str, *, rejected: bool
) -> None:
    writer = AnswerWriter(generate(format=schema), "tiny")
    if not rejected:
        assert writer.feed(piece(begins))
        return
    with pytest.raises(ApiError, match="invalid JSON schema in format"):
        writer.feed(piece(begins))


def test_json_is_escaped_as_go_does() -> None:
    text = '<a & "b">\u2028\u2029é'
    line = encode({"response": text})
    expected = '{"response":"\\u003ca \\u0026 \\"b\\"\\u003e\\u2028\\u2029é"}'
    assert line.decode() == expected
    assert json.loads(line) == {"response": text}


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1_500_000_000, "1970-01-01T00:00:01.5Z"),
        (1_700_000_000_123_456_789, "2023-11-14T22:13:20.123456789Z"),
        (1_700_000_000_000_001_000, "2023-11-14T22:13:20.000001Z"),
    ],
)
def test_times_are_formatted_as_go_does(nanoseconds: int, text: str) -> None:
    assert timestamp(nanoseconds) == text


def test_loading_and_unloading_are_answered_by_one_object() -> None:
    loaded = load_reply(read_generate(b"{}", "tiny", {}), "tiny")
    assert not loaded.endswith(b"\n")
    assert parsed(loaded) == {"model": "tiny", "response": "", "done": True, "done_reason": "load"}
    unloaded = parsed(load_reply(read_chat(b'{"keep_alive":0}', "tiny", {}), "tiny"))
    assert unloaded["message"] == {"role": "assistant", "content": ""}
    assert unloaded["done_reason"] == "unload"
