"""A test notices what a page does that it must not do."""

import re

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from tests.web.browser.conftest import Visit
from tests.web.browser.serving import Serving
from tests.web.browser.watch import Watch

_POLICY = "default-src 'none'; script-src 'self'; img-src 'self' data: http://elsewhere.test; connect-src *"


def page_of(html: str, script: str = "") -> Starlette:
    """Return a server of one page with a strict policy, and a script of its own."""

    def page(_: Request) -> Response:
        html_with_script = f"<!doctype html><link rel=icon href=data:,>{html}<script src=/script.js></script>"
        return HTMLResponse(html_with_script, headers={"content-security-policy": _POLICY})

    def code(_: Request) -> Response:
        return Response(script, media_type="text/javascript")

    return Starlette(routes=[Route("/", page), Route("/script.js", code)])


def test_a_page_that_does_nothing_wrong_is_fine(visit: Visit, watch: Watch) -> None:
    with Serving(
        page_of("<h1>Hello</h1><img alt='' src='data:image/gif;base64,R0lGODlhAQABAAAAACw='>")
    ) as server:
        assert visit(server.url).inner_text("h1") == "Hello"
    assert watch.complaints == []


@pytest.mark.parametrize(
    ("html", "script", "complaint"),
    [
        ("<img onerror=alert(1) src=data:,>", "", r"Content Security Policy.*script-src"),
        ("<p style='color: red'>", "", r"Content Security Policy.*style-src"),
        (
            "<img src=http://elsewhere.test/spy.png>",
            "",
            r"request to another server: http://elsewhere\.test/spy",
        ),
        (
            "",
            "fetch('http://198.51.100.1/').catch(() => {})",
            r"request to another server: http://198\.51\.100",
        ),
        ("", "new WebSocket('ws://127.0.0.1:9')", r"request to another server: http://127\.0\.0\.1:9/"),
        ("<img src=/missing.png>", "", r"console error: .*404.*missing\.png"),
        ("", "fetch('http://127.0.0.1:9').catch(() => {})", r"request failed: http://127\.0\.0\.1:9/"),
        ("", "nothing.at.all", "exception: nothing is not defined"),
        ("", "Promise.reject(new Error('lost'))", "exception: lost"),
        ("", "alert('boo')", "dialog: boo"),
    ],
)
def test_what_a_page_must_not_do_is_noticed(
    visit: Visit, watch: Watch, html: str, script: str, complaint: str
) -> None:
    with Serving(page_of(html, script)) as server:
        page = visit(server.url)
        for _ in range(1_000):  # requests fail when they fail
            if any(re.search(complaint, it) for it in watch.complaints):
                break
            page.evaluate("() => new Promise(requestAnimationFrame)")
        else:
            pytest.fail(f"not noticed; but {watch.complaints}")
    watch.expect("")
