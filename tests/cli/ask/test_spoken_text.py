"""The text of an answer appears as it is said."""

from collections.abc import Iterable
from io import StringIO

import pytest

from ollama_rx.cli.ask.spoken_text import SpokenText
from ollama_rx.cli.output.status_line import StatusLine
from ollama_rx.speech import SpeechEvent, Word

BOLD = "**Hello** [Ada](https://a.b), how are you?"
SAID = "Hello Ada, how are you?"


class Page(StringIO):
    """A text that is printed, and the voice that says it."""

    def __init__(self, *sentences: str) -> None:
        super().__init__()
        self.text = SpokenText(self, StatusLine(StringIO()))
        for sentence in sentences:
            self.text.add(sentence)

    def start(self, written: str, said: str, words: Iterable[str] = ()) -> None:
        known = tuple(Word(word, 0.0, 0.0) for word in words)
        self.text.on_event(SpeechEvent("started", written, said, 0.0, 0.0, known))

    def say(self, *words: str) -> str:
        for word in words:
            self.text.on_word(Word(word, 0.0, 0.0))
        return self.getvalue()

    def end(self, written: str) -> None:
        self.text.on_event(SpeechEvent("spoken", written, "", 0.0, 0.0))


@pytest.fixture
def page() -> Page:
    page = Page(BOLD)
    page.start(BOLD, SAID, ["Hello"])
    return page


def test_each_word_is_printed_as_it_was_written(page: Page) -> None:
    assert page.getvalue() == ""
    assert page.say("Hello") == "**Hello**"
    assert page.say("Ada,") == "**Hello** [Ada](https://a.b),"
    assert page.say("how", "are", "you?") == BOLD


def test_a_word_that_is_not_said_changes_nothing(page: Page) -> None:
    assert page.say("Hello", "nonsense") == "**Hello**"


def test_the_end_of_a_sentence_prints_all_of_it(page: Page) -> None:
    page.say("Hello")
    page.end(BOLD)
    assert page.getvalue() == BOLD


def test_without_words_the_sentence_is_printed_when_it_begins() -> None:
    page = Page(BOLD)
    page.start(BOLD, SAID)
    assert page.say("Hello") == BOLD


def test_what_is_not_said_comes_before_the_next_sentence_or_at_the_end() -> None:
    page = Page("`a`\n", "One.", "\n`b`\n")
    page.start("One.", "One.", ["One."])
    assert page.getvalue() == "`a`\n"
    assert page.say("One.") == "`a`\nOne."
    page.text.on_event(SpeechEvent("finished", "", "", 0.0, 0.0))
    assert page.getvalue() == "`a`\nOne.\n`b`\n"


def test_after_an_interruption_the_line_ends_and_nothing_more_is_printed(page: Page) -> None:
    page.say("Hello")
    page.text.on_event(SpeechEvent("interrupted", "**Hello**", "", 0.0, 0.0))
    page.text.close()
    assert page.say("Ada,") == "**Hello**\n"
