"""The page's HTTP interface on a real socket."""

import asyncio
import base64
import logging
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from starlette import requests

from ollama_rx import Client
from ollama_rx.errors import OllamaError
from ollama_rx.testing import FakeOllama, Gate, answer, error_status, thinking
from ollama_rx.web.page import page_api
from ollama_rx.web.page.answers import Answers, RunningAnswer
from ollama_rx.web.page.conversation_store import ConversationStore, StoreError
from ollama_rx.web.page.guard import Limits
from ollama_rx.web.page.message_json import image_type
from ollama_rx.web.page.page_api import PageApi
from ollama_rx.web.page.server_state import ServerState
from tests.web.page.conftest import Browser, OpenPage

PNG = b"\x89PNG\r\n\x1a\n" + bytes(10)


def chats(fake: FakeOllama) -> list[Any]:
    """Return the bodies of the requests for answers; a conversation asks for other things too."""
    return [request.json for request in fake.requests if request.path == "/api/chat"]


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_a_conversation_from_the_first_prompt_to_the_last_block(page: Browser, fake: FakeOllama) -> None:
    fake.play(answer("# Hi\n\n", "How *are* you?"))
    created = page.http.post("/api/conversations", json={"model": "llama"})
    assert created.status_code == 201
    id_ = created.json()["id"]
    asked = page.ask(id_, "Hello", 0)
    assert (asked.status_code, asked.json()["position"]) == (202, 0)
    page.wait(id_)
    found = page.read(id_)
    assert (found["id"], found["title"], found["model"], found["answering"]) == (id_, "Hello", "llama", None)
    assert found["version"] == asked.json()["version"]
    user, assistant = found["messages"]
    assert user == {
        "position": 0,
        "role": "user",
        "text": "Hello",
        "thinking": "",
        "blocks": [],
        "images": [],
        "cut": False,
        "stats": None,
        "model": None,
        "error": None,
        "unheard": "",
    }
    assert assistant | {"stats": None} == user | {
        "position": 1,
        "role": "assistant",
        "text": "# Hi\n\nHow *are* you?",
        "blocks": ["<h1>Hi</h1>\n", "<p>How <em>are</em> you?</p>\n"],
        "model": "llama",
    }
    sent = chats(fake)[0]
    assert (sent["model"], sent["messages"]) == ("llama", [{"role": "user", "content": "Hello"}])


def test_an_answer_has_its_figures(page: Browser, fake: FakeOllama) -> None:
    fake.play(answer("a", "b"))
    stats = page.last(page.chat("Hi"))["stats"]
    assert (stats["model"], stats["ended_by"], stats["tokens"]) == ("llama", "stop", 2)
    assert stats["tokens_per_second"] == 50
    assert 0 < stats["time_to_first_text"] <= stats["seconds"]


def test_the_events_of_an_answer(page: Browser, fake: FakeOllama) -> None:
    gate = Gate()
    fake.play(answer(gate, thinking("Hm"), "Hi ", "you"))
    id_ = page.begin()
    with page.reading(id_) as events:
        gate.open()
        found = list(events)
    assert {event.type for event in found} == {"thinking", "block", "figures", "stats", "done"}
    run = found[0].id.partition("-")[0]
    assert [event.id for event in found] == [f"{run}-{number}" for number in range(1, len(found) + 1)]
    assert [event.data for event in found if event.type == "thinking"] == [{"text": "Hm"}]
    blocks = [event.data for event in found if event.type == "block"]
    assert blocks[-1] == {"number": 0, "html": "<p>Hi you</p>\n", "complete": True}
    assert found[-1].data == {"reason": "completed"}
    assert found[-2].data["tokens"] == 3


def test_a_page_that_is_loaded_in_the_middle_goes_on(page: Browser, fake: FakeOllama) -> None:
    gate = Gate()
    fake.play(answer(thinking("Hm"), "one\n\ntwo\n\n", gate, thinking("!"), "three"))
    id_ = page.begin()
    with page.reading(id_) as events:
        before = next(event for event in events if event.data.get("number") == 1)
        found = page.read(id_)
        with page.reading(id_, found["answering"]["after"]) as later:
            gate.open()
            rest = list(later)
    message = found["answering"]["message"]
    assert before.id == found["answering"]["after"]
    assert [one["role"] for one in found["messages"]] == ["user"]
    assert (message["position"], message["role"], message["thinking"]) == (1, "assistant", "Hm")
    assert message["blocks"] == ["<p>one</p>\n", "<p>two</p>\n"]
    assert message["text"] == "one\n\ntwo\n\n"
    assert message["stats"]["tokens"] >= 1
    assert [event.data for event in rest if event.type == "thinking"] == [{"text": "!"}]
    assert {event.data["number"] for event in rest if event.type == "block"} == {2}
    assert page.last(id_)["blocks"] == [*message["blocks"], "<p>three</p>\n"]


