"""`websocket` on real sockets: a stream, or a talk with a voice, for one client after the other."""

import asyncio
import contextlib
import socket as sockets
import threading
from collections.abc import Awaitable, Callable, Generator, Iterator
from functools import partial
from typing import Any, cast

import orjson
import pytest
from fastapi import FastAPI
from reactivex import Observable, abc, create, interval, of
from reactivex import operators as rx
from reactivex.disposable import Disposable
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket
from websockets.exceptions import ConnectionClosed
from websockets.frames import Close
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from ollama_rx import Client, Conversation
from ollama_rx import operators as op
from ollama_rx.protocol.json_fields import JsonObject
from ollama_rx.speech import Speech, SpeechEngine, SpeechOutput
from ollama_rx.testing import FakeOllama, answer, cut, endless, thinking
from ollama_rx.web import websocket
from ollama_rx.web.sockets import client_socket, socket_outbox
from tests.conversation.strict_model import chats
from tests.speech.voices import RATE, TIMEOUT, Letters, SlowToLoad
from tests.web import serving

pytestmark = pytest.mark.usefixtures("no_thread_left")

Serve = Callable[[WebSocket], Awaitable[None]]


class WatchedApp:
    """An ASGI application that checks how it uses each connection."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self._tasks: set[asyncio.Task[Any]] = set()
        self.ended = threading.Semaphore(0)
        self.sent = threading.Semaphore(0)
        self.faults: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        before = asyncio.all_tasks()
        thread = threading.get_ident()
        is_sending = False

        async def watched_send(message: Message) -> None:
            nonlocal is_sending
            if is_sending or threading.get_ident() != thread:
                self.faults.append(f"{message['type']} while another was being sent")
            is_sending = True
            try:
                await send(message)
            finally:
                is_sending = False
                self.sent.release()

        try:
            await self._serve(WebSocket(scope, receive, watched_send))
        finally:
            left = asyncio.all_tasks() - before
            self.faults += [f"{task} is left" for task in left if "ollama_rx" in repr(task)]
            self.ended.release()


class Browser:
    """A client of the other side's making."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.pcm = b""
        self.frames: list[JsonObject] = []

    def send(self, **frame: object) -> None:
        self.connection.send(orjson.dumps(frame).decode())

    def ask(self, text: str) -> None:
        self.send(type="prompt", text=text)

    def next_frame(self) -> JsonObject | None:
        """Return the next event; None if it is audio."""
        received = self.connection.recv(TIMEOUT)
        if isinstance(received, bytes):
            self.pcm += received
            return None
        self.frames.append(orjson.loads(received))
        return self.frames[-1]

    def wait_for(self, kind: str, *, of_answer: bool | None = None) -> JsonObject:
        """Return the data of the next event of a kind."""
        while (frame := self.next_frame()) is None or frame["event"] != kind:
            pass
        if of_answer is not None:
            assert ("id" in frame) is of_answer
        return cast(JsonObject, frame["data"])

    def wait_for_audio(self, seconds: float) -> None:
        while len(self.pcm) < 2 * RATE * seconds:
            self.next_frame()

    def until_closed(self) -> Close:
        """Read until the server closes the connection."""
        with pytest.raises(ConnectionClosed) as closed:
            self._read_for_ever()
        assert closed.value.rcvd is not None
        return closed.value.rcvd

    def _read_for_ever(self) -> None:
        while True:
            self.next_frame()

    @property
    def text(self) -> str:
        """The text of all answers."""
        return "".join(str(frame["data"]["text"]) for frame in self.frames if frame["event"] == "text")

    @property
    def kinds(self) -> list[str]:
        return [str(frame["event"]) for frame in self.frames]


@contextlib.contextmanager
def served(app: ASGIApp) -> Generator[str]:
    """Serve an app; return the address of its WebSocket."""
    with serving.served(app) as url:
        yield url.replace("http", "ws") + "/"


@contextlib.contextmanager
def opened(serve: Serve) -> Generator[Browser]:
    app = WatchedApp(serve)
    with served(app) as url:
        with connect(url, proxy=None, ping_interval=None) as connection:
            yield Browser(connection)
        assert app.ended.acquire(timeout=TIMEOUT)
    assert app.faults == []


@pytest.fixture
def fake() -> Iterator[FakeOllama]:
    with FakeOllama() as server:
        yield server


@pytest.fixture
def client(fake: FakeOllama) -> Iterator[Client]:
    with Client(fake.url, model="m") as client:
        yield client


