"""Who may use the API, and what a browser is told."""

import asyncio

import httpx
import pytest

from ollama_rx.web import ollama_api
from ollama_rx.web.ollama_api.allowed_origins import AllowedOrigins


class Api(httpx.AsyncBaseTransport):
    """The API in front of a server that answers everything with 200."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.app = ollama_api(self)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(200, headers={"vary": "Accept"}, content=b"{}")


@pytest.fixture
def api() -> Api:
    return Api()


def ask(
    api: Api, headers: list[tuple[str, str]], *, method: str = "GET", path: str = "/api/version"
) -> httpx.Response:
    async def main() -> httpx.Response:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(api.app), base_url="http://localhost"
        ) as http:
            return await http.request(method, path, headers=headers)

    return asyncio.run(main())


OURS = ["localhost", "LOCALHOST:1", "127.0.0.1:11434", "127.9.9.9", "[::1]:11434", "localhost."]
MORE_OF_OURS = [
    "0.0.0.0",  # noqa: S104 - not listened on
    "10.1.2.3:80",
    "192.168.0.9",
    "[fd00::1]",
    "box.local",
    "a.b.internal",
    "x.localhost:3",
]
OTHERS = ["evil.example", "localhost.evil.example", "8.8.8.8", "[2001:db8::1]", "local", "localhost:x", "a b"]


@pytest.mark.parametrize("host", [*OURS, *MORE_OF_OURS])
def test_a_name_that_ollama_lets_in_is_let_in(api: Api, host: str) -> None:
    assert ask(api, [("host", host)]).status_code == 200


def test_the_name_of_the_machine_is_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "workstation")
    assert ask(Api(), [("host", "workstation:11434")]).status_code == 200


@pytest.mark.parametrize("host", OTHERS)
def test_another_name_is_refused(api: Api, host: str) -> None:
    response = ask(api, [("host", host)])
    assert response.status_code == 403
    assert response.json() == {"error": f"this server is not called {host}"}
    assert not api.requests


def test_two_names_are_refused(api: Api) -> None:
    response = ask(api, [("host", "localhost"), ("host", "localhost")])
    assert (response.status_code, response.json()) == (400, {"error": "too many Host headers"})


LOCAL = [
    "http://localhost:3000",
    "https://127.0.0.1",
    "HTTP://LOCALHOST:1",
    "app://obsidian.md",
    "tauri://localhost",
]
APPS = ["vscode-webview://1a2b", "chrome-extension://abcd", "moz-extension://abcd", "http://0.0.0.0:8080"]


@pytest.mark.parametrize("origin", [*LOCAL, *APPS])
def test_a_page_of_this_machine_may_use_it(api: Api, origin: str) -> None:
    response = ask(api, [("origin", origin)])
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == origin
    assert response.headers["vary"] == "Origin"


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example", "http://local"]
)
def test_a_page_of_others_may_not(api: Api, origin: str) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        response = ask(api, [("origin", origin)], method=method)
        assert response.status_code == 403
        assert response.json() == {"error": f"pages of {origin} may not use this server"}
        assert "access-control-allow-origin" not in response.headers
    assert not api.requests


def test_a_page_of_its_own_address_may_and_needs_no_permission(api: Api) -> None:
    response = ask(api, [("host", "box.local:80"), ("origin", "http://box.local:80")])
    assert response.status_code == 200
    assert "access-control-allow-origin" not in response.headers


def test_a_browser_that_asks_first_is_told_what_a_page_may_send(api: Api) -> None:
    headers = [("origin", "http://localhost:3000"), ("access-control-request-method", "POST")]
    response = ask(api, headers, method="OPTIONS", path="/api/chat")
    assert (response.status_code, response.content) == (204, b"")
    told = {name: response.headers[f"access-control-{name}"] for name in ("allow-origin", "max-age")}
    assert told == {"allow-origin": "http://localhost:3000", "max-age": "43200"}
    assert "POST" in response.headers["access-control-allow-methods"]
    assert "Content-Type" in response.headers["access-control-allow-headers"]
    assert not api.requests


def test_a_question_without_a_page_is_answered(api: Api) -> None:
    assert ask(api, [], method="OPTIONS", path="/api/chat").status_code == 204


def test_all_pages_can_be_allowed() -> None:
    everybody = AllowedOrigins(["*"])
    assert everybody.has("https://any.example")
    assert everybody.headers("https://any.example") == {"access-control-allow-origin": "*"}


def test_origins_may_have_one_wildcard() -> None:
    allowed = AllowedOrigins(["https://*.Chat.example", "http://one.example/"])
    found = {
        origin: allowed.has(origin)
        for origin in (
            "https://a.chat.example",
            "https://chat.example",
            "http://one.example",
            "http://two.example",
        )
    }
    assert list(found.values()) == [True, False, True, False]
    assert not AllowedOrigins(["https://chat.*.chat.example"]).has("https://chat.chat.example")


@pytest.mark.parametrize("wrong", ["chat.example", "", "http://*.*"])
def test_something_else_than_an_origin_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="allowed_origins: expected origins such as"):
        AllowedOrigins([wrong])
