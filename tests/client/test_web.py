"""Web search and web fetch go to Ollama's service, and the key goes nowhere else."""

import asyncio

import httpx
import pytest

from ollama_rx import (
    Client,
    ClientClosedError,
    Conversation,
    Host,
    StatusError,
    UnauthorizedError,
    WebPage,
    WebSearchResult,
    WebSearchResults,
)
from ollama_rx import operators as op
from ollama_rx.embedded import embedded
from ollama_rx.testing import FakeOllama

RESULT = {"title": "Ollama", "url": "https://ollama.com", "content": "Get up and running.", "score": 1}
PAGE = {"title": "Ollama", "content": "# Ollama", "links": ["https://ollama.com/models", 5]}


class Internet:
    """Records all requests of a client, and answers the two of the service."""

    def __init__(self, status: int = 200) -> None:
        self.requests: list[httpx.Request] = []
        self.transport = httpx.MockTransport(self._answer)
        self._status = status

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self._status != 200:
            return httpx.Response(self._status, json={"error": "unauthorized"})
        if request.url.path == "/api/web_search":
            return httpx.Response(200, json={"results": [RESULT, None]})
        if request.url.path == "/api/web_fetch":
            return httpx.Response(200, json=PAGE)
        return httpx.Response(200, json={"version": "1"})


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("OLLAMA_API_KEY", "secret")
    return "Bearer secret"


def test_a_search_gives_the_pages_that_it_found(key: str) -> None:
    internet = Internet()
    with Client(transport=internet.transport) as client:
        found = client.web_search("ollama", 1).run()
    assert found.results == (WebSearchResult("Ollama", "https://ollama.com", "Get up and running.", RESULT),)
    assert found.results[0].raw["score"] == 1
    [request] = internet.requests
    assert str(request.url) == "https://ollama.com/api/web_search"
    assert request.content == b'{"query":"ollama","max_results":1}'
    assert request.headers["authorization"] == key
    assert request.headers["host"] == "ollama.com"


def test_a_search_asks_for_three_pages(key: str) -> None:
    internet = Internet()
    with Client(transport=internet.transport) as client:
        assert isinstance(client.web_search("ollama").run(), WebSearchResults)
    assert internet.requests[0].content == b'{"query":"ollama","max_results":3}'
    assert internet.requests[0].headers["authorization"] == key


@pytest.mark.usefixtures("key")
def test_a_page_is_fetched_as_text() -> None:
    async def fetch() -> WebPage:
        async with Client(transport=internet.transport) as client:
            return await client.web_fetch("https://ollama.com")

    internet = Internet()
    page = asyncio.run(fetch())
    assert page == WebPage("Ollama", "# Ollama", ("https://ollama.com/models",), PAGE)
    assert str(internet.requests[0].url) == "https://ollama.com/api/web_fetch"
    assert internet.requests[0].content == b'{"url":"https://ollama.com"}'


def test_the_headers_of_another_server_stay_there_and_the_key_is_not_sent_there(key: str) -> None:
    internet = Internet()
    own = {"authorization": "Bearer mine", "x-team": "blue"}
    with Client("http://example.com", headers=own, transport=internet.transport) as client:
        client.web_search("a").run()
        client.version().run()
    searched, asked = internet.requests
    assert (searched.url.host, searched.headers["authorization"]) == ("ollama.com", key)
    assert "x-team" not in searched.headers
    assert (asked.url.host, asked.headers["authorization"]) == ("example.com", "Bearer mine")


def test_a_password_for_another_server_stays_there(key: str) -> None:
    internet = Internet()
    with Client("http://ada:pass@example.com", transport=internet.transport) as client:
        client.web_search("a").run()
    assert internet.requests[0].headers["authorization"] == key


def test_the_authorization_of_a_client_for_the_service_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OLLAMA_API_KEY", raising=False)
    internet = Internet()
    own = {"Authorization": "Bearer mine"}
    with Client("https://ollama.com", headers=own, transport=internet.transport) as client:
        client.web_search("a").run()
    assert internet.requests[0].headers["authorization"] == "Bearer mine"


