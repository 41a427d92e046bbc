"""Each method of the client is one request and its reply, from threads and from asyncio."""

import asyncio
import base64
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from reactivex import Observable
from reactivex import operators as ops

from ollama_rx import (
    BadJsonError,
    Chunk,
    Client,
    Embeddings,
    LineTooLongError,
    Message,
    ModelNotFoundError,
    OllamaError,
    Progress,
    ServerError,
    StatusError,
    Timeouts,
    ToolCall,
    UnauthorizedError,
    deliver,
)
from ollama_rx import operators as op
from ollama_rx.chunks import ContextBox
from ollama_rx.sinks import JsonLines
from ollama_rx.testing import (
    FakeOllama,
    Reply,
    Request,
    answer,
    error_status,
    json_reply,
    loaded,
    midstream_error,
    progress,
    raw,
    text_reply,
)

PNG = b"\x89PNG"


def add(a: int, b: int = 0) -> int:
    """Add."""
    return a + b


@dataclass(frozen=True)
class Case:
    """A call, the request it becomes, and what comes back."""

    call: Callable[[Client], Observable[Any]]
    method: str
    path: str
    body: dict[str, Any] | None
    reply: Reply
    read: Callable[[list[Any]], object]
    expected: object


def texts(items: list[Any]) -> list[str]:
    return [chunk.text for chunk in items]


def steps(items: list[Any]) -> list[str]:
    return [step.status for step in items]


HI = answer("Hi", " you")
SCHEMA = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "Add.",
        "parameters": {
            "type": "object",
            "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
            "required": ["a"],
        },
    },
}