def test_without_an_answer_there_are_no_events(page: Browser) -> None:
    id_ = page.chat("Hi")
    assert page.http.get(f"/api/conversations/{id_}/events").status_code == 204
    assert page.http.get("/api/conversations/none/events").status_code == 204


def test_conversations_are_listed_searched_renamed_and_deleted(page: Browser, fake: FakeOllama) -> None:
    gate = Gate()
    fake.play(answer("Big."), answer("Small.", gate))
    whales, ants = page.chat("Whales?"), page.begin("Ants?")
    listed = page.http.get("/api/conversations").json()
    assert [(one["id"], one["title"], one["is_answering"]) for one in listed] == [
        (ants, "Ants?", True),
        (whales, "Whales?", False),
    ]
    assert listed[1]["model"] == "llama"
    assert listed[1]["snippet"] is None
    gate.open()
    found = page.http.get("/api/conversations", params={"search": "BIG"}).json()
    assert [(one["id"], one["snippet"]) for one in found] == [(whales, "Big.")]
    url = f"/api/conversations/{whales}"
    assert page.http.patch(url, json={"title": "Giants"}).status_code == 204
    assert page.read(whales)["title"] == "Giants"
    assert page.http.delete(url).status_code == 204
    assert page.http.get(url).status_code == 404


def test_images_reach_the_model_and_the_page(page: Browser, fake: FakeOllama) -> None:
    fake.play(answer("A cat."))
    id_ = page.begin("What is this?", images=[base64_of(PNG)])
    page.wait(id_)
    assert chats(fake)[0]["messages"][0]["images"] == [base64_of(PNG)]
    assert page.read(id_)["messages"][0]["images"] == [f"data:image/png;base64,{base64_of(PNG)}"]
    assert page.ask(id_, "", 2, images=[base64_of(b"GIF89a")]).status_code == 202
    page.wait(id_)
    assert [len(message.get("images", ())) for message in chats(fake)[1]["messages"]] == [1, 0, 1]


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF87a", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVE", None),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", None),
        (b"", None),
    ],
)
def test_the_type_of_an_image_is_known_by_its_content(image: bytes, kind: str | None) -> None:
    assert image_type(image) == kind


@pytest.mark.parametrize("image", ["/etc/passwd", "%%%", base64_of(b"<svg/>"), "é"])
def test_what_is_no_image_is_never_opened_and_never_sent(
    page: Browser, fake: FakeOllama, image: str, tmp_path: Path
) -> None:
    id_ = page.chat("Hi")
    (tmp_path / "secret").write_bytes(PNG)
    for text in (image, str(tmp_path / "secret")):
        refused = page.ask(id_, "x", 2, images=[text])
        assert refused.status_code == 400
        assert "mage" in refused.json()["error"]
    assert len(chats(fake)) == 1


def test_an_edited_prompt_replaces_what_followed(page: Browser, fake: FakeOllama) -> None:
    id_ = page.chat("one", "two")
    fake.forget()
    assert page.ask(id_, "zwei", 2).json()["position"] == 2
    page.wait(id_)
    assert page.texts(id_) == ["one", "one", "zwei", "zwei"]
    assert [one["content"] for one in chats(fake)[0]["messages"]] == ["one", "one", "zwei"]


def test_the_last_prompt_can_be_asked_again(page: Browser, fake: FakeOllama) -> None:
    fake.play(answer("1"), answer("2"), answer("3"))
    id_ = page.chat("one", "two")
    again = page.http.post(f"/api/conversations/{id_}/retry", json={"model": "gemma", "think": True})
    assert (again.status_code, again.json()["position"]) == (202, 2)
    page.wait(id_)
    assert page.texts(id_) == ["one", "1", "two", "3"]
    assert page.last(id_)["model"] == "gemma"
    assert (chats(fake)[2]["model"], chats(fake)[2]["think"]) == ("gemma", True)


