"""Several tabs, and the buttons of the browser."""

from playwright.sync_api import expect

from ollama_rx.testing import FakeOllama, Gate, answer
from tests.web.browser.chat import Chat


def test_two_tabs_show_the_same_answer_while_it_is_written(chat: Chat, ollama: FakeOllama) -> None:
    gate = Gate()
    ollama.play(answer("One, ", gate, "two."))
    chat.ask("Count")
    expect(chat.answer).to_contain_text("One,")

    other = chat.another_tab()

    expect(other.answer).to_contain_text("One,")
    gate.open()
    for tab in (chat, other):
        tab.wait_for_end()
        expect(tab.answer.get_by_text("One, two.", exact=True)).to_be_visible()


def test_a_tab_stops_what_another_one_has_begun(chat: Chat, ollama: FakeOllama) -> None:
    ollama.play(answer("One, ", Gate()))
    chat.ask("Count")
    expect(chat.answer).to_contain_text("One,")
    other = chat.another_tab()

    other.stop.click()

    ollama.wait_for_disconnect()
    for tab in (chat, other):
        tab.wait_for_end()
        expect(tab.answer).to_contain_text("was stopped before its end")


def test_a_question_of_another_tab_appears_with_its_answer(chat: Chat, ollama: FakeOllama) -> None:
    ollama.play(answer("First."), answer("Second."))
    chat.ask("One")
    chat.wait_for_end()
    other = chat.another_tab()
    expect(other.answers).to_contain_text(["First."])

    other.ask("Two")

    expect(chat.answers).to_contain_text(["First.", "Second."])
    expect(chat.questions).to_contain_text(["One", "Two"])


def test_the_buttons_of_the_browser_go_through_conversations(chat: Chat) -> None:
    chat.ask("First conversation")
    chat.wait_for_end()
    chat.page.get_by_role("link", name="New chat").click()
    expect(chat.questions).to_have_count(0)
    chat.ask("Second conversation")
    chat.wait_for_end()

    chat.page.go_back()
    expect(chat.title).to_have_text("New chat")
    chat.page.go_back()
    expect(chat.title).to_have_text("First conversation")
    expect(chat.answers).to_contain_text(["First conversation"])
    chat.page.go_forward()
    chat.page.go_forward()
    expect(chat.title).to_have_text("Second conversation")
    expect(chat.answers).to_contain_text(["Second conversation"])


def test_an_answer_goes_on_while_another_conversation_is_read(chat: Chat, ollama: FakeOllama) -> None:
    gate = Gate()
    ollama.play(answer("One, ", gate, "two."), answer("Short."))
    chat.ask("Count")
    expect(chat.answer).to_contain_text("One,")
    chat.page.get_by_role("link", name="New chat").click()
    chat.ask("Meanwhile")
    chat.wait_for_end()
    expect(chat.answers).to_contain_text(["Short."])

    chat.page.go_back()
    chat.page.go_back()

    expect(chat.answers).to_contain_text(["One,"])
    gate.open()
    chat.wait_for_end()
    expect(chat.answer.get_by_text("One, two.", exact=True)).to_be_visible()