CASES: dict[str, Case] = {}
CASES["generate"] = Case(
    lambda client: client.generate("Hello"),
    "POST",
    "/api/generate",
    {"model": "m", "prompt": "Hello", "stream": True},
    HI,
    texts,
    ["Hi", " you", ""],
)
CASES["generate with everything"] = Case(
    lambda client: client.generate(
        "Hello",
        model="other",
        system="Be brief.",
        context=[1, 2],
        images=[PNG],
        format={"type": "object"},
        options={"temperature": 0, "stop": ["END"]},
        think="high",
        keep_alive="5m",
        suffix="!",
        template="{{ .Prompt }}",
        raw=False,
        logprobs=True,
        top_logprobs=3,
        truncate=False,
        shift=True,
    ),
    "POST",
    "/api/generate",
    {
        "model": "other",
        "prompt": "Hello",
        "suffix": "!",
        "system": "Be brief.",
        "template": "{{ .Prompt }}",
        "raw": False,
        "images": [base64.b64encode(PNG).decode()],
        "stream": True,
        "format": {"type": "object"},
        "options": {"temperature": 0, "stop": ["END"]},
        "think": "high",
        "keep_alive": "5m",
        "truncate": False,
        "shift": True,
        "logprobs": True,
        "top_logprobs": 3,
        "context": [1, 2],
    },
    HI,
    texts,
    ["Hi", " you", ""],
)
CASES["chat"] = Case(
    lambda client: client.chat([Message("system", "Be brief."), {"role": "user", "content": "Hello"}]),
    "POST",
    "/api/chat",
    {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hello"},
        ],
        "stream": True,
    },
    HI,
    texts,
    ["Hi", " you", ""],
)
CASES["chat with everything"] = Case(
    lambda client: client.chat(
        [Message("assistant", tool_calls=[ToolCall("add", {"a": 1}, "call_1", 0)])],
        model="other",
        tools=[add],
        format="json",
        options={"seed": 1},
        think=False,
        keep_alive=-1,
        logprobs=False,
        top_logprobs=0,
        truncate=True,
        shift=False,
    ),
    "POST",
    "/api/chat",
    {
        "model": "other",
        "messages": [
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [
                    {"id": "call_1", "function": {"name": "add", "arguments": {"a": 1}, "index": 0}}
                ],
            }
        ],
        "tools": [SCHEMA],
        "stream": True,
        "format": "json",
        "options": {"seed": 1},
        "think": False,
        "keep_alive": -1,
        "truncate": True,
        "shift": False,
        "logprobs": False,
        "top_logprobs": 0,
    },
    HI,
    texts,
    ["Hi", " you", ""],
)
CASES["load"] = Case(
    lambda client: client.load(keep_alive=60),
    "POST",
    "/api/generate",
    {"model": "m", "prompt": "", "stream": True, "keep_alive": 60},
    loaded(),
    lambda items: [chunk.done_reason for chunk in items],
    ["load"],
)
CASES["unload"] = Case(
    lambda client: client.unload("other"),
    "POST",
    "/api/generate",
    {"model": "other", "prompt": "", "stream": True, "keep_alive": 0},
    loaded("unload"),
    lambda items: [chunk.done_reason for chunk in items],
    ["unload"],
)
CASES["embed"] = Case(
    lambda client: client.embed(
        ["a", "b"], truncate=True, dimensions=2, options={"num_ctx": 5}, keep_alive=0
    ),
    "POST",
    "/api/embed",
    {
        "model": "m",
        "input": ["a", "b"],
        "truncate": True,
        "dimensions": 2,
        "options": {"num_ctx": 5},
        "keep_alive": 0,
    },
    json_reply({"model": "m", "embeddings": [[1.0], [0.5]]}),
    lambda items: [item.vectors for item in items],
    [[[1.0], [0.5]]],
)
CASES["embed one text"] = Case(
    lambda client: client.embed("a"),
    "POST",
    "/api/embed",
    {"model": "m", "input": "a"},
    json_reply({"model": "m", "embeddings": [[1.0]]}),
    lambda items: [isinstance(item, Embeddings) for item in items],
    [True],
)
CASES["pull"] = Case(
    lambda client: client.pull(insecure=True),
    "POST",
    "/api/pull",
    {"model": "m", "insecure": True, "stream": True},
    progress("pulling manifest", {"status": "pulling 8e", "digest": "sha256:8e", "total": 5}),
    steps,
    ["pulling manifest", "pulling 8e", "success"],
)
CASES["push"] = Case(
    lambda client: client.push("me/mine"),
    "POST",
    "/api/push",
    {"model": "me/mine", "stream": True},
    progress("pushing manifest"),
    steps,
    ["pushing manifest", "success"],
)
CASES["create"] = Case(
    lambda client: client.create(
        "mine",
        from_="m",
        system="Be brief.",
        template="{{ .Prompt }}",
        messages=[Message("user", "Hi")],
        parameters={"temperature": 0},
        license=["MIT"],
        quantize="q4_0",
        files={"a.gguf": f"sha256:{'1' * 64}"},
        adapters={"b.gguf": f"sha256:{'2' * 64}"},
    ),
    "POST",
    "/api/create",
    {
        "model": "mine",
        "from": "m",
        "system": "Be brief.",
        "template": "{{ .Prompt }}",
        "quantize": "q4_0",
        "messages": [{"role": "user", "content": "Hi"}],
        "parameters": {"temperature": 0},
        "license": ["MIT"],
        "files": {"a.gguf": f"sha256:{'1' * 64}"},
        "adapters": {"b.gguf": f"sha256:{'2' * 64}"},
        "stream": True,
    },
    progress("parsing GGUF"),
    steps,
    ["parsing GGUF", "success"],
)
CASES["show"] = Case(
    lambda client: client.show(verbose=True),
    "POST",
    "/api/show",
    {"model": "m", "verbose": True},
    json_reply({"capabilities": ["completion"]}),
    lambda items: [item.capabilities for item in items],
    [("completion",)],
)
CASES["models"] = Case(
    lambda client: client.models(),
    "GET",
    "/api/tags",
    None,
    json_reply({"models": [{"name": "a"}, {"name": "b"}]}),
    lambda items: [[model.name for model in item] for item in items],
    [["a", "b"]],
)
CASES["running"] = Case(
    lambda client: client.running(),
    "GET",
    "/api/ps",
    None,
    json_reply({"models": [{"name": "a", "size_vram": 5}]}),
    lambda items: [[model.size_vram for model in item] for item in items],
    [[5]],
)
CASES["version"] = Case(
    lambda client: client.version(),
    "GET",
    "/api/version",
    None,
    json_reply({"version": "0.33.0"}),
    lambda items: items,
    ["0.33.0"],
)
CASES["copy"] = Case(
    lambda client: client.copy("a", "b"),
    "POST",
    "/api/copy",
    {"source": "a", "destination": "b"},
    text_reply(b""),
    lambda items: items,
    [None],
)
CASES["delete"] = Case(
    lambda client: client.delete("a"),
    "DELETE",
    "/api/delete",
    {"model": "a"},
    text_reply(b"null"),
    lambda items: items,
    [None],
)

each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


def check(case: Case, request: Request, items: list[Any]) -> None:
    assert (request.method, request.path) == (case.method, case.path)
    assert (json.loads(request.body) if request.body else None) == case.body
    assert request.headers.get("content-type") == (None if case.body is None else "application/json")
    assert case.read(items) == case.expected


@each_case
def test_a_method_sends_a_request_and_reads_the_reply_in_a_thread(case: Case) -> None:
    with FakeOllama(on={case.path: case.reply}) as fake, Client(fake.url, model="m") as client:
        items = case.call(client).pipe(ops.to_list()).run()
        [request] = fake.requests
    check(case, request, items)


@each_case
def test_a_method_sends_a_request_and_reads_the_reply_on_an_event_loop(case: Case) -> None:
    async def ask(url: str) -> list[Any]:
        async with Client(url, model="m") as client:
            items: list[Any] = await case.call(client).pipe(ops.to_list())
            return items

    with FakeOllama(on={case.path: case.reply}) as fake:
        items = asyncio.run(ask(fake.url))
        [request] = fake.requests
    check(case, request, items)


@each_case
def test_each_subscription_sends_one_request_and_building_the_call_sends_none(case: Case) -> None:
    with FakeOllama(on={case.path: case.reply}) as fake, Client(fake.url, model="m") as client:
        stream = case.call(client)
        assert fake.connections_accepted == 0
        for _ in range(2):
            assert case.read(stream.pipe(ops.to_list()).run()) == case.expected
        first, second = fake.requests
    assert first.body == second.body