def test_a_prompt_that_does_not_fit_is_refused(page: Browser) -> None:
    id_ = page.chat("Hi")
    seen = page.read(id_)["version"]
    refused = [
        page.ask(id_, "x", 1),
        page.ask(id_, "x", 5),
        page.ask(id_, "x", 2, version="old"),
        page.http.post(f"/api/conversations/{id_}/retry", json={"model": "m", "version": "old"}),
    ]
    assert [one.status_code for one in refused] == [409] * 4
    assert "another window" in refused[0].json()["error"]
    assert page.ask(id_, "x", 2, version=seen).status_code == 202
    page.wait(id_)


def test_a_conversation_without_a_prompt_has_nothing_to_ask_again(page: Browser) -> None:
    id_ = page.http.post("/api/conversations", json={}).json()["id"]
    assert page.http.post(f"/api/conversations/{id_}/retry", json={"model": "m"}).status_code == 409


def test_a_prompt_while_an_answer_is_written_is_refused(page: Browser, fake: FakeOllama) -> None:
    gate = Gate()
    fake.play(answer("a", gate))
    id_ = page.begin()
    refused = page.ask(id_, "x", 2)
    assert (refused.status_code, refused.json()["error"].partition(";")[0]) == (
        409,
        "An answer is being written",
    )
    gate.open()
    page.wait(id_)
    assert page.texts(id_) == ["Hi", "a"]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"text": 1}, "'text' must be text."),
        ({"text": " ", "images": []}, "The message is empty."),
        ({"text": "x" * 1_000_001}, "'text' is too long; at most 1000000 characters fit."),
        ({"model": ""}, "No model is chosen."),
        ({"model": None}, "'model' must be text."),
        ({"think": "yes"}, "'think' must be true or false."),
        ({"position": True}, "'position' must be a whole number."),
        ({"position": "0"}, "'position' must be a whole number."),
        ({"images": "x"}, "'images' must be a list of base64 texts."),
        ({"images": [1]}, "'images' must be a list of base64 texts."),
        ({"version": 1}, "'version' must be text."),
    ],
)
def test_a_wrong_field_is_named(page: Browser, body: dict[str, Any], error: str) -> None:
    id_ = page.chat("Hi")
    whole = {"text": "x", "model": "m", "position": 2, **body}
    refused = page.http.post(f"/api/conversations/{id_}/answers", json=whole)
    assert (refused.status_code, refused.json()) == (400, {"error": error})


