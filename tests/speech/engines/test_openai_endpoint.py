import logging
import socket
import struct
import threading
from collections.abc import Callable, Iterable
from contextlib import closing

import pytest
from reactivex import of

from ollama_rx import deliver
from ollama_rx.speech import Audio, Pacer, Speech
from ollama_rx.speech.engines.openai_endpoint import OpenAiEndpoint
from tests.speech.engines.speech_server import Exchange, SpeechServer, speech_server

KEY = "sk-very-secret"
PCM = bytes(range(200)) * 20


def wav(pcm: bytes, *, rate: int = 16_000, channels: int = 1) -> bytes:
    described = struct.pack("<HHIIHH", 1, channels, rate, 2 * rate, 2, 16)
    chunks = b"WAVEfmt " + struct.pack("<I", len(described)) + described + b"data" + b"\xff" * 4 + pcm
    return b"RIFF" + b"\xff" * 4 + chunks


def whole(exchange: Exchange) -> None:
    exchange.answer(PCM)


def hang(exchange: Exchange) -> None:
    exchange.wait_until_left()


def hang_in_audio(exchange: Exchange) -> None:
    exchange.begin()
    exchange.send(PCM)
    exchange.wait_until_left()


def answers(
    body: bytes, kind: str | None, status: int = 200, location: str | None = None
) -> Callable[[Exchange], None]:
    return lambda exchange: exchange.answer(body, kind, status=status, location=location)


def engine_for(server: SpeechServer, **options: object) -> OpenAiEndpoint:
    return OpenAiEndpoint(server.url, **({"model": "kokoro", "voice": "heart"} | options))  # type: ignore[arg-type]


def pcm_of(pieces: Iterable[Audio]) -> bytes:
    return b"".join(piece.pcm for piece in pieces)


def said(server: SpeechServer, **options: object) -> bytes:
    with engine_for(server, **options) as engine:
        return pcm_of(engine.synthesize("Hello."))


def in_thread(action: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=action)
    thread.start()
    return thread


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


# what is sent


def test_tags_that_the_server_understands_are_sent_and_others_left_out() -> None:
    with speech_server(whole) as server, engine_for(server, tags=["spell"]) as engine:
        speech = Speech(engine, Pacer(), tags=["spell", "emotion"])
        deliver(of("<spell>NASA</spell> said<emotion value='joy'/> so."), speech).wait()
    assert server.requests[-1].body["input"] == "<spell>NASA</spell> said so."


def test_the_names_of_tags_are_a_list() -> None:
    with pytest.raises(TypeError, match="tags"):
        OpenAiEndpoint("http://127.0.0.1", model="kokoro", voice="heart", tags="spell")


def test_the_request_is_the_one_of_openai_s_documentation() -> None:
    with speech_server(whole) as server, engine_for(server) as engine:
        assert pcm_of(engine.synthesize("Grüß dich!")) == PCM
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/v1/audio/speech")
    assert request.headers["content-type"] == "application/json"
    assert "authorization" not in request.headers
    assert request.body == {
        "model": "kokoro",
        "voice": "heart",
        "response_format": "pcm",
        "input": "Grüß dich!",
    }


def test_speed_and_format_are_sent_if_they_are_given() -> None:
    with speech_server(answers(wav(PCM), "audio/wav")) as server:
        engine = engine_for(server, speed=1.5, response_format="wav")
        with engine:
            assert {piece.rate for piece in engine.synthesize("Hello.")} == {16_000}
    assert server.requests[0].body["speed"] == 1.5
    assert server.requests[0].body["response_format"] == "wav"


def test_text_that_json_cannot_hold_is_made_sendable() -> None:
    with speech_server(whole) as server, engine_for(server) as engine:
        assert pcm_of(engine.synthesize("a\ud83db\x00c\nd")) == PCM
    assert server.requests[0].body["input"] == "a b c d"


@pytest.mark.parametrize(
    ("added", "path"),
    [
        ("", "/v1/audio/speech"),
        ("/", "/v1/audio/speech"),
        ("/v1", "/v1/audio/speech"),
        ("/v1/", "/v1/audio/speech"),
        ("/v1/audio/speech", "/v1/audio/speech"),
        ("/v1/audio/speech/", "/v1/audio/speech"),
        ("/openai/v1", "/openai/v1/audio/speech"),
        ("/tts", "/tts/v1/audio/speech"),
        ("/audio/speech?api-version=2", "/audio/speech?api-version=2"),
        ("#part", "/v1/audio/speech"),
    ],
)
def test_the_url_may_be_the_server_the_version_or_the_whole_path(added: str, path: str) -> None:
    with speech_server(whole) as server:
        engine = OpenAiEndpoint(server.url + added, model="m", voice="v")
        with engine:
            list(engine.synthesize("Hello."))
    assert server.requests[0].path == path


