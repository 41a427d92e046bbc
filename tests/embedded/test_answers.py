"""The real model answers as Ollama does."""

from typing import cast

import orjson
import pytest

from tests.embedded.asking import Model, figure, models, numbers, piece_of

pytestmark = pytest.mark.embedded
SHORT = {"num_predict": 6, "seed": 7}


def running(model: Model) -> list[dict[str, object]]:
    return models(model.ask("/api/ps", method="GET"))


def test_a_generation_streams_its_tokens_and_ends_with_context_and_figures(model: Model) -> None:
    answer = model.generate("Say hello", options=SHORT)
    *pieces, last = answer.lines
    assert (answer.status, answer.content_type) == (200, "application/x-ndjson")
    assert answer.content.endswith(b"}\n")
    assert len(pieces) == 6
    assert all(line.keys() == {"model", "created_at", "response", "done"} for line in pieces)
    assert all(line["response"] and not line["done"] for line in pieces)
    assert (last["response"], last["done"], last["done_reason"]) == ("", True, "length")
    assert last["eval_count"] == 6
    assert len(numbers(last, "context")) == 6 + figure(last, "prompt_eval_count")
    for name in ("total_duration", "load_duration", "prompt_eval_duration", "eval_duration"):
        assert 0 < figure(last, name) <= figure(last, "total_duration")


def test_a_chat_streams_messages_and_has_no_context(model: Model) -> None:
    *pieces, last = model.chat("Say hello", options=SHORT).lines
    assert pieces
    assert all(line["message"] == {"role": "assistant", "content": piece_of(line)} for line in pieces)
    assert last["message"] == {"role": "assistant", "content": ""}
    assert "context" not in last


def test_the_same_seed_gives_the_same_answer_and_another_another(model: Model) -> None:
    options = {"num_predict": 16, "temperature": 1.5}
    first, again, other = (
        model.generate("A story", options=options | {"seed": seed}).text for seed in (1, 1, 2)
    )
    assert first == again != other


def test_without_streaming_the_same_answer_is_one_object(model: Model) -> None:
    streamed = model.generate("Say hello", options=SHORT)
    whole = model.generate("Say hello", options=SHORT, stream=False)
    assert whole.content_type == "application/json; charset=utf-8"
    assert len(whole.lines) == 1
    assert whole.text == streamed.text
    assert whole.lines[0]["context"] == streamed.lines[-1]["context"]


def test_a_stop_word_ends_the_answer_and_is_not_in_it(model: Model) -> None:
    options = {"num_predict": 40, "temperature": 0, "repeat_penalty": 1, "stop": ["7"]}
    answer = model.generate("1, 2, 3, 4, 5,", raw=True, options=options)
    assert answer.text == " 6, "
    assert answer.lines[-1]["done_reason"] == "stop"


def test_a_raw_prompt_is_only_what_it_says_and_gives_no_context(model: Model) -> None:
    last = model.generate("Once upon a time", raw=True, options=SHORT).lines[-1]
    assert last["prompt_eval_count"] == 4
    assert "context" not in last


def test_a_context_continues_the_conversation(model: Model) -> None:
    first = model.generate("My name is Bob.", options=SHORT).lines[-1]
    context = numbers(first, "context")
    second = model.generate("What is my name?", context=context, options=SHORT).lines[-1]
    assert numbers(second, "context")[: len(context)] == context
    alone = model.generate("What is my name?", options=SHORT).lines[-1]
    assert figure(second, "prompt_eval_count") > len(context)
    assert figure(alone, "prompt_eval_count") < len(context)


def test_a_context_of_another_model_is_refused(model: Model) -> None:
    answer = model.generate("Hi", context=[10_000_000], options=SHORT)
    assert (answer.status, answer.lines) == (400, [{"error": "Prompt contains invalid tokens"}])


def test_system_and_history_enter_the_prompt(model: Model) -> None:
    def size(**fields: object) -> int:
        return figure(model.generate("Hi", options=SHORT, **fields).lines[-1], "prompt_eval_count")

    assert size(system="You are a very polite pirate who lives on a small island far away") != size()
    short = model.chat("Hi", options=SHORT).lines[-1]
    long = model.chat("Hi", "Hello", "How are you?", options=SHORT).lines[-1]
    assert figure(long, "prompt_eval_count") > figure(short, "prompt_eval_count")


def test_a_schema_holds_the_answer_in_its_form(model: Model) -> None:
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string", "maxLength": 8}, "age": {"type": "integer", "maximum": 99}},
        "required": ["name", "age"],
        "additionalProperties": False,
    }
    options = {"num_predict": 60, "seed": 3}
    value = orjson.loads(model.chat("Describe a dog as JSON", format=schema, options=options).text)
    assert value.keys() == {"name", "age"}
    assert isinstance(value["age"], int)


def test_json_means_an_object(model: Model) -> None:
    answer = model.generate("A dog as JSON", format="json", options={"num_predict": 8, "seed": 3})
    assert answer.text.lstrip().startswith("{")


def test_a_schema_that_cannot_be_used_is_refused(model: Model) -> None:
    schema = {"type": "object", "properties": {"a": {"$ref": "#/nowhere"}}}
    answer = model.generate("Say hello", format=schema, options=SHORT)
    error = "invalid format: the embedded model cannot use this JSON schema"
    assert (answer.status, answer.lines) == (500, [{"error": error}])


def test_characters_are_never_cut(model: Model) -> None:
    answer = model.generate(
        "🙂🙃🙂🙃🙂🙃🙂🙃", raw=True, options={"num_predict": 25, "temperature": 0, "repeat_penalty": 1}
    )
    assert max(answer.text) > "\U0001f000"  # three tokens each
    assert "\ufffd" not in answer.text
    assert len(answer.lines) < 25


def test_logprobs_describe_the_tokens(model: Model) -> None:
    line = model.generate("Hi", logprobs=True, top_logprobs=2, options=SHORT).lines[0]
    (first,) = cast("list[dict[str, object]]", line["logprobs"])
    assert list(first) == ["token", "logprob", "bytes", "top_logprobs"]
    assert first["token"] == line["response"]
    assert len(cast("list[object]", first["top_logprobs"])) == 2


def test_a_prompt_that_is_too_long_is_refused_when_it_must_not_be_cut(model: Model) -> None:
    answer = model.generate("word " * 3000, truncate=False, options=SHORT)
    assert answer.lines == [{"error": "the input length exceeds the context length"}]
    assert answer.status == 400


def test_loading_and_unloading_are_answered(model: Model) -> None:
    for path in ("/api/generate", "/api/chat"):
        for keep_alive, reason in ((None, "load"), (0, "unload")):
            answer = model.ask(path, {"keep_alive": keep_alive})
            assert answer.content_type == "application/json; charset=utf-8"
            assert answer.lines[0]["done_reason"] == reason
            assert len(running(model)) == (reason == "load")


def test_keep_alive_says_when_the_model_goes(model: Model) -> None:
    model.generate("Hi", keep_alive="1h", options=SHORT)
    assert str(running(model)[0]["expires_at"]) < "2200"
    model.generate("Hi", options=SHORT)
    (entry,) = running(model)
    assert str(entry["expires_at"]) > "2200"
    assert entry["context_length"] == 2048
