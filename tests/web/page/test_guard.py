"""The guard: who is let in, and how much; tested bare, as an ASGI application."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from typing import Any, cast

import pytest
from starlette.types import Message, Receive, Scope, Send

from ollama_rx.web import request_body
from ollama_rx.web.allowed_hosts import AllowedHosts
from ollama_rx.web.page.guard import Guard, Limits
from ollama_rx.web.server_shutdown import _end_all

HOST = "localhost:8000"
TOKEN = "secret"  # noqa: S105 - of these tests
OWN_PAGE = {"origin": f"http://{HOST}", "sec-fetch-site": "same-origin"}


class Application:
    """Answers every request with the body that it got; remembers what reached it."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []
        self.bodies: list[bytes] = []
        self.arrived = asyncio.Queue[None]()
        self.go_on = asyncio.Event()
        self.waits = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        self.arrived.put_nowait(None)
        if scope["type"] == "http":
            message = await receive()
            self.bodies.append(message.get("body", b""))
            assert not message.get("more_body")
            assert (await receive())["type"] == "http.disconnect"
            if self.waits:
                await self.go_on.wait()
            await send({"type": "http.response.start", "status": 200, "headers": [(b"x", b"y")]})
            await send({"type": "http.response.body", "body": b""})


class Sent:
    """What was sent for one request."""

    def __init__(self, messages: list[Message]) -> None:
        self.messages = messages
        start: Message = messages[0] if messages else {}
        self.status: int | None = start.get("status")
        self.type: str = start.get("type", "")
        self.headers = {
            name.decode(): value.decode()
            for name, value in cast("Iterable[tuple[bytes, bytes]]", start.get("headers", ()))
        }
        self.body: bytes = b"".join(message.get("body", b"") for message in messages)


def make_scope(
    path: str = "/api/state",
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    host: str | None = HOST,
    **more: object,
) -> MutableMapping[str, Any]:
    pairs = ({} if host is None else {"host": host}) | dict(headers or {})
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in pairs.items()]
    return {"type": "http", "path": path, "method": method, "headers": encoded, **more}


async def ask(guard: Guard, scope: Scope, *body: bytes) -> Sent:
    """Send a request, its body in pieces, and disconnect."""
    pieces = body or (b"",)
    incoming: list[Message] = [
        {"type": "http.request", "body": piece, "more_body": at < len(pieces) - 1}
        for at, piece in enumerate(pieces)
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        return incoming.pop(0) if incoming else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await guard(scope, receive, send)
    return Sent(sent)


def status(scope: Scope, *body: bytes, **options: Any) -> int | None:
    return asyncio.run(ask(Guard(Application(), **options), scope, *body)).status


# hosts


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:80", "127.0.0.1:8000", "127.1.2.3", "[::1]:8000", "[::1]", "localhost.:1"],
)
def test_this_machines_names_are_let_in(host: str) -> None:
    assert status(make_scope(host=host)) == 200
    assert status(make_scope("/", host=host)) == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:8000",
        "localhost.evil.example",
        "evil.example#localhost",
        "192.168.0.1",
        "[::2]",
        "0.0.0.0",  # noqa: S104 - not listened on
        "localhost:x",
        "localhost:8000:1",
        "[::1]evil",
        "127.0.0.1.evil.example",
        "127.1",
        "",
    ],
)
def test_a_name_that_somebody_else_made_point_here_is_refused_also_for_files(host: str) -> None:
    assert status(make_scope(host=host)) == 403
    assert status(make_scope("/", host=host)) == 403


def test_a_request_without_a_host_or_with_two_is_refused() -> None:
    assert status(make_scope(host=None)) == 403
    scope = make_scope()
    scope["headers"].append((b"host", HOST.encode()))
    assert status(scope) == 403


def test_further_hosts_can_be_allowed() -> None:
    allowed = ("Chat.Example", "10.0.0.0/8")
    for host, expected in {"chat.example:1": 200, "10.1.2.3": 200, "localhost": 403, "11.0.0.1": 403}.items():
        assert status(make_scope(host=host), allowed_hosts=AllowedHosts(allowed)) == expected


@pytest.mark.parametrize("wrong", ["*", "http://a.b", "a:80", "", "a b"])
def test_something_else_than_a_host_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="allowed_hosts: expected names"):
        AllowedHosts([wrong])


def test_one_host_must_be_in_a_list() -> None:
    with pytest.raises(TypeError, match="allowed_hosts: expected a list"):
        AllowedHosts("localhost")


# origins


