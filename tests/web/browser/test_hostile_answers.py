"""Whatever a model writes, nothing runs, nothing is fetched, and the page stays as it is.

The watch of each test sees scripts (they call `alert`), requests, and violations of the page's policy.
"""

import re
from collections.abc import Callable
from typing import Any, TypedDict, cast

import pytest
from playwright.sync_api import Locator, Page, expect

from ollama_rx.testing import FakeOllama, Gate, answer, error_status, json_reply, thinking
from ollama_rx.testing.marbles.any_cutting import rechunk
from tests.web.browser.chat import Chat
from tests.web.browser.conftest import Visit
from tests.web.browser.hostile import ANSWERS

_TAGS = {
    "a",
    "blockquote",
    "br",
    "button",
    "code",
    "dd",
    "del",
    "div",
    "dl",
    "dt",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "img",
    "li",
    "ol",
    "p",
    "path",
    "pre",
    "s",
    "span",
    "strong",
    "svg",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "ul",
}
_ATTRIBUTES = {
    "alt",
    "aria-hidden",
    "aria-label",
    "class",
    "d",
    "data-language",
    "href",
    "rel",
    "role",
    "src",
    "start",
    "tabindex",
    "target",
    "type",
}
_ICON = {"viewBox", "fill", "stroke", "stroke-width", "stroke-linecap", "stroke-linejoin", "width", "height"}
_HREF = re.compile(r"(https?://[^/]|mailto:)")
_SRC = re.compile(r"data:image/(png|jpeg|gif|webp);base64,")


class _Element(TypedDict):
    tag: str
    attributes: dict[str, str]


def elements(place: Locator) -> list[_Element]:
    """Return all elements inside."""
    return cast(
        list[_Element],
        place.evaluate(
            """(place) => [...place.querySelectorAll("*")].map((it) => ({
                tag: it.tagName.toLowerCase(),
                attributes: Object.fromEntries([...it.attributes].map(({ name, value }) => [name, value])),
            }))"""
        ),
    )


def assert_harmless(text: Locator) -> None:
    for element in elements(text):
        attributes = element["attributes"]
        assert element["tag"] in _TAGS, element
        assert attributes.keys() <= _ATTRIBUTES | (_ICON if element["tag"] in ("svg", "path") else set()), (
            element
        )
        if element["tag"] == "a":
            assert _HREF.match(attributes["href"]), element
            assert attributes["target"] == "_blank", element
            assert {"noopener", "noreferrer"} <= set(attributes["rel"].split()), element
        if element["tag"] == "img":
            assert _SRC.match(attributes["src"]), element


def assert_page_is_usable(chat: Chat) -> None:
    page: Page = chat.page
    width = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert width == 0, "the page is wider than its window"
    assert page.evaluate("() => document.querySelectorAll('#composer').length") == 1
    chat.message.click()  # nothing lies above it


@pytest.mark.parametrize("name", ANSWERS)
def test_a_hostile_answer_does_nothing(chat: Chat, ollama: FakeOllama, name: str) -> None:
    gate = Gate()
    ollama.play(answer(*rechunk(ANSWERS[name], 997), gate, "\n\nThe end."))

    chat.ask("Attack")

    text = chat.answer.locator(".blocks")
    expect(text.locator("*").first).to_be_attached()
    assert_harmless(text)  # while it is written
    gate.open()
    chat.wait_for_end()
    expect(text).to_contain_text("The end.")
    assert_harmless(text)
    assert_page_is_usable(chat)
    chat.page.reload()
    expect(text).to_contain_text("The end.")
    assert_harmless(text)
    assert_page_is_usable(chat)


def test_odd_characters_arrive_while_the_answer_is_written(chat: Chat, ollama: FakeOllama) -> None:
    ollama.play(answer(ANSWERS["odd text"], Gate()))
    chat.ask("Attack")
    expect(chat.answer).to_contain_text("the end")
    expect(chat.answer).to_contain_text("one\u2028two\u2029three")


def test_a_foreign_image_is_a_link(chat: Chat, ollama: FakeOllama) -> None:
    ollama.play(answer("![A cat](http://elsewhere.test/cat.png)"))
    chat.ask("Show me a cat")
    expect(chat.answer.get_by_role("link", name="A cat")).to_have_attribute(
        "href", "http://elsewhere.test/cat.png"
    )
    expect(chat.answer.get_by_role("img")).to_have_count(0)


