"""What the page is told of the server of models."""

from typing import Any

import pytest

from ollama_rx.testing import FakeOllama, Request, error_status, json_reply, silent_url
from ollama_rx.testing.server.reply import Reply
from ollama_rx.web.page import server_state
from tests.web.page.conftest import OpenPage


def tags(*names: str) -> Reply:
    return json_reply({"models": [{"name": name, "size": 5, "digest": f"d-{name}"} for name in names]})


def show(request: Request) -> Reply:
    capabilities = {
        "seeing": ["completion", "vision"],
        "thinking": ["completion", "thinking"],
        "embedding": ["embedding"],
        "old": [],
    }
    name = str(request.json["model"])
    return json_reply({"capabilities": capabilities[name]}) if name in capabilities else error_status(404)


def state_of(open_page: OpenPage, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = open_page(**options).http.get("/api/state").json()
    return found


def test_models_that_can_answer_are_listed_with_what_they_can_do(
    open_page: OpenPage, fake: FakeOllama
) -> None:
    fake.play(tags("embedding", "seeing", "thinking", "old", "broken", ""), path="/api/tags")
    fake.play(show, path="/api/show")
    found = state_of(open_page)
    assert found["models"] == [
        {"name": "seeing", "vision": True, "thinking": False, "bytes": 5},
        {"name": "thinking", "vision": False, "thinking": True, "bytes": 5},
        {"name": "old", "vision": False, "thinking": False, "bytes": 5},
        {"name": "broken", "vision": False, "thinking": False, "bytes": 5},
    ]
    assert (found["server"], found["reachable"], found["problem"]) == (fake.url, True, None)
    assert (found["default_model"], found["voice"], found["voice_problem"]) == ("seeing", False, None)


def test_a_model_is_asked_once_what_it_can_do(open_page: OpenPage, fake: FakeOllama) -> None:
    fake.play(tags("seeing"), path="/api/tags")
    fake.play(show, path="/api/show")
    page = open_page()
    assert page.http.get("/api/state").json() == page.http.get("/api/state").json()
    assert [request.path for request in fake.requests] == ["/api/tags", "/api/show", "/api/tags"]


def test_the_default_model_and_the_servers_name_can_be_given(open_page: OpenPage) -> None:
    found = state_of(open_page, model="gemma", server="the embedded model", voice_problem="It is hoarse.")
    assert (found["default_model"], found["server"]) == ("gemma", "the embedded model")
    assert found["voice_problem"] == "It is hoarse."


def test_a_server_without_models_is_a_problem_that_says_what_to_do(
    open_page: OpenPage, fake: FakeOllama
) -> None:
    fake.play(tags(), path="/api/tags")
    found = state_of(open_page)
    assert (found["reachable"], found["models"], found["default_model"]) == (True, [], None)
    assert "`ollama pull" in found["problem"]


def test_a_server_that_cannot_be_reached_is_a_problem(open_page: OpenPage, fake: FakeOllama) -> None:
    page = open_page()
    fake.close()
    found = page.http.get("/api/state").json()
    assert (found["reachable"], found["models"]) == (False, [])
    assert "ollama serve" in found["problem"]


def test_a_server_that_does_not_answer_is_a_problem(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_state, "_SECONDS", 0.05)
    with silent_url() as url:
        found = state_of(open_page, url=url)
        assert (found["reachable"], found["problem"]) == (False, f"{url} does not answer.")
