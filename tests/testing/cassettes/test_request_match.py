"""Which recorded exchange a request gets, and what is said if there is none."""

from pathlib import Path

import pytest

from ollama_rx import CassetteError
from ollama_rx.testing.cassettes.recorded_exchange import (
    RecordedExchange,
    RecordedLine,
    RecordedRequest,
    Recording,
)
from ollama_rx.testing.cassettes.request_match import RequestMatch


def match(*requests: RecordedRequest, texts: bool = True) -> RequestMatch:
    return RequestMatch(
        Path("a.cassette"), Recording(texts, [RecordedExchange(request) for request in requests])
    )


def chat(*contents: str, **fields: object) -> RecordedRequest:
    messages = [{"role": "user", "content": content} for content in contents]
    return RecordedRequest("POST", "/api/chat", {"model": "m", "messages": messages, **fields})


@pytest.mark.parametrize("path", ["/api/chat", "/prefix/api/chat", "/api/chat?x=1"])
@pytest.mark.parametrize(
    "body",
    [
        b'{"messages":[{"content":"Hi","role":"user"}],"model":"m"}',
        b' {"model" :\r\n"m",\t"messages":[ {"role":"user","content":"\\u0048i"} ] }\n',
    ],
)
def test_prefix_query_order_of_fields_and_space_do_not_matter(path: str, body: bytes) -> None:
    assert match(chat("Hi")).find(RecordedRequest.of("POST", path, body)).request == chat("Hi")


def test_a_password_is_neither_kept_nor_compared() -> None:
    bodies = [b'{"model":"m","username":"ada","password":"%b"}' % word for word in (b"Sesame", b"other")]
    recorded, sent = (RecordedRequest.of("POST", "/api/push", body) for body in bodies)
    assert recorded.body == {"model": "m"}
    assert match(recorded).find(sent).request == recorded


def test_the_case_of_a_password_s_field_does_not_matter_as_in_go() -> None:
    assert RecordedRequest.of("POST", "/api/pull", b'{"model":"m","Password":"Sesame"}').body == {
        "model": "m"
    }


@pytest.mark.parametrize(
    "body",
    [
        b'{"username":"Sesame","Password" : "Ses\\"ame","model":"m"} and more',
        b'{"model":"\\ud800","password":"Sesame"}',
        b'{"password":"Sesame\nSesame"}',
        b'{"password":"Sesame',
        b'{"password":"Sesame\\',
        b'{"model":NaN,"password":"Sesame","x":' + b"[" * 2000 + b"]" * 2000 + b"}",
    ],
)
def test_a_password_in_a_body_that_is_not_json_is_not_kept(body: bytes) -> None:
    kept = RecordedRequest.of("POST", "/api/pull", body).body
    assert isinstance(kept, str)
    assert "ame" not in kept.replace("username", "")
    assert kept[-1:] == body.decode()[-1:] or kept.endswith(':"')


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/key/v1/models", "/v1/models"),
        ("/key/api/v1", "/api/v1"),
        ("/api/key/api/chat", "/api/chat"),
        ("/key/api/v1/models", "/v1/models"),
        ("/api/blobs/sha256:1", "/api/blobs/sha256:1"),
        ("/key/", "/"),
        ("/", "/"),
    ],
)
def test_the_prefix_of_a_host_is_not_kept(path: str, kept: str) -> None:
    assert RecordedRequest.of("GET", path, None).path == kept


@pytest.mark.parametrize(("recorded", "sent"), [({}, {"stream": True}), ({"stream": True}, {})])
def test_streaming_is_the_default(recorded: dict[str, object], sent: dict[str, object]) -> None:
    assert match(chat("Hi", **recorded)).find(chat("Hi", **sent)).request == chat("Hi", **recorded)


def test_a_whole_response_is_not_played_for_a_stream() -> None:
    with pytest.raises(CassetteError, match="the nearest has stream False where this has nothing"):
        match(chat("Hi", stream=False)).find(chat("Hi", stream=True))


def test_a_body_that_is_not_json_is_compared_as_text() -> None:
    request = RecordedRequest.of("POST", "/api/chat", b"{broken")
    assert match(request).find(RecordedRequest.of("POST", "/api/chat", b"{broken")).request.body == "{broken"


@pytest.mark.parametrize(
    ("recorded", "sent", "message"),
    [
        ([], chat("Hi"), "it has no POST /api/chat; it is empty"),
        (
            [RecordedRequest("GET", "/api/tags"), RecordedRequest("GET", "/api/ps")],
            chat("Hi"),
            "it has no POST /api/chat, only GET /api/ps, GET /api/tags",
        ),
        ([chat("Hi")], chat("Ho"), "the nearest has messages[0].content 'Hi' where this has 'Ho'"),
        ([chat("Hi")], chat("Hi", "you"), "the nearest has messages with 1 in it where this has 2"),
        ([chat("Hi")], chat("Hi", think=True), "the nearest has think nothing where this has True"),
        ([chat("Hi", think=True)], chat("Hi"), "the nearest has think True where this has nothing"),
        ([chat("a", x=1), chat("b")], chat("c"), "the nearest has messages[0].content 'b' where this"),
        (
            [RecordedRequest("POST", "/api/chat", "text")],
            RecordedRequest("POST", "/api/chat"),
            "the nearest has a body 'text' where this has None",
        ),
    ],
)
def test_a_request_that_is_not_in_the_cassette_is_told_what_differs(
    recorded: list[RecordedRequest], sent: RecordedRequest, message: str
) -> None:
    with pytest.raises(CassetteError) as raised:
        match(*recorded).find(sent)
    assert message in str(raised.value)


def test_a_message_shows_only_a_part_of_long_texts() -> None:
    with pytest.raises(CassetteError) as raised:
        match(chat("a" * 1000)).find(chat("b" * 1000))
    assert len(str(raised.value)) < 400


def test_without_texts_a_request_is_compared_without_its_own() -> None:
    assert match(chat("xx"), texts=False).find(chat("Hi")).request == chat("xx")


def test_the_models_are_those_of_the_requests() -> None:
    requests = [
        chat("Hi"),
        RecordedRequest("GET", "/api/tags"),
        RecordedRequest("POST", "/api/pull", {"model": "n"}),
    ]
    assert match(*requests).models == {"m", "n"}


@pytest.mark.parametrize(("speed", "times"), [(1, [6, 8, 10]), (2, [3, 4, 5]), (None, [0, 0, 0])])
def test_all_times_of_an_exchange_are_divided_by_the_speed(speed: float | None, times: list[float]) -> None:
    lines = [RecordedLine(8, b"{}")]
    exchange = RecordedExchange(RecordedRequest("GET", "/api/tags"), head_ms=6, lines=lines, end_ms=10)
    played = exchange.at_speed(speed)
    assert [played.head_ms, *(line.ms for line in played.lines), played.end_ms] == times
