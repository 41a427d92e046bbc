"""Prompts are answered and weights pulled as Ollama does it."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

import httpx
import orjson
import pytest

from ollama_rx.embedded import embedded, handlers
from ollama_rx.embedded.api_error import ApiError
from ollama_rx.embedded.embedded_transport import EmbeddedTransport
from ollama_rx.embedded.handlers import answer, prompt_tokens
from ollama_rx.embedded.model_cache import LoadedModel, ModelLease, RequestCancelledError
from ollama_rx.embedded.parsed_request import ParsedRequest, read_generate
from ollama_rx.embedded.worker_threads import WorkerThread
from ollama_rx.errors import EmbeddedModelError
from ollama_rx.rx.mailbox import Mailbox
from tests.embedded.asking import URL, Model, figure, models, numbers, piece_of

DIGEST = "sha256:b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
SHORT = {"num_predict": 6, "seed": 7}
Report = Callable[[int, int], None]


class Letters:
    """A tokenizer of one token per character, 0 at the start, with a template of round brackets."""

    greeting = "~"

    def render(self, messages: Sequence[Mapping[str, object]]) -> str:
        turns = [f"({message['content']})" for message in messages]
        return self.greeting + "".join(turns) + "("

    def tokenize(self, text: str, *, start: bool, special: bool) -> list[int]:
        assert special
        return [0] * start + [ord(character) for character in text]


class ChangingTemplate(Letters):
    """Renders each conversation with a different beginning."""

    def render(self, messages: Sequence[Mapping[str, object]]) -> str:
        return f"{len(messages)}" + super().render(messages)


def parsed(body: bytes) -> ParsedRequest:
    return read_generate(body, "tiny", {})


def read(ids: Sequence[int]) -> str:
    return "".join(map(chr, ids))


def test_a_prompt_is_rendered_and_begins_with_the_start_token() -> None:
    assert read(prompt_tokens(Letters(), parsed(b'{"prompt":"Hi"}'), 99)) == "\0~(Hi)("


def test_a_raw_prompt_is_not_rendered() -> None:
    assert read(prompt_tokens(Letters(), parsed(b'{"prompt":"Hi","raw":true}'), 99)) == "\0Hi"


def test_a_context_is_followed_by_the_end_of_its_answer_and_the_new_turn() -> None:
    request = parsed(b'{"prompt":"Hi","context":[1,2]}')
    assert read(prompt_tokens(Letters(), request, 99)) == "\1\2)(Hi)("


def test_if_the_template_rewrites_the_history_the_new_conversation_follows_the_context() -> None:
    request = parsed(b'{"prompt":"Hi","context":[1,2]}')
    assert read(prompt_tokens(ChangingTemplate(), request, 99)) == "\1\0021~(Hi)("


def test_a_prompt_that_is_too_long_keeps_its_head_and_its_tail() -> None:
    request = parsed(b'{"prompt":"0123456789abcdef","raw":true,"options":{"num_keep":2}}')
    assert read(prompt_tokens(Letters(), request, 17)) == "\0" + "0" + "abcdef"


@pytest.mark.parametrize(("keep", "expected"), [(-5, "89abcdef"), (99, "\x000123456")])
def test_the_number_of_kept_tokens_is_bounded(keep: int, expected: str) -> None:
    request = parsed(b'{"prompt":"0123456789abcdef","raw":true,"options":{"num_keep":%d}}' % keep)
    assert read(prompt_tokens(Letters(), request, 17)) == expected


def test_a_prompt_that_is_too_long_is_an_error_if_truncating_is_off() -> None:
    request = parsed(b'{"prompt":"0123456789abcdef","raw":true,"truncate":false}')
    with pytest.raises(ApiError, match="the input length exceeds the context length"):
        prompt_tokens(Letters(), request, 17)
    assert len(prompt_tokens(Letters(), request, 18)) == 17


class Watched(Letters):
    """Notes how much it is given at once; a space is no token."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def tokenize(self, text: str, *, start: bool, special: bool) -> list[int]:
        self.sizes.append(len(text))
        return super().tokenize(text.replace(" ", ""), start=start, special=special)


