import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Iterable
from contextlib import closing
from pathlib import Path

import pytest
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Attribution, Info, TtsProgram, TtsVoice
from wyoming.ping import Pong
from wyoming.tts import Synthesize

from ollama_rx.speech import Audio
from ollama_rx.speech.engines.wyoming import Wyoming
from tests.speech.engines.wyoming_server import Connection, wyoming_server

PCM = bytes(range(200)) * 20
RATE = 22_050
Reply = Callable[[Connection], Awaitable[None]]


def events(*sent: AudioStart | AudioChunk | AudioStop | Error | Info | Pong | Event) -> Reply:
    async def reply(connection: Connection) -> None:
        for event in sent:
            await connection.write_event(event if isinstance(event, Event) else event.event())

    return reply


def chunk(pcm: bytes, *, rate: int = RATE, width: int = 2, channels: int = 1) -> AudioChunk:
    return AudioChunk(rate=rate, width=width, channels=channels, audio=pcm)


START = AudioStart(rate=RATE, width=2, channels=1)
whole = events(START, chunk(PCM), AudioStop())


async def hang(_: Connection) -> None:
    """Send nothing, and wait for the end of the connection."""


hang_in_audio = events(START, chunk(PCM))


def sends(data: bytes) -> Reply:
    async def reply(connection: Connection) -> None:
        await connection.send(data)
        connection.writer.close()

    return reply


def info(*voices: str) -> Info:
    credit = Attribution(name="", url="")
    tts_voices = [
        TtsVoice(
            name=voice, attribution=credit, installed=True, description=None, version=None, languages=["en"]
        )
        for voice in voices
    ]
    program = TtsProgram(
        name="piper", attribution=credit, installed=True, description=None, version=None, voices=tts_voices
    )
    return Info(tts=[program])


def pcm_of(pieces: Iterable[Audio]) -> bytes:
    return b"".join(piece.pcm for piece in pieces)


def said(url: str, *, timeout: float = 60) -> bytes:
    with Wyoming(url, timeout=timeout) as engine:
        return pcm_of(engine.synthesize("Hello."))


def in_thread(action: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=action)
    thread.start()
    return thread


def test_a_text_becomes_the_audio_of_the_server() -> None:
    with wyoming_server(whole) as server, Wyoming(server.url) as engine:
        pieces = list(engine.synthesize("Grüß\ndich, \ud83d!"))
    assert pcm_of(pieces) == PCM
    assert {piece.rate for piece in pieces} == {RATE}
    (request,) = map(Synthesize.from_event, server.requests)
    assert (request.text, request.voice) == ("Grüß dich,  !", None)


def test_the_voice_is_asked_for_by_its_name() -> None:
    with wyoming_server(whole) as server, Wyoming(server.url, voice="en_US-joe-medium") as engine:
        assert pcm_of(engine.synthesize("Hello.")) == PCM
    voice = Synthesize.from_event(server.requests[0]).voice
    assert voice is not None
    assert voice.name == "en_US-joe-medium"


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="Windows has no such sockets for Python")
def test_the_server_may_have_a_unix_socket(tmp_path: Path) -> None:
    with wyoming_server(whole, socket_path=f"{tmp_path}/s") as server:
        assert said(server.url) == PCM


def test_chunks_are_passed_on_in_whole_samples_and_other_events_are_ignored() -> None:
    reply = events(START, Pong(), chunk(b"abc"), chunk(b""), Pong(), chunk(b"def"), AudioStop())
    with wyoming_server(reply) as server, Wyoming(server.url) as engine:
        assert [piece.pcm for piece in engine.synthesize("Hello.")] == [b"ab", b"cdef"]


def test_audio_is_passed_on_before_the_rest_has_come() -> None:
    with wyoming_server(hang_in_audio) as server, Wyoming(server.url) as engine:
        pieces = engine.synthesize("Hello.")
        assert next(pieces).pcm == PCM
        pieces.close()
        assert server.left.wait(10)


@pytest.mark.parametrize(
    ("reply", "error", "message"),
    [
        (events(Error(text="No such voice", code="voice")), RuntimeError, "tcp://.* failed: No such voice$"),
        (events(START, chunk(PCM), Error(text="x" * 500)), RuntimeError, "failed: x+…x+$"),
        (events(Event("error")), ValueError, "sent a 'error' event without what belongs in it"),
        (events(START, AudioStop()), RuntimeError, "sent no audio"),
        (events(chunk(b"abc"), AudioStop()), ValueError, "ends within a sample"),
        (events(chunk(PCM, channels=2)), ValueError, "has 2 channels, 2 bytes per sample"),
        (events(chunk(PCM, width=4)), ValueError, "4 bytes per sample"),
        (
            events(Event("audio-chunk", {"rate": None, "width": None, "channels": None})),
            ValueError,
            "has None",
        ),
        (events(Event("audio-chunk")), ValueError, "sent a 'audio-chunk' event without what belongs in it"),
        (events(chunk(PCM), chunk(PCM, rate=8_000)), ValueError, "changes from 22050 to 8000"),
        (sends(b""), ConnectionError, "closed the connection before the end of the audio"),
        (
            sends(b'{"type": "audio-chunk", "data_length": 50}\n{"ra'),
            ConnectionError,
            "closed the connection",
        ),
        (
            sends(b'{"type": "audio-chunk", "payload_length": 50}\nabc'),
            ConnectionError,
            "closed the connection",
        ),
        (sends(b"HTTP/1.1 400 Bad Request\r\n\r\n"), ValueError, "does not speak Wyoming; check the port"),
        (sends(b"[]\n"), ValueError, "does not speak Wyoming"),
        (sends(b"{}\n"), ValueError, "does not speak Wyoming"),
        (sends(b'{"type": "pong", "data_length": "x"}\n'), ValueError, "does not speak Wyoming"),
    ],
)
def test_an_answer_that_cannot_be_played_is_an_error(
    reply: Reply, error: type[Exception], message: str
) -> None:
    with wyoming_server(reply) as server, pytest.raises(error, match=message):
        said(server.url)


