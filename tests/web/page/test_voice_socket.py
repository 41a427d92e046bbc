"""The voice of a tab, over a WebSocket on a real socket."""

import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from ollama_rx.speech import Speech, SpeechOutput
from ollama_rx.testing import FakeOllama, Gate, answer, endless
from ollama_rx.web.sockets import voice_channel
from tests.speech.voices import RATE, Letters, SlowToLoad
from tests.web.page.conftest import Browser, OpenPage

pytestmark = pytest.mark.usefixtures("no_thread_left")


@pytest.fixture
def _in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let audio be heard as soon as it is sent."""

    def unpaced(output: SpeechOutput, *, ahead: float) -> SpeechOutput:
        assert ahead > 0
        return output

    monkeypatch.setattr(voice_channel, "Pacer", unpaced)


@pytest.fixture
def engine() -> Letters:
    return Letters(wait_at="wait.")


@pytest.fixture
def page(open_page: OpenPage, engine: Letters) -> Browser:
    return open_page(voice=partial(Speech, engine, pause=None))


class Tab:
    """What a tab with the voice on receives."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.pcm = b""

    def send(self, **frame: object) -> None:
        self._socket.send(json.dumps(frame))

    def send_raw(self, frame: str | bytes) -> None:
        self._socket.send(frame)

    def frames(self) -> Iterator[dict[str, Any]]:
        """Yield the events; collect the audio."""
        while True:
            frame = self._socket.recv(timeout=10)
            if isinstance(frame, bytes):
                self.pcm += frame
            else:
                yield json.loads(frame)

    def wait_for(self, kind: str) -> dict[str, Any]:
        """Return the data of the next event of a kind."""
        found: dict[str, Any] = next(frame for frame in self.frames() if frame["event"] == kind)["data"]
        return found


@contextmanager
def voice_on(page: Browser, id_: str, **options: Any) -> Generator[Tab]:
    url = str(page.http.base_url).replace("http", "ws").rstrip("/")
    with connect(
        f"{url}/api/conversations/{id_}/voice", proxy=None, ping_interval=None, max_queue=None, **options
    ) as socket:  # pyright: ignore[reportUnknownVariableType]
        tab = Tab(cast(ClientConnection, socket))
        tab.send()  # its answer shows that the server listens
        assert tab.wait_for("error")["type"] == "InvalidFrame"
        yield tab


def new(page: Browser) -> str:
    return str(page.http.post("/api/conversations", json={}).json()["id"])


@pytest.mark.usefixtures("_in_no_time")
def test_an_answer_that_begins_is_spoken(page: Browser, fake: FakeOllama, engine: Letters) -> None:
    fake.play(answer("Hi *you*. ", "Bye."))
    id_ = new(page)
    with voice_on(page, id_) as tab:
        for number in range(2):
            page.ask(id_, "Hello", 2 * number)
            assert tab.wait_for("speech") == {"rate": RATE}
            assert tab.wait_for("sentence")["text"] == "Hi *you*."
            tab.wait_for("speech_end")
            page.wait(id_)
        assert len(tab.pcm) >= 2 * RATE * 2
    assert engine.texts == ["Hi you.", "Bye."] * 2
    assert page.last(id_)["text"] == "Hi *you*. Bye."
    assert not page.last(id_)["cut"]


def test_the_engine_is_loaded_once_when_tabs_turn_the_voice_on(open_page: OpenPage) -> None:
    engine = SlowToLoad(OSError("no lungs"))
    page = open_page(voice=partial(Speech, engine))
    with voice_on(page, "1") as tab, voice_on(page, "1"):  # the server answers while it loads
        engine.may_load.set()
        assert tab.wait_for("error")["message"] == "slow to load: no lungs"
    assert len(engine.loads) == 1


@pytest.mark.usefixtures("_in_no_time")
def test_another_conversation_is_not_spoken(page: Browser, fake: FakeOllama, engine: Letters) -> None:
    fake.play(answer("Hi."))
    id_ = new(page)
    with voice_on(page, id_) as tab, voice_on(page, id_) as other_tab:
        page.chat("Hello")
        assert engine.texts == []
        page.ask(id_, "Hello", 0)
        tab.wait_for("speech_end")
        other_tab.wait_for("speech_end")


def test_an_interruption_stops_voice_and_answer_and_keeps_what_was_heard(
    page: Browser, fake: FakeOllama
) -> None:
    fake.play(answer("One two three four five six seven. ", endless("More ", every=0.01)))
    id_ = new(page)
    with voice_on(page, id_) as tab:
        page.ask(id_, "Count", 0)
        for _ in range(3):
            tab.wait_for("word")
        tab.send(type="interrupt", played=0.65)
        assert tab.wait_for("interrupted") == {"heard": "One two"}
        fake.wait_for_disconnect()
        page.wait(id_)
        last = page.last(id_)
        assert (last["text"], last["cut"]) == ("One two", True)


