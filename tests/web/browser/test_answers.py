"""A person asks, and the answer grows on the page."""

from playwright.sync_api import expect

from ollama_rx.testing import FakeOllama, Gate, answer, endless, midstream_error, thinking
from tests.web.browser.chat import Chat, asked


def test_an_answer_is_shown_while_it_is_written(chat: Chat, ollama: FakeOllama) -> None:
    gate = Gate()
    ollama.play(answer("It is **blue**,", gate, " they say."))

    chat.ask("What colour is the sky?")

    expect(chat.questions).to_contain_text(["What colour is the sky?"])
    expect(chat.answer.locator("strong")).to_have_text("blue")
    expect(chat.message).to_have_value("")
    gate.open()
    chat.wait_for_end()
    expect(chat.answer).to_contain_text("It is blue, they say.")
    expect(chat.conversation("What colour is the sky?")).to_be_visible()


def test_an_answer_can_be_stopped(chat: Chat, ollama: FakeOllama) -> None:
    ollama.play(answer("one ", endless("two "), every=0.01))
    chat.ask("Count")
    expect(chat.answer).to_contain_text("one two two")

    chat.stop.click()

    ollama.wait_for_disconnect()
    chat.wait_for_end()
    expect(chat.answer).to_contain_text("This answer was stopped before its end.")
    expect(chat.message).to_be_focused()


def test_selected_text_stays_selected_while_the_answer_grows(chat: Chat, ollama: FakeOllama) -> None:
    gate = Gate()
    ollama.play(answer("The *sky* is blue", gate, ", and the **grass** is green."))
    chat.ask("What colour is the sky?")
    chat.answer.get_by_text("sky", exact=True).dblclick()

    gate.open()

    chat.wait_for_end()
    expect(chat.answer).to_contain_text("the grass is green")
    assert chat.page.evaluate("() => getSelection().toString()").strip() == "sky"


def test_thinking_is_folded(chat: Chat, ollama: FakeOllama) -> None:
    ollama.play(answer(thinking("Let me see"), "Yes."))
    chat.ask("Is it?")
    chat.wait_for_end()

    thoughts = chat.answer.get_by_text("Let me see")
    expect(thoughts).to_be_hidden()
    chat.answer.get_by_text("Thoughts").click()
    expect(thoughts).to_be_visible()


def test_an_error_in_the_middle_of_an_answer_is_shown_below_it(chat: Chat, ollama: FakeOllama) -> None:
    ollama.play(answer("So far", midstream_error("out of memory")), answer("Now it works."))
    chat.ask("Hi")

    expect(chat.answer.get_by_role("alert")).to_contain_text("out of memory")
    expect(chat.answer).to_contain_text("So far")
    chat.answer.get_by_role("button", name="Ask again").first.click()
    expect(chat.answer).to_contain_text("Now it works.")
    expect(chat.answers).to_have_count(1)


def test_an_edited_question_replaces_what_followed_it(chat: Chat, ollama: FakeOllama) -> None:
    ollama.play(answer("First answer."), answer("Second answer."), answer("Third answer."))
    for text in ("One", "Two"):
        chat.ask(text)
        chat.wait_for_end()

    chat.questions.first.get_by_role("button", name="Edit message").click()
    chat.page.get_by_role("textbox", name="Change your message").fill("Three")
    chat.questions.first.get_by_role("button", name="Ask again").click()

    expect(chat.answer).to_contain_text("Third answer.")
    chat.wait_for_end()
    expect(chat.questions).to_contain_text(["Three"])
    expect(chat.answers).to_contain_text(["Third answer."])
    assert [message["content"] for message in asked(ollama)[-1]] == ["Three"]


def test_the_figures_of_an_answer_are_shown(chat: Chat, ollama: FakeOllama) -> None:
    ollama.play(answer("One", " two", " three"))
    chat.ask("Count")
    chat.wait_for_end()
    expect(chat.answer).to_contain_text("3 tokens50 tokens/s")
