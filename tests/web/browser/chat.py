"""The page of `ollama-rx serve`, as a person uses it."""

from playwright.sync_api import Locator, Page, expect

# One matcher waits this long, in milliseconds: for a busy machine; on a quiet one nothing takes a second.
expect.set_options(timeout=5_000)


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
