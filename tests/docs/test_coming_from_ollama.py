"""Both sides of each row of "Coming from `ollama`" send the same request, and the results are as it says."""

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import httpx
import pydantic
import pytest

from ollama_rx import Client, IncompleteStreamError, ModelNotFoundError, UnreachableError, operators
from ollama_rx.testing import (
    FakeOllama,
    Reply,
    Request,
    answer,
    cut,
    error_status,
    json_reply,
    thinking,
    tool_call,
)
from ollama_rx.testing.server.fake_ollama import Script
from tests.docs.pages import PAGES, section

ollama: Any = import_module("ollama")  # its types are not complete

PAGE = PAGES["docs/coming_from_ollama.md"]
CALLS = re.findall(r"^\| `(client\..*)` \| `(client\..*)` \|$", section(PAGE, "Calls"), re.MULTILINE)


def weather(city: str) -> str:
    """Tell the weather.

    Args:
        city: where
    """
    return city


class City(pydantic.BaseModel):
    """A city."""

    name: str


def vectors(request: Request) -> Reply:
    given = request.json["input"]
    return json_reply(
        {"embeddings": [[0.5]] * (1 if isinstance(given, str) else len(cast("list[str]", given)))}
    )


@pytest.fixture
def fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[FakeOllama, FakeOllama]]:
    """Return a server for each client."""
    for name in ("cat.png", "m.gguf"):
        (tmp_path / name).write_bytes(b"hi")
    monkeypatch.chdir(tmp_path)
    replies: dict[str, Script] = {"/api/embeddings": json_reply({"embedding": [0.5]}), "/api/embed": vectors}
    with FakeOllama(answer("Hi"), on=replies) as one, FakeOllama(answer("Hi"), on=replies) as other:
        yield one, other


@pytest.fixture
def fake(fakes: tuple[FakeOllama, FakeOllama]) -> FakeOllama:
    return fakes[0]


def evaluate(code: str, client: object) -> Any:
    messages = [{"role": "user", "content": "Hi"}]
    names = {"client": client, "messages": messages, "weather": weather, "City": City, "ollama": ollama}
    return eval(code, names)  # noqa: S307 - our own page


def sent(fake: FakeOllama) -> list[Any]:
    """Return what was sent, without the differences that the page names."""
    found = [(request.method, request.path, body_of(request)) for request in fake.requests]
    return [one for one in found if one[0] != "HEAD"]  # here the server is asked first whether it has a file


def body_of(request: Request) -> object:
    if request.path.startswith("/api/blobs/"):
        return request.body
    unset: dict[str, Any] = {"tools": [], "insecure": False, "prompt": ""}
    body = {name: value for name, value in request.json.items() if unset.get(name) != value}
    body.pop("stream", None)
    return body


@pytest.mark.parametrize(("there", "here"), CALLS)
def test_both_calls_send_the_same_request(
    there: str, here: str, fakes: tuple[FakeOllama, FakeOllama]
) -> None:
    theirs, ours = fakes
    with ollama.Client(host=theirs.url) as old, Client(ours.url, model="m") as client:
        response = evaluate(there, old)
        if "stream=True" in there:
            list(response)
        evaluate(here, client).run()
    is_old_endpoint = "embeddings" in there
    expected = [("POST", "/api/embed", {"model": "m", "input": "Hi"})] if is_old_endpoint else sent(theirs)
    assert sent(ours) == expected


def test_the_table_has_all_methods_of_the_other_client() -> None:
    named = {there.split("(")[0].removeprefix("client.") for there, _ in CALLS} | {"web_search", "web_fetch"}
    methods = {name for name in dir(ollama.Client) if not name.startswith("_")}
    assert methods - named <= {"close", "systemone"}, "systemone is a service of ollama.com, not of Ollama"


def test_the_results_have_the_names_in_the_table(fake: FakeOllama) -> None:
    said = answer(thinking("hm"), "Hi", tool_call("weather", {"city": "Ulm"}), context=[1])
    fake.play(said, said, error_status(404, "model 'm' not found"), error_status(404, "model 'm' not found"))
    with ollama.Client(host=fake.url) as old, Client(fake.url, model="m") as client:
        messages = [{"role": "user", "content": "Hi"}]
        response = old.chat("m", messages)
        chunk = client.chat(messages).pipe(operators.whole_answer()).run()
        assert response.message.tool_calls
        assert (response.message.content, response.message.thinking) == (chunk.text, chunk.thinking)
        function = response.message.tool_calls[0].function
        assert (function.name, function.arguments) == (
            chunk.tool_calls[0].name,
            chunk.tool_calls[0].arguments,
        )
        assert chunk.metrics is not None
        assert (response.done_reason, response.eval_count) == (chunk.done_reason, chunk.metrics.eval_count)
        assert old.embed("m", "Hi").embeddings == client.embed("Hi").run().vectors
        assert [one.model for one in old.list().models] == [one.name for one in client.models().run()]
        with pytest.raises(ollama.ResponseError) as theirs:
            old.chat("m", messages)
        with pytest.raises(ModelNotFoundError) as ours:
            client.chat(messages).run()
    assert (theirs.value.status_code, theirs.value.error) == (ours.value.status, ours.value.reason)


def test_a_history_of_the_other_client_goes_on_here(fake: FakeOllama) -> None:
    fake.play(answer(thinking("hm"), tool_call("weather", {"city": "Ulm"}, id="call_1")), answer("It rains."))
    history: list[Any] = [ollama.Message(role="user", content="Hi", images=[ollama.Image(value=b"hi")])]
    with ollama.Client(host=fake.url) as old, Client(fake.url, model="m") as client:
        history.append(old.chat("m", history).message)
        history.append({"role": "tool", "content": "rain", "tool_name": "weather"})
        client.chat(history).run()
    assert fake.requests[1].json["messages"] == [
        {"role": "user", "content": "Hi", "images": ["aGk="]},
        {
            "role": "assistant",
            "content": "",
            "thinking": "hm",
            "tool_calls": [{"function": {"name": "weather", "arguments": {"city": "Ulm"}}}],
        },
        {"role": "tool", "content": "rain", "tool_name": "weather"},
    ]


def test_an_unreachable_server_and_an_answer_that_breaks_off_are_as_the_page_says() -> None:
    with ollama.Client(host="http://127.0.0.1:1") as old, pytest.raises(ConnectionError):
        old.chat("m", [])
    with pytest.raises(UnreachableError):
        Client("http://127.0.0.1:1").chat([], model="m").run()
    with FakeOllama(answer("Hel", cut())) as fake, ollama.Client(host=fake.url) as old:
        with pytest.raises(httpx.RemoteProtocolError):
            list(old.chat("m", [], stream=True))
        fake.play(answer("Hel", ending="none"))
        assert [part.message.content for part in old.chat("m", [], stream=True)] == ["Hel"]
        with pytest.raises(IncompleteStreamError) as caught:
            Client(fake.url).chat([], model="m").run()
    assert caught.value.partial == "Hel"