@pytest.mark.parametrize(
    ("host", "headers"),
    [
        ("https://ollama.com", {}),
        ("http://ollama.com", {"authorization": "Bearer mine"}),
        ("http://example.com", {"authorization": "Bearer mine"}),
        ("https://ollama.com.example.com", {"authorization": "Bearer mine"}),
        ("https://ollama.com:8443", {"authorization": "Bearer mine"}),
    ],
)
def test_without_a_key_for_the_service_nothing_is_sent(
    host: str, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OLLAMA_API_KEY", raising=False)
    internet = Internet()
    with Client(host, headers=headers, transport=internet.transport) as client:
        with pytest.raises(ValueError, match="need a key: set OLLAMA_API_KEY, or"):
            client.web_search("a")
        with pytest.raises(ValueError, match="need a key"):
            client.web_fetch("https://example.com")
    assert not internet.requests


@pytest.mark.usefixtures("key")
def test_a_wrong_key_is_an_error_of_the_stream() -> None:
    stream = Client(transport=Internet(401).transport).web_search("a")
    with pytest.raises(UnauthorizedError, match="set OLLAMA_API_KEY"):
        stream.run()


@pytest.mark.usefixtures("key")
def test_a_closed_client_searches_no_more() -> None:
    client = Client()
    stream = client.web_search("a")
    client.close()
    with pytest.raises(ClientClosedError):
        stream.run()


@pytest.mark.usefixtures("key")
def test_two_searches_share_their_connections() -> None:
    async def close() -> None:
        await client.aclose()

    client = Client()
    client.web_search("a")
    transport = next(iter(client._session._other_transports.values()))  # pyright: ignore[reportPrivateUsage]
    client.web_search("b")
    assert list(client._session._other_transports.values()) == [transport]  # pyright: ignore[reportPrivateUsage]
    asyncio.run(close())


def test_the_embedded_model_says_that_it_does_not_search(key: str) -> None:
    assert key
    with (
        Client(transport=embedded()) as client,
        pytest.raises(StatusError, match="does not offer /api/web_search"),
    ):
        client.web_search("a").run()


def test_a_server_on_this_machine_never_gets_the_key(key: str) -> None:
    assert key
    with FakeOllama() as fake, Client(fake.url) as client:
        client.version().run()
        assert "authorization" not in fake.requests[0].headers


@pytest.mark.usefixtures("key")
def test_a_model_on_this_machine_searches_with_a_tool() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "ollama.com":
            return internet.transport.handle_request(request)
        asked.append(request.content)
        call = {"function": {"name": "web_search", "arguments": {"query": "ollama"}}}
        message: dict[str, object] = {"role": "assistant", "content": "Found."}
        if len(asked) == 1:
            message = {"role": "assistant", "content": "", "tool_calls": [call]}
        return httpx.Response(
            200, json={"model": "m", "message": message, "done": True, "done_reason": "stop"}
        )

    def web_search(query: str) -> str:
        """Search the web."""
        return client.web_search(query).run().results[0].content

    asked: list[bytes] = []
    internet = Internet()
    with Client(model="m", transport=httpx.MockTransport(answer)) as client:
        talk = Conversation(client, tools=[web_search])
        assert talk.say("What is Ollama?").pipe(op.text(), op.join_text()).run() == "Found."
    assert [message.content for message in talk.messages if message.role == "tool"] == [RESULT["content"]]
    assert len(internet.requests) == 1


@pytest.mark.usefixtures("key")
def test_a_search_uses_the_key_of_the_host_that_is_the_service() -> None:
    internet = Internet()
    hosts: list[str | Host] = [
        "http://a",
        Host("https://ollama.com", headers={"authorization": "Bearer mine"}),
    ]
    with Client(hosts=hosts, transport=internet.transport) as client:
        client.web_search("a").run()
        client.sticky().web_search("a").run()
        client.on_host("https://ollama.com").web_search("a").run()
        client.on_host("http://a").web_search("a").run()
    sent = [(request.url.host, request.headers["authorization"]) for request in internet.requests]
    assert sent == [("ollama.com", "Bearer mine")] * 3 + [("ollama.com", "Bearer secret")]