@pytest.mark.parametrize(
    "headers",
    [
        {},
        OWN_PAGE,
        {"origin": f"https://{HOST}"},  # behind a proxy
        {"origin": f"HTTP://{HOST.upper()}"},
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
    ],
)
def test_the_page_itself_and_programs_are_let_in(headers: dict[str, str]) -> None:
    assert status(make_scope(headers=headers)) == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "http://localhost:3000"},
        {"origin": f"http://{HOST}.evil.example"},
        {"origin": f"http://{HOST}", "sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_another_page_is_refused(headers: dict[str, str]) -> None:
    for path, method in (("/api/state", "GET"), ("/api/x", "POST"), ("/", "POST"), ("/unknown", "GET")):
        assert status(make_scope(path, method=method, headers=headers)) == 403


def test_a_link_of_another_page_may_lead_to_this_one() -> None:
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert status(make_scope("/", headers=headers)) == 200
    assert status(make_scope("/static/page.js", headers=headers)) == 200


def test_what_a_user_types_into_the_address_field_cannot_change_anything() -> None:
    assert status(make_scope(method="DELETE", headers={"sec-fetch-site": "none"})) == 403


def test_an_application_below_a_path_is_guarded_too() -> None:
    scope = make_scope("/chat/api/state", headers={"origin": "http://evil.example"}, root_path="/chat")
    assert status(scope) == 403
    assert status(make_scope("/chat/", headers={"origin": "null"}, root_path="/chat")) == 200


# token


@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        ("Bearer secret", 200),
        ("bearer  secret", 200),
        ("Bearer wrong", 401),
        ("Bearer ", 401),
        ("Bearer secret2", 401),
        ("Basic secret", 401),
        ("secret", 401),
        ("Bearer s\xe9cret", 401),
        (None, 401),
    ],
)
def test_data_needs_the_token(authorization: str | None, expected: int) -> None:
    headers = {} if authorization is None else {"authorization": authorization}
    assert status(make_scope(headers=headers), token=TOKEN) == expected


def test_the_pages_files_need_no_token() -> None:
    assert status(make_scope("/"), token=TOKEN) == 200
    assert status(make_scope("/static/page.css", method="HEAD"), token=TOKEN) == 200


def test_a_refusal_says_why_in_words_and_has_all_headers() -> None:
    sent = asyncio.run(ask(Guard(Application(), token=TOKEN), make_scope()))
    assert sent.body == b'{"error":"The token is missing or wrong."}'
    assert sent.headers["www-authenticate"] == "Bearer"
    assert "content-security-policy" in sent.headers


# bodies


def post(*, length: object = None, content_type: str | None = "application/json") -> MutableMapping[str, Any]:
    headers = {} if content_type is None else {"content-type": content_type}
    if length is not None:
        headers["content-length"] = str(length)
    return make_scope("/api/conversations", method="POST", headers=headers)


def test_a_body_arrives_whole() -> None:
    application = Application()
    asyncio.run(ask(Guard(application), post(), b'{"a":', b"1}"))
    assert application.bodies == [b'{"a":1}']


@pytest.mark.parametrize(
    ("length", "pieces", "expected"),
    [
        (10, [b"x" * 10], 200),
        (11, [b"x" * 11], 413),
        (None, [b"x" * 6, b"x" * 5], 413),
        ("99999999999999999999999", [b""], 413),
        ("-1", [b""], 413),
    ],
)
def test_a_body_that_is_too_long_is_refused(length: object, pieces: list[bytes], expected: int) -> None:
    application = Application()
    sent = asyncio.run(ask(Guard(application, limits=Limits(body_bytes=10)), post(length=length), *pieces))
    assert sent.status == expected
    assert len(application.scopes) == (expected == 200)


def test_a_request_that_breaks_off_reaches_nobody() -> None:
    application = Application()

    async def scenario() -> list[Message]:
        sent: list[Message] = []
        incoming: list[Message] = [
            {"type": "http.request", "body": b"{", "more_body": True},
            {"type": "http.disconnect"},
        ]

        async def receive() -> Message:
            return incoming.pop(0)

        async def send(message: Message) -> None:
            sent.append(message)

        await Guard(application)(post(), receive, send)
        return sent

    assert asyncio.run(scenario())[0]["status"] == 400
    assert application.scopes == []


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data", None])
def test_a_body_that_any_form_could_send_is_refused(content_type: str | None) -> None:
    assert status(post(content_type=content_type), b"{}") == 415
    assert status(post(content_type=content_type)) == 200  # without a body


def test_the_type_of_a_body_may_have_parameters() -> None:
    assert status(post(content_type="Application/JSON; charset=utf-8"), b"{}") == 200


@pytest.mark.parametrize("wrong", [{"body_bytes": 0}, {"streams": 0}])
def test_wrong_limits_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Limits(**wrong)


# streams


def test_hundreds_of_readers_are_let_in_unless_they_are_limited() -> None:
    async def scenario() -> int | None:
        guard = Guard(Application())
        guard._open_streams = 300
        return (await ask(guard, make_scope("/api/conversations/1/events"))).status

    assert asyncio.run(scenario()) == 200


