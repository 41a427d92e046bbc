"""No message of httpx, h11 or a socket reaches a user as it is."""

import errno
import os

import httpx
import pytest

from ollama_rx import Client, IncompleteStreamError
from ollama_rx.testing import FakeOllama, answer, cut
from ollama_rx.transport.failure_words import connect_words, failure_words

URL = "http://ollama.example"
REFUSED = os.strerror(errno.ECONNREFUSED)
NOT_HTTP = f"what {URL} sends is not HTTP"
CUT = "peer closed connection without sending complete message body (incomplete chunked read)"


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (f"[Errno {errno.ECONNREFUSED}] Connect call failed ('127.0.0.1', 1)", REFUSED),  # asyncio
        (f"[Errno {errno.ECONNREFUSED}] {REFUSED}", REFUSED),  # uvloop
        ("[Errno -2] Name or service not known", "Name or service not known"),
        (f"10.0.0.1: {REFUSED}; ::1: no answer", f"10.0.0.1: {REFUSED}; ::1: no answer"),
        (
            "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)",
            "the server does not speak TLS; try http:// instead of https://",
        ),
        ("", "ConnectError"),
    ],
)
def test_the_reason_for_no_connection_has_no_numbers_and_no_names_of_functions(
    message: str, words: str
) -> None:
    assert connect_words(httpx.ConnectError(message)) == words


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            httpx.RemoteProtocolError(CUT),
            f"the server {URL} hung up in the middle of the answer; see its log",
        ),
        (
            httpx.RemoteProtocolError("Server disconnected without sending a response."),
            f"the server {URL} hung up in the middle of the answer; see its log",
        ),
        (
            httpx.RemoteProtocolError("illegal chunk header: " + "z" * 200),
            f"{NOT_HTTP} (illegal chunk header: {'z' * 17}…{'z' * 40}); does the host point at Ollama?",
        ),
        (
            httpx.DecodingError("incorrect header check"),
            f"the compressed answer of {URL} cannot be read (incorrect header check)",
        ),
        (httpx.LocalProtocolError("bad header"), f"the request to {URL} cannot be sent (bad header)"),
        (httpx.ReadTimeout(""), f"the connection to {URL} timed out in the middle of the answer"),
        (
            httpx.ReadError(f"[Errno {errno.ECONNRESET}] reset"),
            f"the connection to {URL} broke in the middle of the answer (reset); see the server's log",
        ),
    ],
)
def test_a_failure_is_told_in_plain_words(error: Exception, words: str) -> None:
    assert failure_words(error, url=URL, answer_began=True) == words


def test_before_the_first_text_the_words_do_not_speak_of_the_middle() -> None:
    words = failure_words(httpx.RemoteProtocolError(CUT), url=URL, answer_began=False)
    assert words == f"the server {URL} hung up before the answer was complete; see its log"


def test_an_error_without_text_gets_the_reason_of_the_operating_system() -> None:
    error = httpx.ReadError("")
    error.__cause__ = RuntimeError()
    error.__cause__.__context__ = ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
    words = failure_words(error, url=URL, answer_began=False)
    assert "(Connection reset by peer)" in words


@pytest.mark.parametrize("by_httpx", [False, True])
def test_an_answer_that_is_cut_says_that_the_server_hung_up(by_httpx: bool) -> None:  # noqa: FBT001
    transport = httpx.AsyncHTTPTransport() if by_httpx else None
    with (
        FakeOllama(answer("Hel", cut())) as fake,
        Client(fake.url, model="m", transport=transport) as client,
        pytest.raises(IncompleteStreamError) as caught,
    ):
        client.generate("Hi").run()
    assert str(caught.value) == f"the server {fake.url} hung up in the middle of the answer; see its log"