def test_of_megabytes_only_the_head_and_the_tail_are_read() -> None:
    tokenizer = Watched()
    prompt = "0123456789" * 1000 + "z"
    request = parsed(b'{"prompt":"%s","raw":true,"options":{"num_keep":3}}' % prompt.encode())
    assert read(prompt_tokens(tokenizer, request, 10)) == "\x0001" + "9z"
    assert tokenizer.sizes == [640]


def test_a_long_text_of_few_tokens_is_read_as_a_whole() -> None:
    tokenizer = Watched()
    request = parsed(b'{"prompt":"%s","raw":true}' % (b" " * 500 + b"abc" + b" " * 500))
    assert read(prompt_tokens(tokenizer, request, 10)) == "\0abc"
    assert tokenizer.sizes == [640, 1003]


class SilentEngine:
    """Ends an answer without any event."""

    def render(self, messages: object) -> str:
        return str(messages)

    def tokenize(self, text: str, *, start: bool, special: bool) -> list[int]:
        assert special >= start
        return list(map(ord, text))

    def complete(self, request: Mapping[str, object], on_event: Callable[[object], bool]) -> None:
        assert request
        assert callable(on_event)


class SilentModel:
    def __init__(self) -> None:
        self.released: list[float | None] = []

    def acquire_slot(self, cancelled: Callable[[], bool]) -> SilentEngine:
        assert not cancelled()
        return SilentEngine()

    def release_slot(self, keep_alive: float | None) -> None:
        self.released.append(keep_alive)


class FakeLease:
    """A lease with a given result."""

    def __init__(self, found: object) -> None:
        self._found = found

    def model(self, cancelled: Callable[[], bool]) -> LoadedModel:
        assert not cancelled()
        if isinstance(self._found, Exception):
            raise self._found
        return cast(LoadedModel, self._found)


def hello() -> ParsedRequest:
    return read_generate(b'{"prompt":"Hi","keep_alive":5}', "tiny", {})


async def first_block(lease: FakeLease) -> bytes | None:
    def work(lines: Mailbox[bytes]) -> None:
        answer(hello(), "tiny", cast(ModelLease, lease), lines)

    return await WorkerThread(work).read()


def test_a_request_cancelled_during_the_download_sends_nothing() -> None:
    assert asyncio.run(first_block(FakeLease(RequestCancelledError()))) is None


def test_an_engine_that_ends_without_its_last_event_is_an_error_and_its_slot_is_given_back() -> None:
    loaded = SilentModel()
    with pytest.raises(ApiError, match="stopped without a reason"):
        asyncio.run(first_block(FakeLease(loaded)))
    assert loaded.released == [5.0]


def fetch_from(monkeypatch: pytest.MonkeyPatch, fetch: Callable[[Report], Path]) -> None:
    monkeypatch.setattr(handlers, "fetch_weights", fetch)
    monkeypatch.setattr("ollama_rx.embedded.engine.find_spec", str)
    monkeypatch.delenv("OLLAMA_RX_MODEL", raising=False)


def fetched(report: Report) -> Path:
    report(0, 20)
    report(20, 20)
    return Path("there.gguf")


def pull(**fields: object) -> httpx.Response:
    async def send() -> httpx.Response:
        async with httpx.AsyncClient(transport=embedded(), base_url=URL) as client:
            return await client.post("/api/pull", json=fields)

    return asyncio.run(send())


def lines(reply: httpx.Response) -> list[object]:
    return [orjson.loads(line) for line in reply.content.splitlines()]


@pytest.mark.parametrize("name", [{}, {"model": "smollm2:135m-instruct-q4_1"}])
def test_a_pull_reports_its_progress_as_ollama_does(
    name: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch_from(monkeypatch, fetched)
    step = {"status": "pulling b179c9523d0e", "digest": DIGEST, "total": 20}
    assert lines(pull(**name)) == [
        {"status": "pulling manifest"},
        step,
        step | {"completed": 20},
        {"status": "verifying sha256 digest"},
        {"status": "writing manifest"},
        {"status": "success"},
    ]


def test_without_streaming_a_pull_reports_only_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    fetch_from(monkeypatch, fetched)
    reply = pull(stream=False)
    assert (reply.status_code, reply.content) == (200, b'{"status":"success"}')


def test_to_pull_another_model_is_an_error_that_says_what_the_embedded_model_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fetch_from(monkeypatch, fetched)
    only = "the embedded model is smollm2:135m-instruct-q4_1 and no other"
    error = {"error": f"{only}; `ollama serve` pulls llama3.2"}
    assert lines(pull(model="llama3.2")) == [{"status": "pulling manifest"}, error]
    reply = pull(model="llama3.2", stream=False)
    assert (reply.status_code, reply.json()) == (500, error)


def test_a_download_that_fails_is_an_error_in_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Report) -> Path:
        raise EmbeddedModelError("no network")

    fetch_from(monkeypatch, fail)
    assert lines(pull())[1:] == [{"error": "no network"}]


