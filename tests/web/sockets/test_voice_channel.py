"""A voice says texts to one connection, through one function."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from reactivex import Observable, of, throw
from reactivex.subject import Subject

from ollama_rx.protocol.json_fields import JsonObject
from ollama_rx.speech import Speech, SpeechEngine, SpeechOutput, Word
from ollama_rx.web import VoiceChannel, WebEvent
from ollama_rx.web.sockets import voice_channel
from tests.speech.voices import RATE, TIMEOUT, Letters, SlowToLoad

pytestmark = pytest.mark.usefixtures("no_thread_left")


@pytest.fixture(autouse=True)
def _in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let audio be heard as soon as it is sent."""

    def unpaced(output: SpeechOutput, *, ahead: float) -> SpeechOutput:
        assert ahead > 0
        return output

    monkeypatch.setattr(voice_channel, "Pacer", unpaced)


class Client:
    """Takes what is sent; after ``most`` bytes of audio it takes nothing until the gate opens."""

    def __init__(self, *, most: float = 1e9) -> None:
        self.frames: list[WebEvent | bytes] = []
        self.gate = asyncio.Event()
        self._most = most
        self._changed = asyncio.Condition()
        self._calls = 0

    async def send(self, frame: WebEvent | bytes) -> None:
        self._calls += 1
        assert self._calls == 1, "called again before it has returned"
        if len(self.pcm) >= self._most:
            await self.gate.wait()
        async with self._changed:
            self.frames.append(frame)
            self._changed.notify_all()
        self._calls -= 1

    async def wait_for(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(TIMEOUT), self._changed:
            await self._changed.wait_for(condition)

    async def wait_for_event(self, kind: str) -> None:
        await self.wait_for(lambda: kind in self.kinds)

    @property
    def pcm(self) -> bytes:
        return b"".join(frame for frame in self.frames if isinstance(frame, bytes))

    @property
    def kinds(self) -> list[str]:
        """The events, and "pcm" for audio between two of them."""
        kinds: list[str] = []
        for frame in self.frames:
            kind = "pcm" if isinstance(frame, bytes) else frame.type
            if kind != "pcm" or kinds[-1:] != ["pcm"]:
                kinds.append(kind)
        return kinds

    def data_of(self, kind: str) -> list[JsonObject]:
        return [frame.data for frame in self.frames if isinstance(frame, WebEvent) and frame.type == kind]


@asynccontextmanager
async def opened(client: Client, engine: SpeechEngine | None = None) -> AsyncGenerator[VoiceChannel]:
    channel = VoiceChannel(partial(Speech, engine or Letters(), pause=0.1), client.send)
    try:
        yield channel
    finally:
        await channel.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}


async def spoken(text: Observable[str], engine: SpeechEngine | None = None) -> Client:
    client = Client()
    async with opened(client, engine) as channel:
        channel.speak(text)
        await client.wait_for_event("speech_end")
    return client


def test_audio_is_announced_sent_in_blocks_and_ended() -> None:
    client = asyncio.run(spoken(of("Hello ", "Ada.")))
    assert client.kinds[:2] == ["speech", "pcm"]
    assert client.kinds[-1] == "speech_end"
    assert client.data_of("speech") == [{"rate": RATE}]
    blocks = [len(frame) for frame in client.frames if isinstance(frame, bytes)]
    assert max(blocks) == 0.04 * RATE * 2
    assert sum(blocks) == pytest.approx(2 * RATE * (0.9 + 0.1), abs=20)


def test_events_tell_what_is_heard() -> None:
    client = asyncio.run(spoken(of("*Hi* Al.")))
    begun, ended = client.data_of("sentence")
    assert begun == {"text": "*Hi* Al.", "said": "Hi Al.", "start": 0.0, "end": None, "words": begun["words"]}
    assert ended["end"] == pytest.approx(0.6, abs=0.01)
    assert [word["text"] for word in ended["words"]] == ["Hi", "Al."]
    assert client.data_of("word") == ended["words"]
    assert ended["words"][1] == {"text": "Al.", "start": 0.2, "end": 0.5}


def test_a_text_of_which_nothing_is_said_gives_nothing() -> None:
    async def run() -> list[WebEvent | bytes]:
        client = Client()
        async with opened(client) as channel:
            channel.speak(of("---"))
            await asyncio.wait(channel._following)
        return client.frames

    assert asyncio.run(run()) == []