@pytest.fixture
def talk(client: Client) -> Conversation:
    return Conversation(client)


def text_only(talk: Conversation) -> Serve:
    return lambda socket: websocket(talk.say, socket)


def with_voice(talk: Conversation, engine: SpeechEngine | None = None) -> Serve:
    voice = partial(Speech, engine or Letters(), pause=0.1)
    return lambda socket: websocket(talk.say, socket, voice=voice, heard=talk.heard)


def contents(fake: FakeOllama, request: int) -> list[str]:
    return [message["content"] for message in cast(list[Any], chats(fake)[request].json["messages"])]


def test_answers_arrive_as_events_one_prompt_after_the_other(fake: FakeOllama, talk: Conversation) -> None:
    fake.play(answer(thinking("Hm"), "Hel", "lo."), answer("Bye."))
    with opened(text_only(talk)) as browser:
        browser.ask("Hello?")
        assert browser.wait_for("done") == {"reason": "completed"}
        assert browser.kinds == ["thinking", "text", "text", "stats", "done"]
        run, _, _ = str(browser.frames[0]["id"]).partition("-")
        assert [frame["id"] for frame in browser.frames] == [f"{run}-{number}" for number in range(1, 6)]
        browser.ask("Bye?")
        browser.wait_for("done")
        assert browser.text == "Hello.Bye."
    assert contents(fake, 1) == ["Hello?", "Hello.", "Bye?"]


def test_a_stream_is_sent_at_once_and_takes_no_prompts() -> None:
    with opened(lambda socket: websocket(of("a", {"b": 1}), socket)) as browser:
        assert browser.wait_for("done") == {"reason": "completed"}
        assert browser.kinds == ["text", "item", "done"]
        browser.ask("More?")
        assert browser.wait_for("error", of_answer=False)["message"] == "this connection takes no prompts"


def test_stop_closes_the_request_and_the_connection_stays(fake: FakeOllama, talk: Conversation) -> None:
    fake.play(answer("One", endless(" more", every=0.005)), answer("Two"))
    with opened(text_only(talk)) as browser:
        browser.send(type="stop")  # there is nothing to stop
        browser.ask("Count")
        browser.wait_for("text")
        browser.send(type="stop")
        assert browser.wait_for("done") == {"reason": "stopped"}
        fake.wait_for_disconnect()
        browser.ask("Go on")
        assert browser.wait_for("done") == {"reason": "completed"}
    assert contents(fake, 1)[1].startswith("One")


@pytest.mark.parametrize("kind", ["prompt", "interrupt"])
def test_without_a_voice_an_interruption_stops_the_model(
    kind: str, fake: FakeOllama, talk: Conversation
) -> None:
    fake.play(answer("One", endless(" more", every=0.005)), answer("Two"))
    with opened(text_only(talk)) as browser:
        browser.ask("Count")
        browser.wait_for("text")
        browser.send(type="interrupt", resume=True)  # a false alarm
        browser.wait_for("text")
        browser.send(type=kind, text="Go on")
        assert browser.wait_for("done") == {"reason": "stopped"}
        fake.wait_for_disconnect()
        if kind == "interrupt":
            browser.ask("Go on")
        assert browser.wait_for("done") == {"reason": "completed"}
        assert browser.text.endswith("Two")


def test_errors_of_an_answer_are_events_of_it(fake: FakeOllama, talk: Conversation) -> None:
    fake.play(answer("One", cut()), answer("Two"))
    with opened(text_only(talk)) as browser:
        browser.ask("Count")
        assert browser.wait_for("error", of_answer=True)["type"] == "IncompleteStreamError"
        browser.ask("Again")
        browser.wait_for("done")


def test_a_client_that_vanishes_stops_the_model_and_the_voice(fake: FakeOllama, talk: Conversation) -> None:
    fake.play(answer("One two. ", endless("and so on. ", every=0.005)))
    engine = Letters(wait_at="so")
    with opened(with_voice(talk, engine)) as browser:
        browser.ask("Count")
        browser.wait_for("speech")
        browser.connection.socket.shutdown(sockets.SHUT_RDWR)
        fake.wait_for_disconnect()
        assert engine.gate.wait(TIMEOUT)