def test_so_many_streams_may_be_open_and_no_more() -> None:
    async def scenario() -> list[int | None]:
        application = Application()
        application.waits = True
        guard = Guard(application, limits=Limits(streams=2))
        scope = make_scope("/api/conversations/1/events")
        streams = [asyncio.create_task(ask(guard, scope)) for _ in range(2)]
        for _ in streams:
            await application.arrived.get()
        refused = await ask(guard, scope)
        assert refused.headers["retry-after"] == "5"
        application.go_on.set()
        accepted = [(await stream).status for stream in streams]
        return [refused.status, *accepted, (await ask(guard, scope)).status]

    assert asyncio.run(scenario()) == [503, 200, 200, 200]


def test_other_requests_are_let_in_while_all_streams_are_open() -> None:
    async def scenario() -> int | None:
        guard = Guard(Application(), limits=Limits(streams=1))
        guard._open_streams = 1
        return (await ask(guard, make_scope())).status

    assert asyncio.run(scenario()) == 200


# sockets


def make_socket(
    *, headers: Mapping[str, str] | None = None, protocols: Iterable[str] = (), extension: bool = True
) -> MutableMapping[str, Any]:
    scope = make_scope("/api/conversations/1/voice", headers=headers)
    del scope["method"]
    extensions: dict[str, object] = {"websocket.http.response": {}} if extension else {}
    more = {"type": "websocket", "subprotocols": list(protocols), "extensions": extensions}
    return {**scope, **more}


def reaches(scope: Scope, **options: Any) -> bool:
    application = Application()
    sent = asyncio.run(ask(Guard(application, **options), scope))
    assert sent.messages == [] or application.scopes == []
    return bool(application.scopes)


def test_a_socket_of_another_page_is_refused() -> None:
    assert reaches(make_socket(headers=OWN_PAGE))
    assert reaches(make_socket())
    assert not reaches(make_socket(headers={"origin": "http://evil.example"}))
    assert not reaches(make_socket(headers={"host": "evil.example"}))


def test_the_token_of_a_socket_is_the_name_of_a_protocol() -> None:
    assert reaches(make_socket(protocols=["ollama-rx", "token.secret"]), token=TOKEN)
    assert not reaches(make_socket(protocols=["ollama-rx", "token.wrong"]), token=TOKEN)
    assert not reaches(make_socket(protocols=["ollama-rx"]), token=TOKEN)
    assert not reaches(make_socket(headers={"authorization": "Bearer secret"}), token=TOKEN)


def test_a_refused_socket_gets_a_response_where_the_server_can_send_one() -> None:
    guard = Guard(Application(), limits=Limits(streams=1))
    guard._open_streams = 1
    sent = asyncio.run(ask(guard, make_socket()))
    assert (sent.type, sent.status) == ("websocket.http.response.start", 503)
    assert "content-security-policy" in sent.headers
    sent = asyncio.run(ask(guard, make_socket(extension=False)))
    assert sent.messages == [{"type": "websocket.close", "code": 1008}]


# headers


def test_every_response_has_the_headers_that_protect_the_page() -> None:
    sent = asyncio.run(ask(Guard(Application()), make_scope("/")))
    assert sent.headers.pop("x") == "y"
    assert sent.headers == {
        "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
        "img-src 'self' data:; connect-src 'self'; font-src 'self'; media-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
    }


def test_the_beginning_and_end_of_the_server_pass() -> None:
    application = Application()
    asyncio.run(ask(Guard(application), {"type": "lifespan"}))
    assert application.scopes == [{"type": "lifespan"}]


# bodies that do not arrive


async def ask_without_end(*, then: Callable[[], object] = lambda: None) -> Sent:
    """Send the beginning of a body, call a function, and send no more."""
    sent: list[Message] = []
    parts: list[Message] = [{"type": "http.request", "body": b"{", "more_body": True}]

    async def receive() -> Message:
        if parts:
            return parts.pop()
        then()
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    await Guard(Application())(post(), receive, send)
    return Sent(sent)


def test_a_body_that_stops_in_the_middle_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_body, "PAUSE_SECONDS", 0.0)
    answer = asyncio.run(ask_without_end())
    assert answer.status == 408
    assert answer.headers["connection"] == "close"


def test_a_server_that_shuts_down_waits_for_no_body() -> None:
    def shut_down() -> None:
        _end_all([])
        _end_all([])  # may be told twice

    assert asyncio.run(ask_without_end(then=shut_down)).status == 408


def test_a_shutdown_after_the_time_for_a_body_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_body, "PAUSE_SECONDS", 0.0)

    def shut_down_when_it_is_over() -> None:
        asyncio.get_running_loop().call_later(0, _end_all, list[None]())

    assert asyncio.run(ask_without_end(then=shut_down_when_it_is_over)).status == 408
