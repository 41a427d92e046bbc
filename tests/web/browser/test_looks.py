"""Nothing on the page is a barrier: axe finds nothing in any state, light or dark, large or small."""

from typing import Any

import pytest
from playwright.sync_api import expect

from ollama_rx.testing import FakeOllama, Gate, answer, error_status, midstream_error, thinking
from ollama_rx.testing.marbles.any_cutting import rechunk
from tests.web.browser.accessibility import violations
from tests.web.browser.chat import Chat
from tests.web.browser.conftest import Visit
from tests.web.browser.example_answers import RICH, THOUGHTS

_DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
_PHONE: dict[str, Any] = {
    "viewport": {"width": 360, "height": 740},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}
_DARK = {"color_scheme": "dark"}
every_look = pytest.mark.parametrize(
    "look",
    [_DESK, _DESK | _DARK, _PHONE, _PHONE | _DARK],
    ids=["light", "dark", "phone", "dark phone"],
)
some_looks = pytest.mark.parametrize("look", [_DESK, _PHONE | _DARK], ids=["light", "dark phone"])


def assert_fits(chat: Chat) -> None:
    """Check that nothing is wider than the window."""
    sizes = chat.page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
    assert sizes[0] <= sizes[1]


@every_look
def test_axe_finds_nothing_while_an_answer_comes_and_when_it_is_there(
    ollama: FakeOllama, served: str, visit: Visit, look: dict[str, Any]
) -> None:
    chat = Chat(visit(served, **look))
    expect(chat.message).to_have_attribute("placeholder", "Ask echo:latest")
    assert violations(chat.page) == []
    assert_fits(chat)

    gate = Gate()
    ollama.play(
        answer(thinking(THOUGHTS), *rechunk(RICH, 80), gate),
        answer("So far", midstream_error("out of memory")),
    )
    chat.ask("How does a heat pump work?")
    expect(chat.answer).to_contain_text("That is all there is to it.")
    assert violations(chat.page) == []
    gate.open()
    chat.wait_for_end()
    chat.answer.get_by_text("Thoughts").click()
    expect(chat.answer.get_by_text(THOUGHTS)).to_be_visible()
    assert violations(chat.page) == []
    assert_fits(chat)

    chat.ask("And then?")
    expect(chat.answer.get_by_role("alert")).to_be_visible()
    assert violations(chat.page) == []
    assert_fits(chat)


@some_looks
def test_axe_finds_nothing_in_dialogs_forms_and_the_list(
    ollama: FakeOllama, served: str, visit: Visit, look: dict[str, Any]
) -> None:
    ollama.play(answer("Yes."), error_status(500, "no"))
    chat = Chat(visit(served, **look))
    chat.ask("One")
    chat.wait_for_end()
    chat.questions.get_by_role("button", name="Edit message").click()
    assert violations(chat.page) == []
    chat.page.keyboard.press("Escape")

    chat.show_list()
    assert violations(chat.page) == []
    for button, name in (("Rename", "Rename conversation"), ("Delete", "Delete this conversation?")):
        chat.press_in_list(button, "One")
        dialog = chat.page.get_by_role("dialog", name=name)
        expect(dialog).to_be_visible()
        assert violations(chat.page) == []
        assert_fits(chat)
        chat.page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
    chat.page.get_by_role("button", name="Shortcuts").click()
    expect(chat.page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    assert violations(chat.page) == []
    chat.page.keyboard.press("Escape")
    chat.page.get_by_role("searchbox").fill("nothing like this")
    expect(chat.list).to_have_text("Nothing found.")
    assert violations(chat.page) == []


def test_on_a_phone_everything_is_large_enough_for_a_finger(served: str, visit: Visit) -> None:
    chat = Chat(visit(served, **_PHONE))
    chat.ask("One")
    chat.wait_for_end()
    chat.show_list()
    small = chat.page.evaluate(
        """() => [...document.querySelectorAll("button, a, select, input, textarea")]
            .filter((it) => it.checkVisibility({ opacityProperty: true }) && !it.closest(".blocks"))
            .map((it) => [it.ariaLabel ?? it.textContent, it.getBoundingClientRect()])
            .filter(([, { width, height, bottom }]) => bottom > 0 && (width < 44 || height < 44))
            .map(([name, { width, height }]) => `${name}: ${width} x ${height}`)"""
    )
    assert small == []


def test_the_theme_can_be_chosen_and_stays(chat: Chat) -> None:
    background = "() => getComputedStyle(document.body).backgroundColor"
    light = chat.page.evaluate(background)
    for name in ("light", "dark"):
        chat.page.get_by_role("button", name="Theme").click()
        expect(chat.page.get_by_role("button", name=f"Theme: {name}")).to_be_visible()
    dark = chat.page.evaluate(background)
    assert dark != light
    chat.page.reload()
    assert chat.page.evaluate(background) == dark