def test_an_answer_is_said_in_real_time(fake: FakeOllama, talk: Conversation) -> None:
    fake.play(answer("Hi Al. ", "Yes."))
    with opened(with_voice(talk)) as browser:
        browser.ask("Hello")
        browser.wait_for("speech_end")
        assert len(browser.pcm) == pytest.approx(2 * RATE * (0.5 + 0.4 + 2 * 0.1), abs=40)
        begun, ended = (frame for frame in browser.frames if "Hi" in str(frame["data"].get("said")))
        assert (begun["data"]["end"], ended["data"]["end"]) == (None, pytest.approx(0.6, abs=0.01))
        assert browser.kinds.count("word") == 3
        assert [kind for kind in browser.kinds if kind.startswith("speech")] == ["speech", "speech_end"]


def test_the_history_keeps_what_was_played_before_an_interruption(
    fake: FakeOllama, talk: Conversation
) -> None:
    fake.play(answer("One two three. ", endless("And so on. ", every=0.005)), answer("Yes."))
    with opened(with_voice(talk)) as browser:
        browser.ask("Count")
        browser.wait_for_audio(0.75)
        browser.send(type="interrupt", played=0.7)
        fake.wait_for_disconnect()
        assert browser.wait_for("interrupted", of_answer=False) == {"heard": "One two"}
        browser.ask("Go on")
        browser.wait_for("speech_end")
    assert contents(fake, 1) == ["Count", "One two", "Go on"]


def test_a_prompt_silences_the_answer_before(fake: FakeOllama, talk: Conversation) -> None:
    fake.play(answer("One two three. ", endless("And so on. ", every=0.005)), answer("Yes."))
    with opened(with_voice(talk)) as browser:
        browser.ask("Count")
        browser.wait_for("word")
        browser.ask("Stop")
        heard = browser.wait_for("interrupted")["heard"]
        browser.wait_for("speech_end")
    assert "One two three.".startswith(str(heard))
    assert contents(fake, 1) == ["Count", heard, "Stop"]


def test_after_a_false_alarm_the_voice_goes_on(fake: FakeOllama, talk: Conversation) -> None:
    fake.play(answer("One two three four. Yes."))
    with opened(with_voice(talk)) as browser:
        browser.ask("Count")
        browser.wait_for_audio(0.5)
        browser.send(type="interrupt", played=0.4, resume=True)
        assert browser.wait_for("interrupted") == {"heard": "One"}
        while browser.wait_for("sentence")["said"] != "Yes.":
            pass
        browser.wait_for("speech_end")
    assert talk.messages[-1].content == "One two three four. Yes."


def test_stop_silences_the_voice_and_keeps_what_has_arrived(fake: FakeOllama, talk: Conversation) -> None:
    fake.play(answer("One two three four five six."))
    with opened(with_voice(talk)) as browser:
        browser.ask("Count")
        browser.wait_for("word")
        browser.send(type="stop")
        browser.wait_for("interrupted")
    assert talk.messages[-1].content == "One two three four five six."


def test_a_prompt_after_the_end_of_the_voice_changes_nothing_of_the_answer(
    fake: FakeOllama, talk: Conversation
) -> None:
    fake.play(answer("Yes."), answer("No."))
    with opened(with_voice(talk)) as browser:
        browser.send(type="interrupt")
        assert browser.wait_for("interrupted") == {"heard": ""}
        browser.ask("One")
        browser.wait_for("speech_end")
        browser.send(type="interrupt")
        assert browser.wait_for("interrupted") == {"heard": "Yes."}
        browser.ask("Two")
        browser.wait_for("speech_end")
        assert not talk.messages[1].cut
        browser.send(type="interrupt", played=0)
        browser.wait_for("interrupted")
    assert talk.messages[-1].content == ""


def test_the_voice_is_loaded_before_the_first_prompt(talk: Conversation) -> None:
    engine = SlowToLoad(OSError("no lungs"))
    engine.may_load.set()
    with opened(with_voice(talk, engine)) as browser:
        assert browser.wait_for("error", of_answer=False)["message"] == "slow to load: no lungs"


def test_a_voice_that_fails_leaves_the_text(fake: FakeOllama, talk: Conversation) -> None:
    fake.play(answer("One. Two."))
    with opened(with_voice(talk, Letters(error_at="One."))) as browser:
        browser.ask("Count")
        assert browser.wait_for("error", of_answer=False)["message"] == "letters: no breath"
        if "done" not in browser.kinds:
            browser.wait_for("done")
        assert browser.text == "One. Two."


