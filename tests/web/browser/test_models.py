"""A person chooses who answers, and whether it thinks first."""

from playwright.sync_api import expect

from ollama_rx.testing import FakeOllama, json_reply
from tests.web.browser.chat import Chat
from tests.web.browser.conftest import Visit

_TWO = {
    "models": [{"name": name, "model": name, "digest": name} for name in ("small:latest", "large:latest")]
}


def test_the_chosen_model_answers_and_stays_chosen(ollama: FakeOllama, served: str, visit: Visit) -> None:
    ollama.play(json_reply(_TWO), path="/api/tags")
    chat = Chat(visit(served))
    models = chat.page.get_by_role("combobox", name="Model")
    models.select_option("large:latest")
    chat.ask("Hello")
    chat.wait_for_end()
    assert _last(ollama)["model"] == "large:latest"
    models.select_option("small:latest")
    chat.ask("And you?")
    expect(chat.answers).to_contain_text(["Answer of large:latest", "Answer of small:latest"])
    chat.wait_for_end()
    assert _last(ollama)["model"] == "small:latest"

    chat.page.reload()
    expect(models).to_have_value("small:latest")
    expect(chat.answers).to_contain_text(["Answer of large:latest", "Answer of small:latest"])


def test_a_model_that_can_think_thinks_when_it_is_asked_to(
    ollama: FakeOllama, served: str, visit: Visit
) -> None:
    ollama.play(json_reply({"capabilities": ["completion", "thinking"]}), path="/api/show")
    chat = Chat(visit(served))
    think = chat.page.get_by_role("button", name="Think")
    chat.ask("One")
    chat.wait_for_end()
    assert _last(ollama).get("think") is not True
    think.click()
    chat.page.reload()
    expect(think).to_have_attribute("aria-pressed", "true")
    chat.ask("Two")
    expect(chat.answers).to_have_count(2)
    chat.wait_for_end()
    assert _last(ollama)["think"] is True


def test_a_model_that_cannot_think_is_not_asked_to(chat: Chat) -> None:
    expect(chat.message).to_have_attribute("placeholder", "Ask echo:latest")
    expect(chat.page.get_by_role("button", name="Think")).to_be_hidden()


def _last(ollama: FakeOllama) -> dict[str, object]:
    """Return the last request for an answer."""
    return dict([request for request in ollama.requests if request.path == "/api/chat"][-1].json)