def test_one_connection_serves_all_texts() -> None:
    with speech_server(whole) as server, engine_for(server) as engine:
        engine.load()
        engine.load()
        for _ in range(3):
            list(engine.synthesize("Hello."))
    assert len({request.client for request in server.requests}) == 1
    assert [request.method for request in server.requests] == ["HEAD", "POST", "POST", "POST"]


def test_a_closed_engine_connects_again() -> None:
    with speech_server(whole) as server:
        engine = engine_for(server)
        for _ in range(2):
            with engine:
                engine.load()
                assert pcm_of(engine.synthesize("Hello.")) == PCM
    assert len({request.client for request in server.requests}) == 2


# what comes back


def test_audio_is_passed_on_as_it_arrives_in_whole_samples() -> None:
    go_on = threading.Semaphore(0)

    def in_pieces(exchange: Exchange) -> None:
        exchange.begin()
        for piece in (b"abc", b"d", b"ef"):
            exchange.send(piece)
            assert go_on.acquire(timeout=10)
        exchange.end()

    with speech_server(in_pieces) as server, engine_for(server) as engine:
        pieces = engine.synthesize("Hello.")
        for expected in (b"ab", b"cd", b"ef"):
            piece = next(pieces)
            assert (piece.pcm, piece.rate, piece.words) == (expected, 24_000, ())
            go_on.release()
        assert list(pieces) == []


@pytest.mark.parametrize(
    ("kind", "body", "rate"),
    [
        ("audio/pcm", PCM, 24_000),
        ("audio/pcm;rate=22050", PCM, 22_050),
        ("audio/pcm; rate=44100; channels=1", PCM, 44_100),
        ("application/octet-stream", PCM, 24_000),
        (None, PCM, 24_000),
        ("audio/wav", wav(PCM), 16_000),
        ("audio/x-wav", wav(PCM), 16_000),
        ("audio/pcm;rate=22050", wav(PCM), 16_000),
        ("application/octet-stream", wav(PCM), 16_000),
    ],
)
def test_the_rate_is_that_of_the_file_of_the_type_or_openai_s(
    kind: str | None, body: bytes, rate: int
) -> None:
    with speech_server(answers(body, kind)) as server, engine_for(server) as engine:
        pieces = list(engine.synthesize("Hello."))
    assert pcm_of(pieces) == PCM
    assert {piece.rate for piece in pieces} == {rate}


@pytest.mark.parametrize(
    ("kind", "body", "options", "error", "message"),
    [
        (
            "audio/mpeg",
            b"ID3",
            {},
            ValueError,
            "answered with audio/mpeg instead of pcm; try another response_f",
        ),
        ("audio/ogg; codecs=opus", b"OggS", {}, ValueError, "audio/ogg; codecs=opus instead of pcm"),
        ("audio/pcm", b"", {}, RuntimeError, "sent no audio; check the model and the voice"),
        ("audio/wav", wav(b""), {}, RuntimeError, "sent no audio"),
        ("audio/pcm", b"abc", {}, ValueError, "ends within a sample"),
        ("audio/pcm;rate=0000", PCM, {}, ValueError, "0 samples a second"),
        ("application/octet-stream", b"ID3" + PCM, {}, ValueError, "a compressed file"),
        ("audio/wav", wav(PCM, channels=2), {}, ValueError, "has 2 channels"),
        ("audio/wav", b"what?", {"response_format": "wav"}, ValueError, "does not begin with the header"),
        (
            "application/json",
            b'{"error": {"message": "No such voice"}}',
            {},
            RuntimeError,
            "answered with application/json instead of audio: No such voice$",
        ),
        ("text/html; charset=utf-8", b"<html>", {}, RuntimeError, "instead of audio: an HTML page$"),
        ("text/plain", b" ", {}, RuntimeError, "instead of audio: no reason given$"),
    ],
)
def test_an_answer_that_cannot_be_played_is_an_error(
    kind: str, body: bytes, options: dict[str, object], error: type[Exception], message: str
) -> None:
    with speech_server(answers(body, kind)) as server, pytest.raises(error, match=message):
        said(server, **options)


