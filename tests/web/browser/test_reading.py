"""A person reads an answer while it is written, or hears it from a screen reader, and copies from it."""

from playwright.sync_api import expect

from ollama_rx.testing import FakeOllama, Gate, answer
from tests.web.browser.chat import Chat
from tests.web.browser.conftest import Visit

_SCROLL_UP = "() => document.getElementById('log').scrollBy({ top: -400, behavior: 'instant' })"
_PLACE = "() => document.getElementById('log').scrollTop"


def test_the_page_follows_an_answer_until_the_reader_scrolls_up(chat: Chat, ollama: FakeOllama) -> None:
    first, second = Gate(), Gate()
    ollama.play(answer("begin\n\n" * 50, first, "middle\n\n" * 50, second, "end\n\n" * 50))
    to_end = chat.page.get_by_role("button", name="Go to the end")
    chat.ask("Tell me a lot")
    expect(chat.answer.get_by_text("begin").last).to_be_in_viewport()

    chat.page.evaluate(_SCROLL_UP)
    expect(to_end).to_be_visible()
    place = chat.page.evaluate(_PLACE)
    first.open()
    expect(chat.answer.get_by_text("middle")).to_have_count(50)
    assert chat.page.evaluate(_PLACE) == place

    to_end.click()
    expect(to_end).to_be_hidden()
    second.open()
    chat.wait_for_end()
    expect(chat.answer.get_by_text("end").last).to_be_in_viewport()


def test_a_screen_reader_says_whole_blocks_each_once(chat: Chat, ollama: FakeOllama) -> None:
    gate = Gate()
    ollama.play(answer("First ", "block.\n\n", "```python\nprint()\n```\n\n", "Last ", "bl", gate, "ock."))
    said = chat.page.get_by_role("log", name="Announcements").get_by_role("paragraph")
    chat.ask("Say something")
    expect(said).to_have_text(["Sent", "First block.", "Code: python."])
    gate.open()
    expect(said).to_have_text(["Sent", "First block.", "Code: python.", "Last block.", "End of the answer"])


def test_answers_code_and_questions_are_copied(ollama: FakeOllama, served: str, visit: Visit) -> None:
    chat = Chat(visit(served, permissions=["clipboard-read", "clipboard-write"]))
    ollama.play(answer("Like *this*:\n\n```python\nif x:\n    print(x)\n```\n"))
    chat.ask("How?\n(in Python)")
    chat.wait_for_end()
    said = chat.page.get_by_role("log", name="Announcements").get_by_role("paragraph")
    for place, name, text in (
        (chat.answer, "Copy code", "if x:\n    print(x)\n"),
        (chat.answer, "Copy answer", "Like *this*:\n\n```python\nif x:\n    print(x)\n```\n"),
        (chat.questions, "Copy message", "How?\n(in Python)"),
    ):
        before = said.filter(has_text="Copied").count()
        place.get_by_role("button", name=name).click()
        expect(said.filter(has_text="Copied")).to_have_count(before + 1)
        assert chat.page.evaluate("() => navigator.clipboard.readText()").strip() == text.strip()