@pytest.mark.parametrize("body", [b"{", b"[1]", b"\xff", b'{"model": "\\ud800"}'])
def test_a_body_that_is_no_json_object_is_refused(page: Browser, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    refused = page.http.post("/api/conversations", content=body, headers=headers)
    assert refused.status_code == 400
    assert refused.json()["error"].startswith("The request is not")


def test_what_does_not_exist_is_not_found(page: Browser) -> None:
    url = "/api/conversations/none"
    assert page.http.get(url).json() == {"error": "This conversation does not exist any more."}
    assert page.http.patch(url, json={"title": "x"}).status_code == 404
    assert page.ask("none", "x", 0).status_code == 404
    assert page.http.post(f"{url}/retry", json={"model": "m"}).status_code == 404
    assert page.http.post(f"{url}/stop").status_code == 204
    assert page.http.delete(url).status_code == 204
    assert page.http.get("/api/unknown").json() == {"error": "Not Found"}
    assert page.http.put("/api/state").status_code == 405
    assert page.http.get("/static/none.js").status_code == 404
    assert page.http.get("/static/../page_api.py").status_code == 404
    assert page.http.get("/static/%2e%2e/page_api.py").status_code == 404


def test_data_is_never_cached(page: Browser) -> None:
    assert page.http.get("/api/state").headers["cache-control"] == "no-store"


def test_the_page_itself_is_served(page: Browser, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<!doctype html><title>x</title>")
    monkeypatch.setattr(page_api, "STATIC", tmp_path)
    found = page.http.get("/")
    assert found.text == "<!doctype html><title>x</title>"
    assert found.headers["content-type"] == "text/html; charset=utf-8"
    assert found.headers["cache-control"] == "no-cache"
    assert "script-src 'self'" in found.headers["content-security-policy"]


def test_a_defect_is_logged_and_not_told(
    page: Browser, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object, search: str) -> None:
        raise RuntimeError(search)

    monkeypatch.setattr(ConversationStore, "summaries", fail)
    caplog.set_level(logging.CRITICAL)
    found = page.http.get("/api/conversations?search=private")
    assert (found.status_code, found.json()) == (500, {"error": "The server has failed; its log says why."})


def test_a_store_that_fails_says_why(page: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> str:
        raise StoreError("The disk is full.")

    monkeypatch.setattr(ConversationStore, "create", fail)
    failed = page.http.post("/api/conversations", json={})
    assert (failed.status_code, failed.json()) == (500, {"error": "The disk is full."})


def test_an_error_without_a_status_of_its_own_is_the_servers() -> None:
    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": "/", "headers": []}
    response = asyncio.run(page_api.show_error(requests.Request(scope), OllamaError("It is broken.")))
    assert (response.status_code, bytes(response.body)) == (500, b'{"error":"It is broken."}')


def test_a_token_is_needed_for_data(open_page: OpenPage) -> None:
    page = open_page(token="t")  # noqa: S106 - of this test
    assert page.http.get("/api/state").status_code == 401
    assert page.http.get("/api/state", headers={"authorization": "Bearer t"}).status_code == 200


def test_a_body_that_is_too_long_is_refused(open_page: OpenPage) -> None:
    page = open_page(limits=Limits(body_bytes=100))
    refused = page.http.post("/api/conversations", json={"model": "x" * 200})
    assert refused.status_code == 413
    assert page.http.get("/api/conversations").status_code == 200


def test_another_site_learns_and_changes_nothing(page: Browser, fake: FakeOllama) -> None:
    page.chat("Hi")
    evil = {"origin": "http://evil.example", "sec-fetch-site": "cross-site"}
    rebound = {"host": "evil.example"}
    for headers in (evil, rebound):
        assert page.http.get("/api/conversations", headers=headers).status_code == 403
        assert page.http.post("/api/conversations", headers=headers, json={}).status_code == 403
    options = page.http.options("/api/conversations", headers=evil)
    assert not [name for name in options.headers if name.startswith("access-control")]
    assert len(chats(fake)) == 1


def test_the_version_is_missing_where_the_package_is_not_installed(
    page: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    assert page.http.get("/api/state").json()["version"]
    monkeypatch.setattr(page_api, "version", missing)
    assert page.http.get("/api/state").json()["version"] == ""


def test_several_tabs_read_one_answer_which_is_requested_once(page: Browser, fake: FakeOllama) -> None:
    gate = Gate()
    fake.play(answer(gate, "Hello"))
    id_ = page.begin()
    with page.reading(id_) as first, page.reading(id_) as second:
        gate.open()
        assert [event.id for event in first] == [event.id for event in second]
    assert len(chats(fake)) == 1


def test_a_failure_of_the_model_is_told_kept_and_can_be_tried_again(page: Browser, fake: FakeOllama) -> None:
    gate = Gate()
    fake.play(answer(gate, "x"), error_status(404), answer("Hello"))
    id_ = page.begin()
    gate.open()
    page.wait(id_)
    assert page.ask(id_, "two", 2).status_code == 202
    found = page.events(id_)
    if found:  # else it has failed before we could read
        assert (found[-1].type, found[-1].data["type"]) == ("error", "ModelNotFoundError")
    last = page.last(id_)
    assert (last["role"], last["text"], last["cut"]) == ("assistant", "", True)
    assert "llama" in last["error"]
    assert page.http.post(f"/api/conversations/{id_}/retry", json={"model": "m"}).status_code == 202
    page.wait(id_)
    assert page.texts(id_) == ["Hi", "x", "two", "Hello"]
    assert [one["content"] for one in chats(fake)[-1]["messages"]] == ["Hi", "x", "two"]
    assert page.last(id_)["error"] is None


def test_a_conversation_is_read_again_if_an_answer_begins_meanwhile(tmp_path: Path, fake: FakeOllama) -> None:
    store = ConversationStore(tmp_path / "conversations.db")
    begun = cast(RunningAnswer, SimpleNamespace(replay=SimpleNamespace(is_over=False)))
    looks = iter([None, begun, begun, begun])  # before and after each reading of the store

    class Beginning(Answers):
        def get(self, conversation: str) -> RunningAnswer | None:  # noqa: ARG002
            return next(looks)

    async def scenario() -> RunningAnswer | None:
        async with Client(fake.url) as client:
            api = PageApi(store, Beginning(store, client), ServerState(client), None, None)
            return (await api._read(id_))[1]

    id_ = store.create()
    assert asyncio.run(scenario()) is begun
    assert list(looks) == []
    store.close()