def test_after_a_false_alarm_the_answer_is_whole(page: Browser, fake: FakeOllama) -> None:
    fake.play(answer("One two three four five six seven. Yes."))
    id_ = new(page)
    with voice_on(page, id_) as tab:
        page.ask(id_, "Count", 0)
        tab.wait_for("word")
        tab.send(type="interrupt", resume=True)
        tab.wait_for("interrupted")
        tab.wait_for("speech_end")
        page.wait(id_)
    assert page.last(id_)["text"] == "One two three four five six seven. Yes."
    assert not page.last(id_)["cut"]


def test_an_answer_that_is_complete_is_cut_to_what_was_heard(page: Browser, fake: FakeOllama) -> None:
    fake.play(answer("One two three four five six seven."))
    id_ = new(page)
    with voice_on(page, id_) as tab:
        page.ask(id_, "Count", 0)
        page.wait(id_)
        for _ in range(3):
            tab.wait_for("word")
        tab.send(type="interrupt", played=0.65)
        tab.wait_for("interrupted")
        tab.send()
        tab.wait_for("error")  # the interruption is saved
        assert page.last(id_)["text"] == "One two"


@pytest.mark.usefixtures("_in_no_time")
def test_an_interruption_while_nothing_is_spoken_changes_nothing(page: Browser, fake: FakeOllama) -> None:
    fake.play(answer("Hi."))
    id_ = new(page)
    with voice_on(page, id_) as tab:
        page.ask(id_, "Hello", 0)
        tab.wait_for("speech_end")
        tab.send(type="interrupt")
        tab.send()
        tab.wait_for("error")
        assert page.last(id_)["text"] == "Hi."


def test_an_interruption_before_the_first_word_leaves_an_empty_answer(
    page: Browser, fake: FakeOllama
) -> None:
    gate = Gate()
    fake.play(answer(gate, "One two."))
    id_ = new(page)
    with voice_on(page, id_) as tab:
        page.ask(id_, "Count", 0)
        fake.wait_for_request()
        tab.send(type="interrupt", played=None)
        assert tab.wait_for("interrupted") == {"heard": ""}
        page.wait(id_)
        last = page.last(id_)
        assert (last["role"], last["text"], last["cut"]) == ("assistant", "", True)


@pytest.mark.parametrize(
    "frame",
    [
        "{",
        "[]",
        '{"type": "prompt"}',
        '{"type": "interrupt", "played": -1}',
        '{"type": "interrupt", "played": "1"}',
        '{"type": "interrupt", "played": true}',
        '{"type": "interrupt", "played": 1e999}',
        '{"type": "interrupt"}' + " " * 300_000,
        b"\x00\x01",
    ],
)
def test_a_bad_frame_is_told_so_and_the_connection_stays(page: Browser, frame: str | bytes) -> None:
    with voice_on(page, new(page)) as tab:
        for _ in range(2):
            tab.send_raw(frame)
            assert tab.wait_for("error")["type"] == "InvalidFrame"


def test_stopping_an_answer_stops_its_voice(page: Browser, fake: FakeOllama) -> None:
    fake.play(answer("One two three four five six seven. ", endless("More ", every=0.01)))
    id_ = new(page)
    with voice_on(page, id_) as tab:
        page.ask(id_, "Count", 0)
        for _ in range(3):
            tab.wait_for("word")
        page.http.post(f"/api/conversations/{id_}/stop")
        assert tab.wait_for("interrupted")["heard"].startswith("One")
        assert page.last(id_)["text"].startswith("One two three four five six seven.")


def test_a_tab_that_leaves_ends_its_voice(page: Browser, fake: FakeOllama, engine: Letters) -> None:
    fake.play(answer("Please wait. ", endless("More ", every=0.01)))
    id_ = new(page)
    with voice_on(page, id_):
        page.ask(id_, "Hello", 0)
        assert engine.waits.wait(10)
    with page.reading(id_) as events:
        next(events)
        page.http.post(f"/api/conversations/{id_}/stop")
    assert engine.gate.wait(10)


def test_a_voice_keeps_the_model_writing(open_page: OpenPage, engine: Letters, fake: FakeOllama) -> None:
    page = open_page(voice=partial(Speech, engine, pause=None), grace=0.3)
    fake.play(answer("One two. ", endless("More ", every=0.005)))
    id_ = new(page)
    with voice_on(page, id_):
        page.ask(id_, "Hello", 0)
        fake.wait_for_lines(120)
    fake.wait_for_disconnect()


def test_a_token_is_the_name_of_a_protocol(open_page: OpenPage, engine: Letters) -> None:
    page = open_page(voice=partial(Speech, engine), token="t")  # noqa: S106 - of this test
    with voice_on(page, "1", subprotocols=["ollama-rx", "token.t"]) as tab:
        assert tab._socket.subprotocol == "ollama-rx"
    with pytest.raises(InvalidStatus, match="401"), voice_on(page, "1", subprotocols=["ollama-rx"]):
        pass


def test_another_site_cannot_listen(page: Browser) -> None:
    with pytest.raises(InvalidStatus, match="403"), voice_on(page, "1", origin="http://evil.example"):
        pass


def test_without_a_voice_there_is_no_socket(open_page: OpenPage) -> None:
    with pytest.raises(InvalidStatus), voice_on(open_page(), "1"):
        pass
