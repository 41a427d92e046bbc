"""An answer goes on after a reload, and after everything that happens to connections."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from ollama_rx.testing import FakeOllama, Gate, answer
from tests.web.browser.chat import Chat, asked
from tests.web.browser.conftest import Visit
from tests.web.browser.relay import Relay
from tests.web.browser.watch import Watch

_LOST = r"ERR_(CONNECTION_\w+|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING|INTERNET_DISCONNECTED)"


@pytest.fixture
def gate(ollama: FakeOllama) -> Gate:
    """Hold the answer back in the middle."""
    gate = Gate()
    ollama.play(answer("One, ", "two, ", gate, "three, ", "four."))
    return gate


@pytest.fixture
def relay(served: str) -> Iterator[Relay]:
    """Return a connection to the page that can be cut."""
    with Relay(served) as it:
        yield it


def test_an_answer_goes_on_after_a_reload(chat: Chat, gate: Gate, ollama: FakeOllama) -> None:
    chat.ask("Count")
    expect(chat.answer).to_contain_text("One, two,")

    chat.page.reload()

    expect(chat.answer).to_contain_text("One, two,")
    expect(chat.stop).to_be_visible()
    gate.open()
    chat.wait_for_end()
    expect(chat.answer.get_by_text("One, two, three, four.", exact=True)).to_be_visible()
    assert len(asked(ollama)) == 1


def test_an_answer_that_ends_while_the_page_is_closed_is_there_later(
    chat: Chat, gate: Gate, ollama: FakeOllama
) -> None:
    chat.ask("Count")
    expect(chat.answer).to_contain_text("One, two,")
    address = chat.page.url
    chat.page.goto("about:blank")
    gate.open()
    ollama.wait_for_answer()
    chat.page.goto(address)
    chat.wait_for_end()
    expect(chat.answer.get_by_text("One, two, three, four.", exact=True)).to_be_visible()


def test_an_answer_goes_on_after_the_connection_was_cut(
    relay: Relay, visit: Visit, gate: Gate, watch: Watch
) -> None:
    watch.expect(_LOST)
    chat = Chat(visit(relay.url))
    chat.ask("Count")
    expect(chat.answer).to_contain_text("One, two,")

    relay.cut()

    lost = chat.page.get_by_role("alert").filter(has_text="connection to the server is lost")
    expect(lost).to_be_visible()
    gate.open()
    relay.mend()
    lost.get_by_role("button", name="Try now").click()
    chat.wait_for_end()
    expect(chat.answer.get_by_text("One, two, three, four.", exact=True)).to_be_visible()
    expect(lost).to_be_hidden()


def test_an_answer_goes_on_by_itself_when_the_network_is_back(chat: Chat, gate: Gate, watch: Watch) -> None:
    watch.expect(_LOST)
    chat.ask("Count")
    expect(chat.answer).to_contain_text("One, two,")
    chat.page.context.set_offline(True)
    gate.open()
    chat.page.context.set_offline(False)
    chat.wait_for_end()
    expect(chat.answer.get_by_text("One, two, three, four.", exact=True)).to_be_visible()


def test_a_message_that_could_not_be_sent_stays_in_its_field(
    relay: Relay, visit: Visit, watch: Watch
) -> None:
    watch.expect(_LOST)
    chat = Chat(visit(relay.url))
    expect(chat.message).to_have_attribute("placeholder", "Ask echo:latest")
    relay.cut()

    chat.ask("Are you there?")

    lost = chat.page.get_by_role("alert")
    expect(lost).to_contain_text("connection to the server is lost")
    expect(chat.message).to_have_value("Are you there?")
    relay.mend()
    lost.get_by_role("button", name="Try now").click()
    expect(lost).to_be_hidden()
    chat.message.press("Enter")
    chat.wait_for_end()
    expect(chat.answer).to_contain_text("Are you there?")
    expect(chat.questions).to_have_count(1)