def test_an_interruption_drops_what_was_not_sent_and_returns_what_was_played() -> None:
    async def run() -> None:
        client = Client(most=1_000)
        text = Subject[str]()
        async with opened(client) as channel:
            channel.speak(text)
            text.on_next("One two three. Four five. ")
            await client.wait_for(lambda: len(client.pcm) >= 1_000)
            assert channel.interrupt(played=0.45) == "One"
            assert not channel.is_speaking
            client.gate.set()
            await client.wait_for_event("interrupted")
        assert client.data_of("interrupted") == [{"heard": "One"}]
        assert client.kinds[-1] == "interrupted"
        assert len(client.pcm) <= 1_000 + 80 + 80  # what was being sent arrives

    asyncio.run(run())


def test_after_a_false_alarm_it_goes_on_with_the_next_sentence() -> None:
    async def run() -> None:
        client = Client(most=400)
        async with opened(client) as channel:
            channel.speak(of("One two three four. Five."))
            await client.wait_for(lambda: len(client.pcm) >= 400)
            assert channel.interrupt(played=0.2, resume=True) == ""
            assert channel.is_speaking
            client.gate.set()
            await client.wait_for_event("speech_end")
        assert client.kinds.count("speech") == 1
        assert client.data_of("sentence")[-1]["text"] == "Five."

    asyncio.run(run())


def test_a_new_text_interrupts_the_one_before() -> None:
    async def run() -> None:
        client = Client(most=400)
        async with opened(client) as channel:
            channel.speak(of("One two three four."))
            await client.wait_for(lambda: len(client.pcm) >= 400)
            channel.speak(of("Five."))
            client.gate.set()
            await client.wait_for_event("speech_end")
        kinds = [kind for kind in client.kinds if kind in {"speech", "interrupted", "speech_end"}]
        assert kinds == ["speech", "interrupted", "speech", "speech_end"]
        assert client.data_of("sentence")[-1]["text"] == "Five."

    asyncio.run(run())


def test_an_interruption_after_the_end_tells_what_was_heard() -> None:
    async def run() -> None:
        client = Client()
        async with opened(client) as channel:
            assert channel.interrupt() == ""
            channel.speak(of("One two."))
            await client.wait_for_event("speech_end")
            assert channel.interrupt(played=0.31) == "One"
            assert channel.interrupt() == "One two."

    asyncio.run(run())


def test_closing_in_the_middle_stops_the_voice_and_sends_no_more() -> None:
    async def run() -> None:
        engine, client = Letters(wait_at="Two."), Client()
        async with opened(client, engine) as channel:
            channel.speak(of("One. Two. "))
            await client.wait_for_event("word")
            assert await asyncio.to_thread(engine.waits.wait, TIMEOUT)
        sent = len(client.frames)
        assert engine.stops
        await asyncio.sleep(0)
        assert len(client.frames) == sent

    asyncio.run(run())


def test_an_engine_is_loaded_once_by_another_thread_before_there_is_a_text() -> None:
    async def run() -> None:
        engine, client = SlowToLoad(), Client()
        async with opened(client, engine) as channel:
            other = VoiceChannel(partial(Speech, engine), Client().send)
            channel.load()
            channel.load()
            other.load()
            engine.may_load.set()
            channel.speak(of("One."))
            await client.wait_for_event("speech_end")
            (thread,) = engine.loads
            assert thread is not threading.current_thread()
            await other.close()
        assert "error" not in client.kinds

    asyncio.run(run())


