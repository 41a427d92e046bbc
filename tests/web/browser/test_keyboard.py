"""Everything works with the keyboard alone."""

from playwright.sync_api import Page, expect

from ollama_rx.testing import FakeOllama, Gate, answer
from tests.web.browser.chat import Chat


def focused(page: Page) -> str:
    """Return the accessible name of the focused element, or its text."""
    return str(
        page.evaluate(
            """() => {
                const it = document.activeElement;
                return it.getAttribute("aria-label") ?? it.labels?.[0]?.textContent ?? it.textContent;
            }"""
        )
    ).strip()


def tab_to(page: Page, name: str, key: str = "Tab") -> None:
    """Press Tab until something is focused, as a person does who looks where the focus is."""
    passed: list[str] = []
    while (now := focused(page)) != name:
        assert len(passed) < 40, f"{name!r} is not reached: {passed}"
        passed.append(now)
        page.keyboard.press(key)
        assert page.evaluate(_FOCUS_IS_VISIBLE), f"the focus on {focused(page)!r} cannot be seen"


_FOCUS_IS_VISIBLE = """() => {
    const it = document.activeElement;
    if (it === document.body) return true;
    const places = [it, it.parentElement, it.closest("form, .search, .field")].filter(Boolean);
    const styles = places.map((place) => getComputedStyle(place));
    return styles.some((style) => style.outlineStyle !== "none" || style.boxShadow !== "none");
}"""


def test_a_conversation_is_asked_stopped_renamed_and_deleted(chat: Chat, ollama: FakeOllama) -> None:
    page, keys = chat.page, chat.page.keyboard
    ollama.play(answer("One, ", Gate()), answer("Yes."))
    expect(chat.message).to_be_focused()
    keys.type("Count")
    keys.press("Shift+Enter")
    keys.type("to two")
    keys.press("Enter")
    expect(chat.answer).to_contain_text("One,")
    keys.press("Escape")
    ollama.wait_for_disconnect()
    chat.wait_for_end()

    tab_to(page, "Ask again", "Shift+Tab")
    keys.press("Enter")
    expect(chat.answers).to_contain_text(["Yes."])
    chat.wait_for_end()

    tab_to(page, "Rename Count to two", "Shift+Tab")
    keys.press("Enter")
    expect(page.get_by_role("dialog", name="Rename conversation")).to_be_visible()
    keys.type("Numbers")
    keys.press("Enter")
    expect(chat.title).to_have_text("Numbers")

    tab_to(page, "Delete Numbers")
    keys.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert focused(page) == "Cancel"
    keys.press("Tab")
    keys.press("Enter")
    expect(chat.title).to_have_text("New chat")


def test_a_question_is_edited(chat: Chat, ollama: FakeOllama) -> None:
    ollama.play(answer("First."), answer("Second."))
    chat.ask("One")
    chat.wait_for_end()
    chat.message.press("ArrowUp")
    field = chat.page.get_by_role("textbox", name="Change your message")
    expect(field).to_be_focused()
    chat.page.keyboard.type(" and two")
    chat.page.keyboard.press("Escape")
    expect(field).to_have_count(0)
    expect(chat.questions).to_contain_text(["One"])
    tab_to(chat.page, "Edit message")
    chat.page.keyboard.press("Enter")
    chat.page.keyboard.type(" and two")
    chat.page.keyboard.press("Enter")
    expect(chat.answers).to_contain_text(["Second."])
    expect(chat.questions).to_contain_text(["One and two"])


def test_shortcuts_and_their_list(chat: Chat) -> None:
    page, keys = chat.page, chat.page.keyboard
    chat.ask("One")
    chat.wait_for_end()
    keys.press("Control+/")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_be_visible()
    keys.press("Escape")
    expect(dialog).to_be_hidden()
    keys.press("Control+k")
    expect(page.get_by_role("searchbox")).to_be_focused()
    keys.press("ArrowDown")
    expect(chat.conversation("One")).to_be_focused()
    keys.press("Control+Shift+O")
    expect(chat.title).to_have_text("New chat")
    expect(chat.message).to_be_focused()


def test_the_first_tab_stop_leads_to_the_message(chat: Chat) -> None:
    chat.page.get_by_role("link", name="Skip to the message field").focus()
    chat.page.keyboard.press("Enter")
    expect(chat.message).to_be_focused()
