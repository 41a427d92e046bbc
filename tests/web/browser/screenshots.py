"""Take pictures of the page, to be looked at: `python -m tests.web.browser.screenshots FOLDER`."""

import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, expect

from ollama_rx import Client
from ollama_rx.speech import Speech
from ollama_rx.testing import FakeOllama, Gate, answer, json_reply, midstream_error, pause, thinking
from ollama_rx.testing.marbles.any_cutting import rechunk
from ollama_rx.web import app
from tests.web.browser.chat import Chat
from tests.web.browser.chromium import Chromium
from tests.web.browser.example_answers import RICH, THOUGHTS
from tests.web.browser.serving import Serving
from tests.web.browser.test_voice import Metronome

_DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
_PHONE: dict[str, Any] = {
    "viewport": {"width": 360, "height": 740},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}
_LOOKS: dict[str, dict[str, Any]] = {
    "light": _DESK,
    "dark": {**_DESK, "color_scheme": "dark"},
    "phone": _PHONE,
    "phone-dark": {**_PHONE, "color_scheme": "dark"},
    "zoomed": {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2},  # 200 %
}
_MODELS = {"models": [{"name": "qwen3:8b", "model": "qwen3:8b", "size": 5_200_000_000, "digest": "e1" * 32}]}
_ABILITIES = {"capabilities": ["completion", "vision", "thinking"]}


def states(chat: Chat, ollama: FakeOllama) -> Iterator[str]:
    """Bring the page from one state to the next, and give the name of each."""
    page = chat.page
    expect(chat.message).to_have_attribute("placeholder", "Ask qwen3:8b")
    yield "empty"
    for question, text in (
        ("What is RxPY?", "A library for **streams**."),
        (
            "A haiku about rain",
            "Soft rain at the window:  \nthe garden repeats its old,  \nunhurried answer.",
        ),
    ):
        page.goto(page.url.partition("#")[0] + "#/")
        ollama.play(answer(*rechunk(text, 5)))
        chat.ask(question)
        chat.wait_for_end()
    yield "short"
    page.goto(page.url.partition("#")[0] + "#/")
    gate = Gate()
    lines = rechunk(RICH, 6)
    ollama.play(answer(pause(0.2), thinking(THOUGHTS), *lines[:60], gate, *lines[60:], every=0.005))
    page.get_by_role("button", name="Voice").click()
    chat.ask("How does a heat pump warm a house? Explain it for a curious child, with a table and some code.")
    expect(chat.answer).to_contain_text("It needs")
    yield "streaming-and-speaking"
    page.get_by_role("button", name="Stop speaking").click()
    chat.wait_for_end()
    page.get_by_role("button", name="Voice").click()
    ollama.play(answer(thinking(THOUGHTS), *lines))
    chat.answer.get_by_role("button", name="Ask again").first.click()
    expect(chat.answer).to_contain_text("That is all there is to it.")
    chat.wait_for_end()
    yield "long-end"
    page.locator("#log").evaluate("(it) => (it.querySelector('#log') ?? it).scrollTo(0, 0)")
    chat.answer.get_by_text("Thoughts").click()
    yield "long-beginning"
    chat.answer.locator("pre").first.scroll_into_view_if_needed()
    yield "long-middle"
    chat.questions.first.get_by_role("button", name="Edit message").click()
    yield "edit"
    page.keyboard.press("Escape")
    ollama.play(answer("So far, so", midstream_error("model runner has unexpectedly stopped")))
    chat.ask("And what does it cost?")
    expect(chat.answer.get_by_role("alert")).to_be_visible()
    yield "error"
    chat.show_list()
    yield "list"
    page.get_by_role("searchbox").fill("rain")
    expect(chat.list.get_by_text("Found")).to_be_visible()
    yield "search"
    chat.press_in_list("Delete", "A haiku about rain")
    yield "delete"
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Shortcuts").click()
    yield "shortcuts"


def take(browser: Browser, folder: Path, name: str, look: dict[str, Any]) -> None:
    """Take all pictures of one look."""
    with (
        FakeOllama(on={"/api/tags": json_reply(_MODELS), "/api/show": json_reply(_ABILITIES)}) as ollama,
        tempfile.TemporaryDirectory() as data,
        Client(ollama.url) as client,
        Serving(app(client, store=Path(data) / "c.db", voice=partial(Speech, Metronome()))) as server,
    ):
        page = browser.new_page(**look)
        page.goto(server.url)
        for number, state in enumerate(states(Chat(page), ollama), 1):
            page.screenshot(path=folder / f"{name}-{number:02}-{state}.png")
        page.close()


def main(folder: Path, *names: str) -> None:
    """Take the pictures of all looks, or of those that are named."""
    folder.mkdir(parents=True, exist_ok=True)
    chromium = Chromium()
    for name in names or _LOOKS:
        take(chromium.browser, folder, name, _LOOKS[name])
    chromium.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
