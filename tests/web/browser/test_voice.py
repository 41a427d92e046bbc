"""The answer is spoken, and the person interrupts it: the conversation keeps what was heard."""

import json
import math
import re
from array import array
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import cast

import pytest
from playwright.sync_api import Page, WebSocket, expect

from ollama_rx import Client
from ollama_rx.speech import Audio, Speech, SpeechEngine, Word
from ollama_rx.testing import FakeOllama, Gate, answer
from ollama_rx.web import app
from tests.web.browser.chat import Chat, asked
from tests.web.browser.conftest import Visit
from tests.web.browser.serving import Serving

RATE = 24_000
SECONDS = 0.25  # that each word takes
WORDS = [f"word{number}" for number in range(1, 41)]  # ten seconds: longer than anything here waits


class Metronome(SpeechEngine):
    """Says each word in a quarter of a second."""

    rate = RATE

    def synthesize(self, text: str, /) -> Iterator[Audio]:
        tone = array("h", [round(8_000 * math.sin(i / 10)) for i in range(int(RATE * SECONDS))]).tobytes()
        for word in text.split():
            yield Audio(tone, RATE, (Word(word, 0.0, SECONDS),))


class Frames:
    """What a page and the server say to each other about the voice."""

    def __init__(self, page: Page) -> None:
        self.sent: list[dict[str, object]] = []
        self.received: list[dict[str, object]] = []
        self.audio_bytes = 0
        page.on("websocket", self._attach)

    def _attach(self, socket: WebSocket) -> None:
        socket.on("framesent", lambda frame: self.sent.append(json.loads(frame)))
        socket.on("framereceived", self._receive)

    def _receive(self, frame: str | bytes) -> None:
        if isinstance(frame, bytes):
            self.audio_bytes += len(frame)
        else:
            self.received.append(json.loads(frame))


class Spoken:
    """A page with the voice on."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        self.frames = Frames(chat.page)
        chat.page.evaluate(_RECORD_WORDS)
        self.bar = chat.page.get_by_role("group", name="Speaking")
        chat.page.get_by_role("button", name="Voice").click()
        expect(chat.page.get_by_role("button", name="Voice")).to_have_attribute("aria-pressed", "true")

    def wait_for_word(self, word: str) -> None:
        """Wait until the caption has shown that this word is being said."""
        said = re.compile(rf"(^| ){re.escape(word)}( |$)")
        expect(self.chat.page.locator("html")).to_have_attribute("data-said", said)


_RECORD_WORDS = """() => {
    const { dataset } = document.documentElement;
    dataset.said = "";
    new MutationObserver((changes) => {
        for (const node of changes.flatMap(({ addedNodes }) => [...addedNodes]))
            if (node.nodeName === "MARK") dataset.said = `${dataset.said} ${node.textContent}`.trim();
    }).observe(document.getElementById("caption"), { childList: true });
}"""


@pytest.fixture
def spoken(ollama: FakeOllama, visit: Visit, tmp_path: Path) -> Iterator[Spoken]:
    with Client(ollama.url) as client:
        page = app(client, store=tmp_path / "c.db", voice=partial(Speech, Metronome()))
        with Serving(page) as server:
            yield Spoken(Chat(visit(server.url)))


def test_an_answer_is_spoken_word_by_word_to_its_end(spoken: Spoken, ollama: FakeOllama) -> None:
    ollama.play(answer(*(f"{word} " for word in WORDS[:3])))
    spoken.chat.ask("Count")
    spoken.wait_for_word(WORDS[2])
    expect(spoken.bar).to_be_hidden()
    expect(spoken.chat.page.locator("html")).to_have_attribute("data-said", " ".join(WORDS[:3]))
    assert spoken.frames.audio_bytes >= 3 * RATE * SECONDS * 2  # and a pause


@pytest.mark.parametrize("how", ["the key Esc", "the button", "typing"])
def test_what_was_heard_is_kept_when_the_voice_is_interrupted(
    spoken: Spoken, ollama: FakeOllama, how: str
) -> None:
    chat = spoken.chat
    gate = Gate()
    ollama.play(answer(" ".join(WORDS) + ". And so on.", gate), answer("Yes."))
    chat.ask("Count")
    spoken.wait_for_word(WORDS[2])

    match how:
        case "the key Esc":
            chat.page.keyboard.press("Escape")
        case "the button":
            spoken.bar.get_by_role("button", name="Stop speaking").click()
        case _:
            chat.message.press_sequentially("W")

    expect(spoken.bar).to_be_hidden()
    ollama.wait_for_disconnect()  # the model does not go on
    chat.wait_for_end()
    (interrupt,) = spoken.frames.sent
    played = cast(float, interrupt["played"])
    heard = " ".join(WORDS[: int(played / SECONDS + 1e-6)])
    assert heard.startswith(" ".join(WORDS[:2]))
    assert heard != " ".join(WORDS)
    assert spoken.frames.received[-1] == {"event": "interrupted", "data": {"heard": heard}}
    expect(chat.answer.get_by_text(heard, exact=True)).to_be_visible()
    chat.answer.get_by_text("Not heard").click()
    rest = " ".join(WORDS).removeprefix(heard).strip()
    expect(chat.answer.get_by_text(f"{rest}. And so on.", exact=True)).to_be_visible()

    chat.ask("Really?")
    expect(chat.answers).to_contain_text([heard, "Yes."])
    assert asked(ollama)[-1][1] == {"role": "assistant", "content": heard}
    spoken.wait_for_word("Yes.")


def test_the_voice_is_off_until_it_is_wanted_and_off_again(spoken: Spoken) -> None:
    spoken.chat.page.get_by_role("button", name="Voice").click()
    spoken.chat.ask("Hello")
    spoken.chat.wait_for_end()
    expect(spoken.bar).to_be_hidden()
    assert spoken.frames.audio_bytes == 0