def test_a_client_that_leaves_does_not_wait_until_the_engine_is_loaded() -> None:
    async def run() -> None:
        async with opened(Client(), engine) as channel:
            channel.load()
            assert await asyncio.to_thread(engine.loading.wait, TIMEOUT)

    engine = SlowToLoad()
    asyncio.run(run())
    assert engine.loads[0].is_alive()
    engine.may_load.set()


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (OSError("no lungs"), "SpeechError", "slow to load: no lungs"),
        (None, "InternalError", "its log says why"),
    ],
)
def test_an_engine_that_cannot_be_loaded_is_an_error(
    error: OSError | None, kind: str, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    engine = SlowToLoad(error)
    engine.may_load.set()
    not_a_voice: Any = str

    async def run() -> Client:
        client = Client()
        channel = VoiceChannel(partial(Speech, engine) if error else not_a_voice, client.send)
        channel.load()
        await client.wait_for_event("error")
        await channel.close()
        return client

    (told,) = asyncio.run(run()).data_of("error")
    assert told["type"] == kind
    assert message in str(told["message"])
    assert "a voice for the web cannot be loaded" in caplog.text


def test_a_voice_that_fails_is_an_error_and_the_end_of_the_audio() -> None:
    async def run() -> Client:
        client, engine = Client(), Letters(wait_at="Two.", error_at="Two.")
        async with opened(client, engine) as channel:
            channel.speak(of("One. Two. "))
            await client.wait_for_event("word")
            engine.gate.set()
            await client.wait_for_event("speech_end")
        return client

    client = asyncio.run(run())
    assert client.kinds[-2:] == ["error", "speech_end"]
    assert client.data_of("error") == [
        {"type": "SpeechError", "message": "letters: no breath", "retryable": False}
    ]


def test_a_text_that_fails_is_said_as_far_as_it_has_come() -> None:
    text: Observable[str] = of("One. Two").pipe(lambda source: source.concat(throw(OSError("cut"))))
    client = asyncio.run(spoken(text))
    assert client.kinds[-1] == "speech_end"
    assert client.data_of("error") == []
    assert client.data_of("sentence")[0]["text"] == "One."


def test_what_is_not_text_is_an_error_that_tells_the_client_nothing(caplog: pytest.LogCaptureFixture) -> None:
    numbers: Any = of(1)

    async def run() -> Client:
        client = Client()
        async with opened(client) as channel:
            channel.speak(numbers)
            await client.wait_for_event("error")
        return client

    client = asyncio.run(run())
    assert client.data_of("error")[0]["type"] == "InternalError"
    assert "a voice for the web has failed" in caplog.text


def test_an_endless_text_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice_channel, "_MOST_CHARACTERS", 12)
    text = Subject[str]()

    async def run() -> Client:
        client = Client()
        async with opened(client) as channel:
            channel.speak(text)
            for part in ("One. ", "Two. ", "Three. "):
                text.on_next(part)
            await client.wait_for_event("speech_end")
        return client

    assert asyncio.run(run()).data_of("sentence")[-1]["text"] == "Two."


def test_a_connection_that_fails_silences_the_voice() -> None:
    async def run() -> None:
        failed = asyncio.Event()

        async def send(_: object) -> None:
            failed.set()
            raise OSError("gone")

        channel = VoiceChannel(partial(Speech, Letters()), send)
        channel.speak(of("One two three."))
        await failed.wait()
        await asyncio.wait(channel._following)
        await channel.close()

    asyncio.run(run())


def test_what_has_failed_just_before_an_interruption_is_not_told() -> None:
    async def run() -> None:
        engine, client = Letters(wait_at="Two.", error_at="Two."), Client()
        async with opened(client, engine) as channel:
            channel.speak(of("One. Two. "))
            await client.wait_for_event("word")
            engine.gate.set()
            for thread in threading.enumerate():
                if thread.name == "ollama-rx-sink":
                    thread.join(TIMEOUT)  # while the event loop can learn nothing of it
            channel.interrupt()
            await asyncio.wait(channel._following)
            await client.wait_for_event("interrupted")
        assert client.data_of("error") == []

    asyncio.run(run())


def test_a_word_that_comes_late_is_not_told_after_the_interruption() -> None:
    async def run() -> None:
        client = Client()
        async with opened(client) as channel:
            channel.speak(of("One."))
            await client.wait_for_event("speech_end")
            assert channel._utterance is not None
            channel._utterance._audio.stop()
            channel._utterance._on_word(Word("late", 0.0, 0.1))
            channel.interrupt()
            await client.wait_for_event("interrupted")
        assert [word["text"] for word in client.data_of("word")] == ["One."]

    asyncio.run(run())


def test_wrong_arguments_are_refused() -> None:
    wrong: Any = "hibari"

    async def run() -> None:
        client = Client()
        with pytest.raises(TypeError, match=r"^voice: expected a function that makes a Speech, got str$"):
            VoiceChannel(wrong, client.send)
        with pytest.raises(TypeError, match=r"^send: expected a function, got str$"):
            VoiceChannel(partial(Speech, Letters()), wrong)
        async with opened(client) as channel:
            with pytest.raises(TypeError, match=r"^text: expected an Observable, got str$"):
                channel.speak(wrong)
        not_a_voice: Any = str
        channel = VoiceChannel(not_a_voice, client.send)
        with pytest.raises(TypeError, match=r"^voice: expected a Speech, got str$"):
            channel.speak(of("One."))
        await channel.close()

    asyncio.run(run())