def test_a_stream_of_other_things_has_a_voice_for_its_text() -> None:
    stream: Observable[Any] = of("Hi.", {"a": 1}, "")
    voice = partial(Speech, Letters())
    with opened(lambda socket: websocket(stream, socket, voice=voice)) as browser:
        browser.wait_for("speech_end")
    assert [frame["data"]["said"] for frame in browser.frames if frame["event"] == "sentence"] == ["Hi."] * 2


def test_a_stream_that_sends_everything_when_it_is_subscribed_to_is_said_too() -> None:
    def subscribe(observer: abc.ObserverBase[str], _: abc.SchedulerBase | None) -> abc.DisposableBase:
        observer.on_next("Hi.")
        observer.on_completed()
        return Disposable()

    voice = partial(Speech, Letters())
    with opened(lambda socket: websocket(create(subscribe), socket, voice=voice)) as browser:
        browser.wait_for("speech_end")
        assert browser.text == "Hi."


def _no_voice(_: SpeechOutput) -> Speech:
    raise ImportError("pip install a voice")


def _not_heard(_: str) -> None:
    raise OSError("the disk is full")


def _not_a_stream(_: str) -> Any:
    return 5


@pytest.mark.parametrize(
    ("arguments", "log"),
    [
        ({"stream": _not_heard}, "a prompt has failed: the disk is full"),
        ({"stream": _not_a_stream}, "a prompt has failed: stream: expected an Observable, got int"),
        ({"voice": _no_voice}, "there is no voice: pip install a voice"),
        (
            {"voice": partial(Speech, Letters()), "heard": _not_heard},
            "what was heard cannot be noted: the disk is full",
        ),
    ],
)
def test_what_fails_in_a_function_of_the_application_is_logged_and_not_told(
    arguments: dict[str, Any], log: str, caplog: pytest.LogCaptureFixture
) -> None:
    given: dict[str, Any] = {"stream": of, **arguments}
    with opened(lambda socket: websocket(socket=socket, **given)) as browser:
        browser.ask("one two three")
        browser.send(type="interrupt", played=0)
        message = browser.wait_for("error", of_answer=False)["message"]
        assert "its log says why" in str(message)
        browser.send(type="interrupt", played=-1)
        browser.wait_for("error")
    assert log in caplog.text


@pytest.mark.parametrize("frame", [b"\0\0", "Hello", '{"type": "dance"}', '"' + "x" * 1_000_000 + '"'])
def test_a_bad_frame_gets_an_error_and_the_connection_stays(
    frame: str | bytes, fake: FakeOllama, talk: Conversation
) -> None:
    fake.play(answer("Yes."))
    with opened(text_only(talk)) as browser:
        browser.connection.send(frame)
        assert browser.wait_for("error", of_answer=False)["type"] == "InvalidFrame"
        browser.ask("Are you there?")
        browser.wait_for("done")
        assert browser.text == "Yes."


def test_a_client_that_sends_too_many_frames_is_limited_and_dropped(
    fake: FakeOllama, talk: Conversation
) -> None:
    fake.play(answer("One", endless(" more", every=0.005)))
    with opened(text_only(talk)) as browser:
        browser.ask("Count")
        with contextlib.suppress(ConnectionClosed):
            for _ in range(2_000):
                browser.connection.send("flood")
        closed = browser.until_closed()
        assert (closed.code, closed.reason) == (1008, "too many frames")
        errors = [frame["data"]["type"] for frame in browser.frames if frame["event"] == "error"]
        assert errors.count("TooManyFrames") == 1
        assert errors.count("InvalidFrame") < 100
        fake.wait_for_disconnect()


def test_a_client_that_never_reads_is_dropped_and_harms_nobody(
    fake: FakeOllama, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_outbox, "STALLED_SECONDS", 0.3)
    fake.play(answer(endless("x" * 50_000)), answer("Yes."))
    with (
        served(WatchedApp(lambda socket: websocket(Conversation(client).say, socket))) as url,
        connect(url, proxy=None, ping_interval=None, compression=None, max_queue=1, max_size=None) as deaf,
        connect(url, proxy=None, ping_interval=None) as other,
    ):
        Browser(deaf).ask("Count")
        fake.wait_for_disconnect()
        browser = Browser(other)
        browser.ask("Are you there?")
        browser.wait_for("done")
        assert Browser(deaf).until_closed().code == 1013


_HANDSHAKE = b"""GET / HTTP/1.1\r
Host: localhost\r
Upgrade: websocket\r
Connection: Upgrade\r
Sec-WebSocket-Version: 13\r
Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r
\r
"""


