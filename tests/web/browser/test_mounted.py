"""The page below a path of another application: that of docs/web.md, with its login, and one with a voice."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from starlette.applications import Starlette
from starlette.routing import Mount

from ollama_rx import Client
from ollama_rx.speech import Speech
from ollama_rx.testing import FakeOllama, answer
from ollama_rx.web import app
from tests.docs.pages import PAGES, blocks, section
from tests.web.browser.chat import Chat
from tests.web.browser.conftest import Visit
from tests.web.browser.serving import Serving
from tests.web.browser.test_voice import WORDS, Metronome, Spoken


def test_the_documented_application_has_the_page_behind_its_login(
    ollama: FakeOllama, visit: Visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ollama.play(answer("Welcome."))
    monkeypatch.setenv("OLLAMA_HOST", ollama.url)
    monkeypatch.chdir(tmp_path)  # the store is a file there
    (code,) = blocks(section(PAGES["docs/web.md"], "The page"))
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - our own page
    with Serving(names["site"]) as server:
        chat = Chat(visit(f"{server.url}/chat", http_credentials={"username": "ada", "password": "secret"}))
        chat.ask("May I come in?")
        chat.wait_for_end()
        chat.page.reload()
        expect(chat.answer).to_contain_text("Welcome.")


def test_the_voice_speaks_below_a_path(ollama: FakeOllama, visit: Visit, tmp_path: Path) -> None:
    ollama.play(answer(*(f"{word} " for word in WORDS[:2])))
    with Client(ollama.url) as client:
        page = app(client, store=tmp_path / "c.db", voice=partial(Speech, Metronome()))
        with Serving(Starlette(routes=[Mount("/team/chat", page)])) as server:
            spoken = Spoken(Chat(visit(f"{server.url}/team/chat/")))
            spoken.chat.ask("Count")
            spoken.wait_for_word(WORDS[1])
