"""A person keeps conversations in order."""

import pytest
from playwright.sync_api import expect

from ollama_rx.testing import FakeOllama, Gate, answer, json_reply
from tests.web.browser.chat import Chat, asked
from tests.web.browser.conftest import Visit
from tests.web.browser.watch import Watch


@pytest.fixture
def two(chat: Chat, ollama: FakeOllama) -> Chat:
    """Hold two conversations; the second one is open."""
    ollama.play(answer("Green, mostly."), answer("It falls as **rain**."))
    for question in ("What do frogs look like?", "Where does water come from?"):
        chat.page.get_by_role("link", name="New chat").click()
        chat.ask(question)
        chat.wait_for_end()
    return chat


def test_a_conversation_is_opened_from_the_list(two: Chat) -> None:
    two.conversation("What do frogs look like?").click()
    expect(two.title).to_have_text("What do frogs look like?")
    expect(two.answers).to_contain_text(["Green, mostly."])
    expect(two.page).to_have_title("What do frogs look like? · ollama-rx")


def test_the_search_finds_words_of_questions_and_answers(two: Chat) -> None:
    search = two.page.get_by_role("searchbox", name="Search conversations")
    for word, title in (
        ("rain", "Where does water"),
        ("FROGS", "What do frogs"),
        ("mostly", "What do frogs"),
    ):
        search.fill(word)
        expect(two.list.get_by_role("link")).to_contain_text([title])
    search.fill("nothing like this")
    expect(two.list).to_have_text("Nothing found.")
    search.fill("")
    expect(two.list.get_by_role("link")).to_have_count(2)


def test_the_list_shows_the_words_that_a_search_has_found(chat: Chat, ollama: FakeOllama) -> None:
    ollama.play(answer(f"{'green ' * 30}with a remarkable pouch, {'and more green ' * 30}"))
    chat.ask("What do marsupial frogs look like?")
    chat.wait_for_end()
    chat.page.get_by_role("searchbox", name="Search conversations").fill("remarkable")
    expect(chat.list).to_contain_text("remarkable")
    assert chat.list.locator(".snippet").evaluate(_IS_IN_SIGHT, "remarkable")


_IS_IN_SIGHT = """(snippet, word) => {
    const range = document.createRange();
    const end = snippet.textContent.indexOf(word) + word.length;
    range.setStart(snippet.firstChild, end - word.length);
    range.setEnd(snippet.firstChild, end);
    return range.getBoundingClientRect().right <= snippet.getBoundingClientRect().right;
}"""


def test_a_conversation_is_renamed(two: Chat) -> None:
    two.press_in_list("Rename", "Where does water come from?")
    dialog = two.page.get_by_role("dialog", name="Rename conversation")
    expect(dialog.get_by_role("textbox", name="Title")).to_have_value("Where does water come from?")
    dialog.get_by_role("textbox", name="Title").fill("Water")
    dialog.get_by_role("button", name="Rename").click()

    expect(dialog).to_be_hidden()
    expect(two.title).to_have_text("Water")
    expect(two.conversation("Water")).to_be_visible()


def test_a_deleted_conversation_is_gone_in_all_tabs(two: Chat, watch: Watch) -> None:
    watch.expect("404")
    other = two.another_tab()
    expect(other.title).to_have_text("Where does water come from?")
    two.page.bring_to_front()

    two.press_in_list("Delete", "Where does water come from?")
    dialog = two.page.get_by_role("dialog", name="Delete this conversation?")
    dialog.get_by_role("button", name="Cancel").click()
    expect(two.conversation("Where does water")).to_be_visible()
    two.press_in_list("Delete", "Where does water come from?")
    dialog.get_by_role("button", name="Delete").click()

    expect(two.conversation("Where does water")).to_have_count(0)
    expect(two.title).to_have_text("New chat")
    expect(other.conversation("Where does water")).to_have_count(0)


def test_a_conversation_is_deleted_while_it_is_answered(chat: Chat, ollama: FakeOllama, watch: Watch) -> None:
    watch.expect("404")
    ollama.play(answer("One, ", Gate()))
    chat.ask("Count")
    expect(chat.answer).to_contain_text("One,")
    chat.press_in_list("Delete", "Count")
    chat.page.get_by_role("dialog").get_by_role("button", name="Delete").click()

    ollama.wait_for_disconnect()
    expect(chat.title).to_have_text("New chat")
    expect(chat.answers).to_have_count(0)
    expect(chat.page.get_by_role("alert")).to_have_count(0)


def test_the_address_of_a_conversation_that_is_gone_leads_to_a_new_chat(
    chat: Chat, watch: Watch, served: str
) -> None:
    watch.expect("404")
    chat.page.goto(f"{served}/#/c/0123456789abcdef")
    expect(chat.page.get_by_text("This conversation does not exist any more.")).to_be_visible()
    expect(chat.title).to_have_text("New chat")


@pytest.mark.parametrize("way", ["choose", "paste", "drop"])
def test_an_image_is_sent_to_a_model_that_sees(
    ollama: FakeOllama, served: str, visit: Visit, way: str
) -> None:
    ollama.play(json_reply({"capabilities": ["completion", "vision"]}), path="/api/show")
    chat = Chat(visit(served))
    expect(chat.page.get_by_role("button", name="Attach images")).to_be_visible()

    if way == "choose":
        chat.page.set_input_files(
            "#image-files", {"name": "dot.png", "mimeType": "image/png", "buffer": _DOT}
        )
    else:
        chat.message.evaluate(_GIVE_FILE, [way, _DOT.hex()])
    expect(chat.page.get_by_role("list", name="Attached images").get_by_role("img")).to_have_count(1)
    chat.ask("What is this?")
    chat.wait_for_end()

    assert len(asked(ollama)[-1][-1]["images"]) == 1
    expect(chat.questions.get_by_role("img", name="Attached image 1")).to_be_visible()


def test_a_model_that_sees_nothing_is_sent_no_image(chat: Chat) -> None:
    expect(chat.message).to_have_attribute("placeholder", "Ask echo:latest")
    expect(chat.page.get_by_role("button", name="Attach images")).to_be_hidden()
    chat.message.evaluate(_GIVE_FILE, ["paste", _DOT.hex()])
    expect(chat.page.get_by_text("echo:latest cannot see images.")).to_be_visible()
    expect(chat.page.get_by_role("list", name="Attached images")).to_be_hidden()


_GIVE_FILE = """(field, [way, hex]) => {
    const bytes = Uint8Array.from(hex.match(/../g), (it) => parseInt(it, 16));
    const data = new DataTransfer();
    data.items.add(new File([bytes], "dot.png", { type: "image/png" }));
    const options = { bubbles: true, cancelable: true };
    field.dispatchEvent(
        way === "paste"
            ? new ClipboardEvent("paste", { ...options, clipboardData: data })
            : new DragEvent("drop", { ...options, dataTransfer: data }),
    );
}"""
_DOT = bytes.fromhex(  # a PNG of one pixel
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc0"
    "000003010100c9fe92ef0000000049454e44ae426082"
)
