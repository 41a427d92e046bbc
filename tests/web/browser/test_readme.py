"""The README's page for an application of one's own."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route

from ollama_rx.testing import FakeOllama, answer
from tests.docs.pages import README, blocks, section
from tests.web.browser.serving import Serving

SECTION = section(README, "In a browser")


async def page(_: Request) -> Response:
    return HTMLResponse('<link rel="icon" href="data:,"><body><script src="/page.js"></script></body>')


async def script(_: Request) -> Response:
    (code,) = blocks(SECTION, "js")
    return Response(code, media_type="text/javascript")


def test_the_script_shows_what_the_application_sends(
    ollama: FakeOllama, visit: Callable[[str], Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    ollama.play(answer("Once upon", " a time."))
    monkeypatch.setenv("OLLAMA_HOST", ollama.url)
    (code,) = blocks(SECTION)
    names: dict[str, Starlette] = {}
    exec(code, names)  # noqa: S102 - our own README
    routes = [Route("/", page), Route("/page.js", script), Mount("/", names["app"])]
    with Serving(Starlette(routes=routes)) as server:
        expect(visit(server.url).locator("body")).to_have_text("Once upon a time.")