def test_a_title_is_only_text(chat: Chat) -> None:
    title = "<img src=x onerror=alert(1)> `code` \u202etitle"
    chat.ask(title)
    chat.wait_for_end()
    expect(chat.title).to_have_text(title)
    expect(chat.conversation(title)).to_be_visible()
    expect(chat.questions).to_contain_text([title])


def test_the_name_of_a_model_is_only_text(ollama: FakeOllama, served: str, visit: Visit) -> None:
    name = "<img src=x onerror=alert(1)>"
    ollama.play(json_reply({"models": [{"name": name, "model": name}]}), path="/api/tags")
    chat = Chat(visit(served))
    chat.ask("Hi")
    chat.wait_for_end()
    expect(chat.answer).to_contain_text(name)
    assert_page_is_usable(chat)


def test_an_error_of_the_server_is_only_text(chat: Chat, ollama: FakeOllama) -> None:
    ollama.play(error_status(500, "<img src=x onerror=alert(1)>"))
    chat.ask("Hi")
    expect(chat.answer.get_by_role("alert")).to_contain_text("<img src=x onerror=alert(1)>")


class PageMetrics:
    """What the browser counts about a page."""

    def __init__(self, page: Page) -> None:
        debugger = page.context.new_cdp_session(page)
        self._send = cast(
            Callable[[str], dict[str, list[dict[str, Any]]]],
            debugger.send,  # pyright: ignore[reportUnknownMemberType] - Playwright leaves it open
        )
        self._send("Performance.enable")

    def get(self, name: str) -> float:
        """Return one figure."""
        metrics = self._send("Performance.getMetrics")["metrics"]
        return float(next(it["value"] for it in metrics if it["name"] == name))


def test_a_flood_of_accents_does_not_freeze_the_page(chat: Chat, ollama: FakeOllama) -> None:
    flood = "e" + "\u0301" * 100_000
    ollama.play(
        answer(thinking("Hm"), *map(thinking, rechunk(flood, 1_000)), *rechunk(flood, 997), " The end.")
    )
    chat.ask("Attack")
    chat.answer.get_by_text("Thinking").or_(chat.answer.get_by_text("Thoughts")).click()
    expect(chat.answer).to_contain_text("The end.")
    chat.wait_for_end()
    expect(chat.answer.locator(".folded-text").first).to_have_text("Hme" + "\u0301" * 20)
    assert_page_is_usable(chat)


_COUNT_CHANGES_OF_TEXT = """() => {
    window.changes = 0;
    const observer = new MutationObserver((changes) => (window.changes += changes.length));
    observer.observe(document.body, { subtree: true, characterData: true });
}"""


def test_long_thoughts_are_drawn_once_for_a_frame(chat: Chat, ollama: FakeOllama) -> None:
    """Each time costs more, the more there is already: a megabyte would freeze the page for ten seconds."""
    chat.page.evaluate(_COUNT_CHANGES_OF_TEXT)
    ollama.play(answer(*[thinking("Hm. ")] * 5_000, Gate(), "The end."))
    chat.ask("Attack")
    expect(chat.answer.locator(".thinking .folded-text")).to_have_text(("Hm. " * 5_000).strip())
    assert chat.page.evaluate("() => window.changes") < 2_500


def test_a_long_answer_leaves_the_page_usable(chat: Chat, ollama: FakeOllama) -> None:
    """A megabyte: a word of 100,000 letters, a line of as many words, thousands of paragraphs, a table."""
    row = "|" + " cell |" * 100 + "\n"
    text = (
        "x" * 100_000
        + "\n\n"
        + "word " * 100_000
        + "\n\n"
        + "a paragraph\n\n" * 2_000
        + row
        + "|"
        + "-|" * 100
        + "\n"
        + row
    )
    ollama.play(answer(*rechunk(text, 10_000), "\n\nThe end."))
    metrics = PageMetrics(chat.page)

    chat.ask("Attack")

    expect(chat.answer).to_contain_text("The end.")
    chat.wait_for_end()
    assert_page_is_usable(chat)
    assert metrics.get("LayoutCount") < 1_000  # one for each block would take half a minute