@pytest.mark.parametrize(
    ("status", "kind", "body", "message"),
    [
        (
            401,
            "application/json",
            b'{"error": {"message": "Incorrect API key provided", "code": "invalid_api_key"}}',
            "HTTP 401 from http://.*/v1/audio/speech: Incorrect API key provided; pass the server's key",
        ),
        (
            404,
            "text/html",
            b"<html>Not here</html>",
            "HTTP 404 .* an HTML page; check the url, the model and the",
        ),
        (404, "application/json", b'{"detail": "Not Found"}', "Not Found; check the url"),
        (
            400,
            "application/json",
            b'{"detail": {"error": "validation_error", "message": "Voice x not found. Available: y"}}',
            "Voice x not found. Available: y; the model or the voice may be unknown",
        ),
        (
            422,
            "application/json",
            b'{"detail": [{"loc": ["body"], "msg": "?"}]}',
            r'\[\{"loc":\["body"\],"msg"',
        ),
        (
            429,
            "application/json",
            b'{"error": "slow down"}',
            "slow down; too many requests, or no credit left$",
        ),
        (500, "application/json", b'{"code": 1}', r'HTTP 500 .*: {"code":1}$'),
        (500, "text/plain", b"out\n of   memory", "out of memory$"),
        (500, "text/plain", b"", "no reason given$"),
        (502, "text/plain", b"x" * 200_000, "x…x"),
    ],
)
def test_a_refusal_is_an_error_with_the_reason_and_what_to_do(
    status: int, kind: str, body: bytes, message: str
) -> None:
    with (
        speech_server(answers(body, kind, status)) as server,
        pytest.raises(RuntimeError, match=message) as caught,
    ):
        said(server)
    assert len(str(caught.value)) < 300


def test_an_answer_that_is_cut_is_an_error_after_the_audio_that_came() -> None:
    def cut(exchange: Exchange) -> None:
        exchange.answer(PCM, announced=10 * len(PCM))

    with speech_server(cut, whole) as server, engine_for(server) as engine:
        pieces = engine.synthesize("Hello.")
        assert next(pieces).pcm
        with pytest.raises(ConnectionError, match="broke off before the end of the audio"):
            list(pieces)
        assert pcm_of(engine.synthesize("Hello.")) == PCM


def test_a_server_that_hangs_up_without_an_answer_is_an_error() -> None:
    expected = "broke off before the end of the audio"
    with speech_server(Exchange.break_off) as server, pytest.raises(ConnectionError, match=expected):
        said(server)


def test_a_request_on_a_connection_that_the_server_has_closed_meanwhile_is_repeated_once() -> None:
    replies = [whole, Exchange.break_off, whole, whole, Exchange.break_off, Exchange.break_off]
    with speech_server(*replies) as server, engine_for(server) as engine:
        for _ in range(3):
            assert pcm_of(engine.synthesize("Hello.")) == PCM
        with pytest.raises(ConnectionError, match="broke off"):
            list(engine.synthesize("Hello."))
    assert len(server.requests) == len(replies)


def test_a_server_that_says_nothing_is_an_error() -> None:
    expected = r"sent nothing for 0\.05 s; see timeout="
    with speech_server(hang) as server, pytest.raises(TimeoutError, match=expected):
        said(server, timeout=0.05)


def test_a_server_that_is_not_running_is_an_error_also_when_the_engine_is_loaded() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    with OpenAiEndpoint(f"http://127.0.0.1:{port}", model="m", voice="v") as engine:
        expected = rf"cannot reach http://127.0.0.1:{port}/v1/audio/speech \(.*\); is the server running\?"
        for attempt in (engine.load, engine.load, lambda: list(engine.synthesize("Hello."))):
            with pytest.raises(ConnectionError, match=expected):
                attempt()


# the key