# the context


def test_a_context_box_is_read_at_each_subscription() -> None:
    box = ContextBox((1, 2))
    with FakeOllama() as fake, Client(fake.url, model="m") as client:
        stream = client.generate("Hi", context=box)
        box.value = (3, 4)
        stream.run()
        box.clear()
        stream.run()
        first, second = fake.requests
    assert first.json["context"] == [3, 4]
    assert "context" not in second.json


def test_a_box_with_an_invalid_context_fails_at_the_subscription() -> None:
    box = ContextBox(("a",))  # type: ignore[arg-type]
    stream = Client("x", model="m").generate("Hi", context=box)
    with pytest.raises(TypeError, match=r"^context: expected .*, got str$"):
        stream.run()


# errors


def failure(reply: Reply, *, max_line_bytes: int = 8_000_000) -> OllamaError:
    with FakeOllama(reply) as fake, Client(fake.url, model="m", max_line_bytes=max_line_bytes) as client:
        stream = client.generate("Hi")
        with pytest.raises(OllamaError) as caught:
            stream.run()
    return caught.value


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (error_status(404), ModelNotFoundError),
        (error_status(401, signin_url="https://ollama.com/connect"), UnauthorizedError),
        (error_status(400, "bad"), StatusError),
        (text_reply("<html>Bad Gateway</html>", status=502, content_type="text/html"), StatusError),
        (text_reply(b"", status=403), StatusError),
        (answer(midstream_error()), ServerError),
        (answer("Hi", midstream_error(shape="remote", newline=False)), ServerError),
    ],
)
def test_a_failure_reaches_the_subscriber_as_its_error(reply: Reply, error: type[OllamaError]) -> None:
    assert type(failure(reply)) is error


def test_the_error_holds_the_sign_in_url() -> None:
    error = failure(error_status(401, signin_url="https://ollama.com/connect"))
    assert isinstance(error, UnauthorizedError)
    assert error.signin_url == "https://ollama.com/connect"


@pytest.mark.parametrize(
    ("text", "vectors"), [("", []), (["a", ""], [[1.0]]), (["a"], [[1.0], [0.5]]), (["a"], "no list")]
)
def test_another_number_of_vectors_than_texts_is_an_error(text: str | list[str], vectors: object) -> None:
    on = {"/api/embed": json_reply({"embeddings": vectors})}
    with FakeOllama(on=on) as fake, Client(fake.url, model="m") as client:
        stream = client.embed(text)
        with pytest.raises(BadJsonError, match="vectors, not"):
            stream.run()


TASKS: dict[str, tuple[str, Callable[[Client], Observable[Any]]]] = {
    "/api/pull": ("pull", lambda client: client.pull()),
    "/api/push": ("push", lambda client: client.push()),
    "/api/create": ("create", lambda client: client.create("new", from_="old")),
    "/api/chat": ("answer", lambda client: client.chat([])),
    "/api/version": ("request", lambda client: client.version()),
}


@pytest.mark.parametrize("path", TASKS)
def test_an_error_says_what_was_asked_for(path: str) -> None:
    task, call = TASKS[path]
    on = {path: json_reply({"error": "no such host"})}
    with (
        FakeOllama(on=on) as fake,
        Client(fake.url, model="m") as client,
        pytest.raises(ServerError, match=f"^the server stopped the {task}: no such host$"),
    ):
        call(client).run()


def test_an_error_without_a_body_is_named_by_its_status() -> None:
    assert str(failure(text_reply(b"", status=403))) == "HTTP 403: Forbidden"


def test_the_longest_line_may_be_set() -> None:
    assert isinstance(failure(answer("x" * 5000), max_line_bytes=1000), LineTooLongError)


def test_redirects_are_not_followed() -> None:
    reply = text_reply(b"", status=307, headers={"location": "http://127.0.0.1:9/"})
    assert str(failure(reply)).startswith("HTTP 307")


def test_the_timeouts_of_the_client_are_used() -> None:
    client = Client("x", timeouts=Timeouts(connect=1.5))
    assert client._session.timeouts.connect == 1.5


def test_an_answer_with_halves_of_characters_can_be_sent_back_and_stored() -> None:
    halves = (
        b'{"response":"%s","done":false}\n' % text for text in (rb"Nice \ud83d", rb"\ude00 \ud83d", b".")
    )
    stored = io.BytesIO()
    with FakeOllama(answer(raw(b"".join(halves)))) as fake, Client(fake.url, model="m") as client:
        text = client.generate("Hi").pipe(op.text(), op.join_text()).run()
        deliver(client.generate("Hi"), JsonLines(stored)).wait()
        client.chat([Message("assistant", text)]).run()
        assert text == "Nice 😀 \ufffd."
        assert fake.requests[-1].json["messages"] == [{"role": "assistant", "content": text}]
    assert "😀".encode() in stored.getvalue()


def test_streams_emit_chunks_and_progress() -> None:
    with FakeOllama() as fake, Client(fake.url, model="m") as client:
        assert isinstance(client.generate("Hi").run(), Chunk)
        assert isinstance(client.pull().run(), Progress)
