"""Fixtures for tests in a real browser."""

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from ollama_rx import Client
from ollama_rx.testing import FakeOllama
from ollama_rx.web import app
from tests.web.browser.chat import Chat
from tests.web.browser.chromium import Chromium
from tests.web.browser.serving import Serving
from tests.web.browser.watch import Watch

_chromium = Chromium()
Visit = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> Generator[None]:
    """Close the browser after the last of these tests: others need this thread without an event loop."""
    yield
    if nextitem is None or Path(__file__).parent not in nextitem.path.parents:
        _chromium.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """Return one browser for all tests that follow each other."""
    yield _chromium
    _chromium.close()  # also if the run was given up


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Fail if a page did what it must not do, whatever else the test looks at."""
    it = Watch()
    yield it
    assert it.complaints == []


@pytest.fixture
def visit(chromium: Chromium, watch: Watch) -> Iterator[Visit]:
    """Open a page as another person, with a browser of their own: `visit(url, color_scheme="dark")`."""
    with ExitStack() as visits:
        is_page_free = True

        def open_page(url: str, **options: Any) -> Page:
            nonlocal is_page_free
            if is_page_free and not options:
                is_page_free = False
                page = chromium.page
                visits.callback(chromium.tidy)
            else:
                context = chromium.browser.new_context(**options)
                visits.callback(context.close)
                page = context.new_page()
            page.context.set_default_timeout(20_000)
            watch.allow(url)
            visits.enter_context(watch.over(page.context))
            page.goto(url)
            return page

        yield open_page


@pytest.fixture
def ollama() -> Iterator[FakeOllama]:
    """Return the server of models, which the page asks."""
    with FakeOllama() as fake:
        yield fake


@pytest.fixture
def served(ollama: FakeOllama, tmp_path: Path) -> Iterator[str]:
    """Return the address of the page, with no conversations."""
    with (
        Client(ollama.url) as client,
        Serving(app(client, store=tmp_path / "conversations.db")) as server,
    ):
        yield server.url


@pytest.fixture
def chat(served: str, visit: Visit) -> Chat:
    """Open the page."""
    return Chat(visit(served))