def test_the_key_is_sent_to_its_host() -> None:
    with speech_server(whole) as server, engine_for(server, key=f" {KEY}\n") as engine:
        list(engine.synthesize("Hello."))
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with speech_server(whole) as other:
        target = f"{other.url}/{KEY}"
        expected = f"HTTP {status} .*: a redirect to {other.url}/…, which is not followed; if that is"
        with (
            speech_server(answers(b"", "text/plain", status, location=target)) as server,
            pytest.raises(RuntimeError, match=expected),
        ):
            said(server, key=KEY)
    assert other.requests == []


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("https://api.openai.com", True),
        ("https://api.openai.com/v1", True),
        ("https://API.openai.com:443/v1", True),
        ("http://api.openai.com", False),
        ("https://api.openai.com.example", False),
        ("https://api.openai.com:8443", False),
        ("http://127.0.0.1:8880", False),
    ],
)
def test_the_key_of_the_environment_is_for_openai_only(
    url: str,
    sent: bool,  # noqa: FBT001 - a column of the table
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    engine = OpenAiEndpoint(url, model="tts-1", voice="alloy")
    assert engine._key == (KEY if sent else None)


@pytest.mark.parametrize("key", ["", " ", None])
def test_an_empty_key_is_no_key(key: str | None) -> None:
    with speech_server(whole) as server, engine_for(server, key=key) as engine:
        list(engine.synthesize("Hello."))
    assert "authorization" not in server.requests[0].headers


def test_the_key_is_in_no_text(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    refusals = [
        answers(f'{{"error": "wrong key: {KEY}"}}'.encode(), "application/json", 401),
        answers(f"Bearer {KEY}".encode(), "text/plain"),
    ]
    with speech_server(*refusals) as server, engine_for(server, key=KEY) as engine:
        texts = [repr(engine), str(engine)]
        for _ in refusals:
            with pytest.raises(RuntimeError) as caught:
                list(engine.synthesize("Hello."))
            texts.append(f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}")
    assert not [text for text in (*texts, caplog.text) if KEY in text]


# stopping


@pytest.mark.parametrize("reply", [hang, hang_in_audio])
def test_stop_wakes_a_call_that_waits_and_the_next_one_works(reply: Callable[[Exchange], None]) -> None:
    with speech_server(reply, whole) as server, engine_for(server) as engine:
        received: list[Audio] = []
        thread = in_thread(lambda: received.extend(engine.synthesize("Hello.")))
        assert server.received.wait(10)
        engine.stop()
        thread.join(10)
        assert not thread.is_alive()
        assert server.left.wait(10)
        assert PCM.startswith(pcm_of(received))
        assert pcm_of(engine.synthesize("Hello.")) == PCM


def test_stop_wakes_a_call_that_connects() -> None:
    with closing(socket.socket()) as full:  # a connection is accepted by nobody: its handshake waits forever
        full.bind(("127.0.0.1", 0))
        full.listen()
        url = f"https://127.0.0.1:{full.getsockname()[1]}"
        with OpenAiEndpoint(url, model="m", voice="v") as engine:
            thread = in_thread(engine.load)
            accepted, _ = full.accept()
            with accepted:
                accepted.settimeout(10)
                engine.stop()
                thread.join(10)
                assert not thread.is_alive()
                while accepted.recv(65_536):
                    pass  # what the handshake began with; then the connection is closed


def test_the_request_of_a_text_that_is_left_is_closed() -> None:
    with speech_server(hang_in_audio) as server, engine_for(server) as engine:
        pieces = engine.synthesize("Hello.")
        assert next(pieces).pcm
        pieces.close()
        assert server.left.wait(10)


def test_closing_ends_a_text_that_waits_for_its_listener() -> None:
    with speech_server(hang_in_audio, whole) as server:
        engine = engine_for(server)
        pieces = engine.synthesize("Hello.")
        assert next(pieces).pcm
        engine.close()
        assert server.left.wait(10)
        assert list(pieces) == []
        with engine:
            assert pcm_of(engine.synthesize("Hello.")) == PCM


def test_closing_ends_a_call_that_waits() -> None:
    with speech_server(hang) as server:
        engine = engine_for(server)
        thread = in_thread(lambda: list(engine.synthesize("Hello.")))
        assert server.received.wait(10)
        engine.close()
        thread.join(10)
        assert not thread.is_alive()
        assert server.left.wait(10)


# arguments


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"url": "127.0.0.1:8880"},
            ValueError,
            "url: expected a URL such as 'http://127.0.0.1:8880', got '127",
        ),
        ({"url": "localhost:8880"}, ValueError, "url: expected a URL such as"),
        ({"url": "ftp://host"}, ValueError, "url: expected a URL such as"),
        ({"url": "http://"}, ValueError, "url: expected a URL such as"),
        ({"url": "http://host:port"}, ValueError, "url: expected a URL such as"),
        ({"url": 5}, TypeError, "url: expected text, got int"),
        ({"model": ""}, ValueError, "model: expected a name that the server knows, got ''"),
        ({"model": None}, TypeError, "model: expected text"),
        ({"voice": ""}, ValueError, "voice: expected a name"),
        ({"speed": 0.2}, ValueError, r"speed: expected a factor from 0\.25 to 4, got 0\.2"),
        ({"speed": 4.5}, ValueError, "speed: expected a factor"),
        ({"speed": True}, TypeError, "speed: expected a factor"),
        ({"timeout": 0}, ValueError, "timeout: expected a number of seconds above 0"),
        ({"response_format": "mp3"}, ValueError, "response_format: expected one of 'pcm', 'wav', got 'mp3'"),
        ({"key": 5}, TypeError, "key: expected text, got int"),
    ],
)
def test_wrong_arguments_are_refused(
    options: dict[str, object], error: type[Exception], message: str
) -> None:
    arguments = {"url": "http://127.0.0.1:8880", "model": "m", "voice": "v"} | options
    with pytest.raises(error, match=message):
        OpenAiEndpoint(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options",
    [{"key": f"{KEY}\nX-Header: 1"}, {"key": f"{KEY}ü"}, {"url": f"http://user:{KEY}@127.0.0.1:8880"}],
)
def test_a_refused_secret_is_not_shown(options: dict[str, object]) -> None:
    arguments = {"url": "http://127.0.0.1:8880", "model": "m", "voice": "v"} | options
    with pytest.raises(ValueError, match="expected") as caught:
        OpenAiEndpoint(**arguments)  # type: ignore[arg-type]
    assert KEY not in str(caught.value)
