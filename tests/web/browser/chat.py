"""The page of `ollama-rx serve`, as a person uses it."""

from typing import Any, cast

from playwright.sync_api import Locator, Page, expect

from ollama_rx.testing import FakeOllama

# One matcher waits this long, in milliseconds: for a busy machine; on a quiet one nothing takes a second.
expect.set_options(timeout=20_000)


class Chat:
    """What is on the page, by the names that a screen reader says."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.message = page.get_by_role("textbox", name="Message", exact=True)
        self.stop = page.get_by_role("button", name="Stop the answer")
        self.answers = page.get_by_role("article", name="Answer")
        self.questions = page.get_by_role("article", name="Your message")
        self.list = page.get_by_role("navigation", name="Conversations")
        self.title = page.get_by_role("heading", level=1)

    @property
    def answer(self) -> Locator:
        """The last answer."""
        return self.answers.last

    def ask(self, text: str) -> None:
        """Type a message and send it, with the keyboard."""
        self.message.fill(text)
        self.message.press("Enter")

    def wait_for_end(self) -> None:
        """Wait until the answer has ended."""
        expect(self.stop).to_be_hidden()
        expect(self.answer.get_by_role("button", name="Copy answer")).to_be_visible()

    def conversation(self, title: str) -> Locator:
        """The link in the list."""
        return self.list.get_by_role("link", name=title)

    def show_list(self) -> None:
        """Show the list of conversations, which is a drawer on a phone."""
        opener = self.page.get_by_role("button", name="Show conversations")
        if opener.is_visible():
            opener.click()
            expect(self.page.get_by_role("button", name="Hide conversations")).to_be_visible()

    def press_in_list(self, button: str, title: str) -> None:
        """Press a button of a conversation in the list, which is shown when the mouse is there."""
        self.conversation(title).hover()
        self.list.get_by_role("button", name=f"{button} {title}").click()

    def another_tab(self) -> "Chat":
        """Open the same address in another tab of the same browser."""
        page = self.page.context.new_page()
        page.goto(self.page.url)
        return Chat(page)


def asked(ollama: FakeOllama) -> list[list[dict[str, Any]]]:
    """Return the messages of each answer that was asked for."""
    chats = [request for request in ollama.requests if request.path == "/api/chat"]
    return [cast(list[dict[str, Any]], request.json["messages"]) for request in chats]