def test_closing_the_response_ends_the_download(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[BaseException] = []

    def endless(report: Report) -> Path:
        try:
            while True:
                report(1, 20)
        except BaseException as error:
            ended.append(error)
            raise

    async def leave() -> None:
        transport = embedded()
        assert isinstance(transport, EmbeddedTransport)
        async with (
            httpx.AsyncClient(transport=transport, base_url=URL) as client,
            client.stream("POST", "/api/pull", json={}) as reply,
        ):
            async for _ in reply.aiter_lines():
                break

    fetch_from(monkeypatch, endless)
    asyncio.run(leave())
    assert [type(error).__name__ for error in ended] == ["RequestCancelledError"]


def test_the_users_own_weights_are_not_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(_: Report) -> Path:
        pytest.fail("nothing to fetch")

    fetch_from(monkeypatch, never)
    (tmp_path / "own.gguf").write_bytes(b"weights")

    async def send() -> list[object]:
        transport = embedded(tmp_path / "own.gguf")
        async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
            return lines(await client.post("/api/pull", json={"name": "own"}))

    digest = hashlib.sha256(b"weights").hexdigest()
    assert asyncio.run(send()) == [
        {"status": "pulling manifest"},
        {"status": f"pulling {digest[:12]}", "digest": f"sha256:{digest}", "total": 7, "completed": 7},
        {"status": "verifying sha256 digest"},
        {"status": "writing manifest"},
        {"status": "success"},
    ]


def running(model: Model) -> list[dict[str, object]]:
    return models(model.ask("/api/ps", method="GET"))


@pytest.mark.embedded
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


@pytest.mark.embedded
def test_a_chat_streams_messages_and_has_no_context(model: Model) -> None:
    *pieces, last = model.chat("Say hello", options=SHORT).lines
    assert pieces
    assert all(line["message"] == {"role": "assistant", "content": piece_of(line)} for line in pieces)
    assert last["message"] == {"role": "assistant", "content": ""}
    assert "context" not in last


@pytest.mark.embedded
def test_the_same_seed_gives_the_same_answer_and_another_seed_a_different_one(model: Model) -> None:
    options = {"num_predict": 16, "temperature": 1.5}
    first, again, other = (
        model.generate("A story", options=options | {"seed": seed}).text for seed in (1, 1, 2)
    )
    assert first == again != other


@pytest.mark.embedded
def test_without_streaming_the_same_answer_is_one_object(model: Model) -> None:
    streamed = model.generate("Say hello", options=SHORT)
    whole = model.generate("Say hello", options=SHORT, stream=False)
    assert whole.content_type == "application/json; charset=utf-8"
    assert len(whole.lines) == 1
    assert whole.text == streamed.text
    assert whole.lines[0]["context"] == streamed.lines[-1]["context"]


@pytest.mark.embedded
def test_a_stop_word_ends_the_answer_and_is_not_in_it(model: Model) -> None:
    options = {"num_predict": 40, "temperature": 0, "repeat_penalty": 1, "stop": ["7"]}
    answer = model.generate("1, 2, 3, 4, 5,", raw=True, options=options)
    assert answer.text == " 6, "
    assert answer.lines[-1]["done_reason"] == "stop"


@pytest.mark.embedded
def test_a_raw_prompt_is_used_without_a_template_and_gives_no_context(model: Model) -> None:
    last = model.generate("Once upon a time", raw=True, options=SHORT).lines[-1]
    assert last["prompt_eval_count"] == 4
    assert "context" not in last


@pytest.mark.embedded
def test_a_context_continues_the_conversation(model: Model) -> None:
    first = model.generate("My name is Bob.", options=SHORT).lines[-1]
    context = numbers(first, "context")
    second = model.generate("What is my name?", context=context, options=SHORT).lines[-1]
    assert numbers(second, "context")[: len(context)] == context
    alone = model.generate("What is my name?", options=SHORT).lines[-1]
    assert figure(second, "prompt_eval_count") > len(context)
    assert figure(alone, "prompt_eval_count") < len(context)


@pytest.mark.embedded
def test_a_context_of_another_model_is_rejected(model: Model) -> None:
    answer = model.generate("Hi", context=[10_000_000], options=SHORT)
    assert (answer.status, answer.lines) == (400, [{"error": "Prompt contains invalid tokens"}])


@pytest.mark.embedded
def test_system_prompt_and_history_are_part_of_the_prompt(model: Model) -> None:
    def size(**fields: object) -> int:
        return figure(model.generate("Hi", options=SHORT, **fields).lines[-1], "prompt_eval_count")

    assert size(system="You are a very polite pirate who lives on a small island far away") != size()
    short = model.chat("Hi", options=SHORT).lines[-1]
    long = model.chat("Hi", "Hello", "How are you?", options=SHORT).lines[-1]
    assert figure(long, "prompt_eval_count") > figure(short, "prompt_eval_count")


@pytest.mark.embedded
def test_an_answer_follows_its_schema(model: Model) -> None:
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


@pytest.mark.embedded
def test_json_means_an_object(model: Model) -> None:
    answer = model.generate("A dog as JSON", format="json", options={"num_predict": 8, "seed": 3})
    assert answer.text.lstrip().startswith("{")


@pytest.mark.embedded
def test_a_schema_that_cannot_be_used_is_rejected(model: Model) -> None:
    schema = {"type": "object", "properties": {"a": {"$ref": "#/nowhere"}}}
    answer = model.generate("Say hello", format=schema, options=SHORT)
    assert (answer.status, answer.lines) == (500, [{"error": "invalid JSON schema in format"}])


@pytest.mark.embedded
def test_characters_are_never_split(model: Model) -> None:
    answer = model.generate(
        "🙂🙃🙂🙃🙂🙃🙂🙃", raw=True, options={"num_predict": 25, "temperature": 0, "repeat_penalty": 1}
    )
    assert max(answer.text) > "\U0001f000"  # three tokens each
    assert "\ufffd" not in answer.text
    assert len(answer.lines) < 25


@pytest.mark.embedded
def test_logprobs_describe_the_tokens(model: Model) -> None:
    line = model.generate("Hi", logprobs=True, top_logprobs=2, options=SHORT).lines[0]
    (first,) = cast("list[dict[str, object]]", line["logprobs"])
    assert list(first) == ["token", "logprob", "bytes", "top_logprobs"]
    assert first["token"] == line["response"]
    assert len(cast("list[object]", first["top_logprobs"])) == 2


@pytest.mark.embedded
def test_a_request_with_too_long_a_prompt_gets_an_error_if_truncating_is_off(model: Model) -> None:
    answer = model.generate("word " * 3000, truncate=False, options=SHORT)
    assert answer.lines == [{"error": "the input length exceeds the context length"}]
    assert answer.status == 400


@pytest.mark.embedded
def test_loading_and_unloading_are_answered(model: Model) -> None:
    for path in ("/api/generate", "/api/chat"):
        for keep_alive, reason in ((None, "load"), (0, "unload")):
            answer = model.ask(path, {"keep_alive": keep_alive})
            assert answer.content_type == "application/json; charset=utf-8"
            assert answer.lines[0]["done_reason"] == reason
            assert len(running(model)) == (reason == "load")


@pytest.mark.embedded
def test_keep_alive_sets_when_the_model_is_unloaded(model: Model) -> None:
    model.generate("Hi", keep_alive="1h", options=SHORT)
    assert str(running(model)[0]["expires_at"]) < "2200"
    model.generate("Hi", options=SHORT)
    (entry,) = running(model)
    assert str(entry["expires_at"]) > "2200"
    assert entry["context_length"] == 2048