@pytest.mark.parametrize("end", ["of the client", "of the server", "of its patience"])
def test_what_a_client_does_not_take_keeps_no_server_waiting(
    end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if end == "of its patience":
        monkeypatch.setattr(socket_outbox, "STALLED_SECONDS", 0.05)
        monkeypatch.setattr(client_socket, "_CLOSING_SECONDS", 0.05)
    much = interval(0.01).pipe(rx.map(lambda _: "x" * 10_000_000), rx.take(5))
    app = WatchedApp(lambda socket: websocket(much, socket))
    with contextlib.ExitStack() as to_the_end:
        with served(app) as url:
            address = ("127.0.0.1", int(url[:-1].split(":")[2]))
            deaf = to_the_end.enter_context(sockets.create_connection(address))
            deaf.sendall(_HANDSHAKE)
            for _ in "accept", "text":
                assert app.sent.acquire(timeout=TIMEOUT)
            if end == "of the client":
                deaf.sendall(b"\x88\x80mask")  # a closing frame
            if end != "of the server":
                assert app.ended.acquire(timeout=TIMEOUT)
            in_vain = threading.Timer(TIMEOUT, deaf.close)  # lets the server end too late
            in_vain.start()
        assert in_vain.is_alive()
        in_vain.cancel()
    assert app.faults == []


def test_the_end_of_the_server_stops_the_model(fake: FakeOllama, talk: Conversation) -> None:
    fake.play(answer("One", endless(" more", every=0.005)))
    app = WatchedApp(text_only(talk))
    with served(app) as url, contextlib.ExitStack() as stack:
        browser = Browser(stack.enter_context(connect(url, proxy=None, ping_interval=None)))
        browser.ask("Count")
        browser.wait_for("text")
        stack.pop_all()
    fake.wait_for_disconnect()
    assert app.faults == []


def test_a_task_that_is_cancelled_stops_the_model_and_leaves_nothing(
    fake: FakeOllama, talk: Conversation
) -> None:
    fake.play(answer("One two. ", endless("And so on. ", every=0.005)))
    prompt = {"type": "websocket.receive", "text": '{"type": "prompt", "text": "Count"}'}

    async def run() -> None:
        from_client = asyncio.Queue[Message]()
        for message in ({"type": "websocket.connect"}, prompt):
            from_client.put_nowait(message)
        audio = asyncio.Event()

        async def send(message: Message) -> None:
            if "bytes" in message:
                audio.set()

        socket = WebSocket({"type": "websocket"}, from_client.get, send)
        serving = asyncio.ensure_future(with_voice(talk)(socket))
        async with asyncio.timeout(TIMEOUT):
            await audio.wait()
            serving.cancel()
            with pytest.raises(asyncio.CancelledError):
                await serving
        assert not any("ollama_rx/web" in repr(task) for task in asyncio.all_tasks())

    asyncio.run(run())
    fake.wait_for_disconnect()


def test_it_works_in_fastapi_with_a_socket_that_was_accepted(fake: FakeOllama, talk: Conversation) -> None:
    app = FastAPI()

    @app.websocket("/")
    async def chat(socket: WebSocket) -> None:
        await socket.accept(subprotocol="chat")
        await websocket(lambda text: talk.say(text).pipe(op.text()), socket)

    fake.play(answer("Yes."))
    with (
        served(app) as url,
        connect(url, proxy=None, ping_interval=None, subprotocols=[Subprotocol("chat")]) as connection,
    ):
        browser = Browser(connection)
        browser.ask("Are you there?")
        browser.wait_for("done")
        assert browser.kinds == ["text", "done"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"stream": 5}, "stream: expected an Observable, or a function from a prompt to one, got int"),
        (
            {"stream": asyncio.sleep},
            "stream: expected a function that returns an Observable, got a coroutine function",
        ),
        ({"socket": 5}, "socket: expected a WebSocket, got int"),
        ({"voice": 5}, "voice: expected a function that makes a Speech, got int"),
        ({"heard": 5}, "heard: expected a function, got int"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    async def receive() -> Message:
        raise AssertionError

    async def send(_: Message) -> None:
        raise AssertionError

    right: dict[str, Any] = {"stream": of("a"), "socket": WebSocket({"type": "websocket"}, receive, send)}
    with pytest.raises(TypeError) as caught:
        asyncio.run(websocket(**{**right, **arguments}))
    assert str(caught.value) == message
