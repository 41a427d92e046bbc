"""docs/web.md: its applications do what it says, and its table has all events with their data."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from ollama_rx import Chunk, Progress, ToolCall, ToolResult
from ollama_rx.blocks import Block
from ollama_rx.protocol.json_fields import JsonObject
from ollama_rx.testing import FakeOllama, Gate, answer
from ollama_rx.web import WebEvent
from ollama_rx.web.web_event import StreamEvents, done_event, error_event, reset_event
from tests.docs.pages import PAGES, blocks, section
from tests.web.serving import served

PAGE = PAGES["docs/web.md"]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeOllama]:
    with FakeOllama() as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        yield server


def program(title: str, number: int = 0) -> dict[str, Any]:
    """Run a block of a section and return its names."""
    names: dict[str, Any] = {"__name__": "page"}
    exec(compile(blocks(section(PAGE, title))[number], "web.md", "exec"), names)  # noqa: S102 - our own page
    return names


def documented_events() -> dict[str, set[str]]:
    rows = re.findall(r"^\| `(\w+)` \| `\{([^}]+)\}` \|", section(PAGE, "Events"), re.MULTILINE)
    return {name: set(fields.split(", ")) for name, fields in rows}


def test_the_table_has_every_event_and_its_data() -> None:
    call: JsonObject = {"function": {"name": "look", "arguments": {}}}
    items: list[object] = [
        Chunk({"message": {"content": "Hi", "thinking": "Hm", "tool_calls": [call]}}),
        Chunk({"message": {"content": ""}, "done": True, "model": "m"}),
        Block(0, "Hi", complete=True),
        ToolResult(ToolCall("look", {}), "blue"),
        Progress("pulling"),
        {"any": "value"},
    ]
    of = StreamEvents().of
    events = [event for item in items for event in of(item)]
    events += [done_event("completed"), error_event(ValueError()), reset_event(1)]
    documented = documented_events()
    assert {event.type for event in events} == set(documented)
    assert [event for event in events if not matches(event, documented[event.type])] == []


def matches(event: WebEvent, fields: set[str]) -> bool:
    return fields - {"..."} <= set(event.data) if "..." in fields else fields == set(event.data)


def test_the_first_page_asks_and_receives(fake: FakeOllama) -> None:
    fake.play(answer("Because", " of air."))
    with served(program("A first page")["app"]) as url:
        page = httpx.get(url, trust_env=False)
        (path,) = re.findall(r'new EventSource\("([^"?]+)\?"', page.text)
        (name,) = re.findall(r'<input name="(\w+)"', page.text)
        events = httpx.get(url + path, params={name: "Why?"}, trust_env=False).text
    assert fake.requests[0].json["prompt"] == "Why?"
    heard = re.findall(r'addEventListener\("(\w+)", \(event\)|addEventListener\("(done)"', page.text)
    assert {first or second for first, second in heard} == {"text", "done", "error"}
    assert 'event: text\ndata: {"text":" of air."}\n\n' in events


def test_two_tabs_follow_one_answer_and_one_stops_it(fake: FakeOllama) -> None:
    fake.play(answer("One", Gate(), "never sent"))
    with (
        served(program("Reload and resume")["app"]) as url,
        httpx.Client(base_url=url, trust_env=False, params={"prompt": "Count"}) as browser,
        browser.stream("GET", "/answers/a") as first,
        browser.stream("GET", "/answers/a") as second,
    ):
        lines = first.iter_lines()
        assert 'data: {"text":"One"}' in lines
        browser.post("/answers/a/stop")
        assert 'data: {"reason":"stopped"}' in lines
        assert 'data: {"reason":"stopped"}' in second.iter_lines()
    assert len(fake.requests) == 1


def test_events_of_your_own_are_sent_between_the_others(fake: FakeOllama) -> None:
    fake.play(answer("Hi"))
    with served(program("Events")["response"]) as url:
        events = httpx.get(url, trust_env=False).text
    assert re.findall(r"^event: (\w+)", events, re.MULTILINE) == ["source", "text", "stats", "done"]


@pytest.mark.embedded
def test_ollamas_api_is_that_of_the_embedded_model() -> None:
    pytest.importorskip("xllamacpp")
    with served(program("Ollama's API")["site"]) as url:
        assert "embedded" in httpx.get(f"{url}/api/version", trust_env=False).json()["version"]