def test_a_server_that_says_nothing_is_an_error() -> None:
    expected = r"sent nothing for 0\.05 s; see timeout="
    with wyoming_server(hang) as server, pytest.raises(TimeoutError, match=expected):
        said(server.url, timeout=0.05)


def test_a_server_that_is_not_running_is_an_error_also_when_the_engine_is_loaded() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        url = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
    with Wyoming(url) as engine:
        for attempt in (engine.load, engine.load, lambda: list(engine.synthesize("Hello."))):
            with pytest.raises(ConnectionError, match=rf"cannot reach {url} \(.+\); is the server running\?"):
                attempt()


# loading


def test_loading_lets_the_server_say_something_once() -> None:
    with wyoming_server(events(Pong(), info("joe")), whole) as server, Wyoming(server.url) as engine:
        engine.load()
        engine.load()
        assert engine.rate == RATE
    assert [request.type for request in server.requests] == ["describe", "synthesize"]


def test_loading_accepts_a_voice_that_is_not_in_the_list_if_the_server_does() -> None:
    with wyoming_server(events(info("joe")), whole) as server, Wyoming(server.url, voice="alias") as engine:
        engine.load()
        assert engine.rate == RATE


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        (info("joe", "amy"), "does not have the voice 'bob'; it has amy, joe$"),
        (info(*"gfedcba"), "it has a, b, c, d, e, …$"),
        (Info(), "a Wyoming server without text-to-speech; check the port"),
        (Event("info", {"tts": [{}]}), "sent a 'info' event without what belongs in it"),
    ],
)
def test_loading_refuses_a_wrong_voice_or_server(listed: Info | Event, message: str) -> None:
    with (
        wyoming_server(events(listed), events(Error(text="bob"))) as server,
        Wyoming(server.url, voice="bob") as engine,
        pytest.raises(ValueError, match=message),
    ):
        engine.load()


@pytest.mark.parametrize(("voice", "voices"), [(None, ["joe"]), ("joe", ["joe"]), ("joe", [])])
def test_loading_says_what_the_server_says_if_the_voice_is_not_the_reason(
    voice: str | None, voices: list[str]
) -> None:
    with (
        wyoming_server(events(info(*voices)), events(Error(text="out of memory"))) as server,
        Wyoming(server.url, voice=voice) as engine,
        pytest.raises(RuntimeError, match="failed: out of memory"),
    ):
        engine.load()


# stopping


@pytest.mark.parametrize("reply", [hang, hang_in_audio])
def test_stop_wakes_a_call_that_waits_and_the_next_one_works(reply: Reply) -> None:
    with wyoming_server(reply, whole) as server, Wyoming(server.url) as engine:
        received: list[Audio] = []
        thread = in_thread(lambda: received.extend(engine.synthesize("Hello.")))
        assert server.received.wait(10)
        engine.stop()
        thread.join(10)
        assert not thread.is_alive()
        assert server.left.wait(10)
        assert pcm_of(received) in {b"", PCM}
        assert pcm_of(engine.synthesize("Hello.")) == PCM


def test_closing_ends_a_call_that_waits_also_with_a_server_that_does_not_read() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as deaf:
        engine = Wyoming(f"tcp://127.0.0.1:{deaf.getsockname()[1]}")
        thread = in_thread(lambda: list(engine.synthesize("Hello. " * 2_000_000)))
        accepted, _ = deaf.accept()
        with accepted:
            engine.close()
            thread.join(10)
        assert not thread.is_alive()


# arguments


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("tcp://127.0.0.1:10300", ("127.0.0.1", 10_300)),
        ("tcp://piper.local", ("piper.local", 10_200)),
        ("tcp://[::1]:5", ("::1", 5)),
    ],
)
def test_the_port_is_piper_s_if_the_url_has_none(url: str, address: tuple[str, int]) -> None:
    assert Wyoming(url)._address == address
    assert Wyoming()._address == ("127.0.0.1", 10_200)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"url": "127.0.0.1:10200"},
            ValueError,
            "url: expected a URL such as 'tcp://127.0.0.1:10200' or 'unix:",
        ),
        ({"url": "http://127.0.0.1"}, ValueError, "url: expected"),
        ({"url": "tcp://"}, ValueError, "url: expected"),
        ({"url": "tcp://host:port"}, ValueError, "url: expected"),
        ({"url": "tcp://[::1"}, ValueError, "url: expected"),
        ({"url": "unix://"}, ValueError, "url: expected"),
        ({"url": None}, TypeError, "url: expected text, got NoneType"),
        ({"voice": 5}, TypeError, "voice: expected text, got int"),
        ({"timeout": -1}, ValueError, "timeout: expected a number of seconds above 0"),
    ],
)
def test_wrong_arguments_are_refused(
    options: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Wyoming(**options)  # type: ignore[arg-type]


def test_a_missing_extra_is_an_error_that_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wyoming", None)
    with pytest.raises(ImportError, match=r'Wyoming needs wyoming: pip install "ollama-rx\[wyoming\]"'):
        Wyoming()
