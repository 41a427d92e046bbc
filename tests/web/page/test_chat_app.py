"""The page as an application that others can build upon."""

from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from ollama_rx import Client
from ollama_rx.testing import FakeOllama
from ollama_rx.web import app
from ollama_rx.web.page.conversation_store import ConversationStore
from tests.web.page.conftest import served


def test_a_store_that_is_given_stays_open(tmp_path: Path) -> None:
    store = ConversationStore(tmp_path / "mine.sqlite3")
    with Client() as client, served(app(client, store=store)):
        pass
    assert store.summaries() == []
    store.close()


def test_the_file_of_conversations_is_in_the_users_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fake: FakeOllama
) -> None:
    monkeypatch.setenv("OLLAMA_RX_DATA", str(tmp_path / "mine"))
    with Client(fake.url) as client, served(app(client)):
        assert (tmp_path / "mine" / "conversations.sqlite3").is_file()


def test_a_page_can_be_mounted_below_a_path(tmp_path: Path, fake: FakeOllama) -> None:
    with Client(fake.url) as client:
        page = app(client, store=tmp_path / "a.sqlite3")
        with served(Starlette(routes=[Mount("/chat", page)])) as url:
            for origin, status in ((url, 200), ("http://evil.example", 403)):
                headers = {"origin": origin}
                found = httpx.get(f"{url}/chat/api/conversations", headers=headers, trust_env=False)
                assert found.status_code == status


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"allowed_hosts": ["a b"]}, "allowed_hosts: expected names"),
        ({"allowed_hosts": "localhost"}, "allowed_hosts: expected a list"),
        ({"grace": -1}, "grace: expected a number"),
        ({"limits": 1}, "limits: expected a Limits"),
        ({"model": 1}, "model: expected text"),
        ({"token": 1}, "token: expected text"),
    ],
)
def test_a_wrong_argument_is_refused_at_once(wrong: dict[str, object], message: str, tmp_path: Path) -> None:
    with Client() as client, pytest.raises((TypeError, ValueError), match=message):
        app(client, store=tmp_path / "x.sqlite3", **wrong)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert not (tmp_path / "x.sqlite3").exists()
