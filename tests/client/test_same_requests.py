"""Whatever argument Ollama's own client takes is taken here, and the server is sent the same.

docs/coming_from_ollama.md shows how the calls are written here; this goes through their arguments.
"""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import pytest

from ollama_rx import Client
from ollama_rx.testing import FakeOllama, Reply, Request, answer, json_reply
from ollama_rx.testing.server.fake_ollama import Script

ollama: Any = import_module("ollama")  # its types are not complete

PNG = b"\x89PNG"
BASE64 = "iVBORw=="
DIGEST = "sha256:" + "0" * 64
USER = {"role": "user", "content": "Hi"}
CALL = {"function": {"name": "weather", "arguments": {"city": "Ulm"}}}
THEIR_CALL = ollama.Message.ToolCall(
    function=ollama.Message.ToolCall.Function(name="f", arguments={"x": [1, None]})
)
WITH_DEFINITIONS = {
    "type": "object",
    "properties": {"x": {"type": "string"}},
    "$defs": {"A": {"type": "null"}},
}
SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}}


def weather(city: str) -> str:
    """Tell the weather.

    Args:
        city: where
    """
    return city


ANSWERING: dict[str, list[Any]] = {
    "format": ["json", "", SCHEMA],
    "options": [{}, {"temperature": 0.5, "stop": ["a"]}, ollama.Options(seed=1, num_ctx=64)],
    "think": [True, False, "low", "medium", "high"],
    "keep_alive": [0, 5, -1, 1.5, "5m", "1h30m"],
    "logprobs": [True, False],
    "top_logprobs": [0, 3],
}
ARGUMENTS: dict[str, dict[str, list[Any]]] = {
    "generate": {
        **ANSWERING,
        "prompt": ["", "Hi", "Grüße 🕰", 'a "quoted"\nline'],
        "suffix": ["", "return"],
        "system": ["", "Be brief."],
        "template": ["{{ .Prompt }}"],
        "context": [[], [1, 2, 3], (1, 2)],
        "raw": [True, False],
        "images": [[PNG], [BASE64], ["cat.png"], [Path("cat.png")], [ollama.Image(value=PNG)], [PNG, BASE64]],
        "width": [64],
        "height": [64],
        "steps": [4],
    },
    "chat": {
        **ANSWERING,
        "messages": [
            [],
            [USER, {"role": "assistant", "content": "Ho"}, USER],
            [ollama.Message(role="system", content="Be brief."), USER],
            [{"role": "developer", "content": "x"}],
            [{"role": "control", "content": "thinking"}],
            [{**USER, "images": [PNG]}],
            [{**USER, "images": ["cat.png"]}],
            [ollama.Message(role="user", content="Hi", images=[ollama.Image(value=PNG)])],
            [{"role": "assistant", "content": "", "thinking": "hm", "tool_calls": [CALL]}],
            [ollama.Message(role="assistant", thinking="hm", tool_calls=[THEIR_CALL])],
            [USER, ollama.Message(role="tool", content="rain", tool_name="weather")],
        ],
        "tools": [
            [],
            [weather],
            [{"type": "function", "function": {"name": "f", "description": "d", "parameters": SCHEMA}}],
            [ollama.Tool(type="function", function=ollama.Tool.Function(name="f", description="d"))],
            [ollama.Tool.model_validate({"function": {"name": "f", "parameters": WITH_DEFINITIONS}})],
        ],
    },
    "embed": {
        "input": ["Hi", "", ["Hi"], ["Hi", "Ho"], []],
        "truncate": [True, False],
        "dimensions": [2],
        "options": [{"num_ctx": 64}, ollama.Options(num_ctx=64)],
        "keep_alive": [0, "5m"],
    },
    "create": {
        "from_": ["m"],
        "quantize": ["q4_K_M"],
        "files": [{"m.gguf": DIGEST}],
        "adapters": [{"a.gguf": DIGEST}],
        "template": ["{{ .Prompt }}"],
        "license": ["MIT", ["MIT", "BSD"]],
        "system": ["Be brief."],
        "parameters": [{"temperature": 1}, {"stop": ["a", "b"]}, ollama.Options(seed=1)],
        "messages": [[USER], [ollama.Message(role="user", content="Hi")]],
    },
    "pull": {"insecure": [True, False]},
    "push": {"insecure": [True, False]},
}
REQUIRED: dict[str, dict[str, Any]] = {
    "chat": {"messages": [USER]},
    "generate": {"prompt": "Hi"},
    "embed": {"input": "Hi"},
}
RENAMED = {"embed": {"input": "text"}}


PLAIN: dict[str, dict[str, Any]] = {
    **{method: REQUIRED.get(method, {}) for method in ARGUMENTS},
    "show": {"model": "m"},
    "delete": {"model": "m"},
    "copy": {"source": "m", "destination": "n"},
}


def calls() -> Iterator[Any]:
    """Yield the calls: for each argument its values, one call each."""
    for method, arguments in ARGUMENTS.items():
        for name, values in arguments.items():
            for number, value in enumerate(values):
                given = {**REQUIRED.get(method, {}), name: value}
                yield pytest.param(method, given, id=f"{method}-{name}-{number}")
    for method, given in PLAIN.items():
        yield pytest.param(method, given, id=method)


def vectors(request: Request) -> Reply:
    given = request.json["input"]
    return json_reply(
        {"embeddings": [[0.5]] * (1 if isinstance(given, str) else len(cast("list[str]", given)))}
    )


@pytest.fixture
def fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[FakeOllama, FakeOllama]]:
    (tmp_path / "cat.png").write_bytes(PNG)
    monkeypatch.chdir(tmp_path)
    replies: dict[str, Script] = {"/api/embed": vectors}
    with FakeOllama(answer("Hi"), on=replies) as theirs, FakeOllama(answer("Hi"), on=replies) as ours:
        yield theirs, ours


def body_of(request: Request) -> dict[str, Any]:
    """Return what was sent, without what means nothing: empty lists of tools, an empty content, and so on."""
    meaningless: dict[str, list[Any]] = {
        "stream": [True, False],  # here always true
        "tools": [[]],
        "options": [{}],
        "insecure": [False],
        "format": [""],
        "context": [[]],
    }
    body = {name: value for name, value in request.json.items() if value not in meaningless.get(name, [])}
    if "messages" in body:
        messages = cast("list[dict[str, Any]]", body["messages"])
        body["messages"] = [
            {name: value for name, value in message.items() if (name, value) != ("content", "")}
            for message in messages
        ]
    return body


@pytest.mark.parametrize(("method", "arguments"), list(calls()))
def test_both_clients_send_the_same(
    method: str, arguments: dict[str, Any], fakes: tuple[FakeOllama, FakeOllama]
) -> None:
    theirs, ours = fakes
    named = RENAMED.get(method, {})
    needs_model = "model" not in arguments and method != "copy"
    model = {"model": "m"} if needs_model else {}
    with ollama.Client(host=theirs.url) as old, Client(ours.url) as client:
        getattr(old, method)(**model, **arguments)
        here = {named.get(name, name): value for name, value in arguments.items()}
        getattr(client, method)(**model, **here).run()
    (their_request,), (our_request,) = theirs.requests, ours.requests
    assert (our_request.method, our_request.path) == (their_request.method, their_request.path)
    assert body_of(our_request) == body_of(their_request)


def test_more_than_a_hundred_calls_are_compared() -> None:
    assert len(list(calls())) > 100
