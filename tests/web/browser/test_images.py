"""A person attaches images to a message."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import FilePayload, Locator, expect

from ollama_rx.testing import FakeOllama, json_reply
from tests.web.browser.chat import Chat, asked

_DOT = bytes.fromhex(  # a PNG of one pixel
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc0"
    "000003010100c9fe92ef0000000049454e44ae426082"
)
_MODELS = {"models": [{"name": "eye:latest", "model": "eye:latest", "size": 1, "digest": "e1" * 32}]}
_READ_WHEN_TOLD = """() => {
    const read = window.createImageBitmap;
    const told = new Promise((resolve) => (window.readImages = resolve));
    window.createImageBitmap = async (file) => (await told, read(file));
}"""


@pytest.fixture
def ollama() -> Iterator[FakeOllama]:
    """Return a server with a model that sees."""
    sees = {"capabilities": ["completion", "vision"]}
    with FakeOllama(on={"/api/tags": json_reply(_MODELS), "/api/show": json_reply(sees)}) as fake:
        yield fake


@pytest.fixture
def images(chat: Chat) -> Locator:
    """Return the images of the next message."""
    expect(chat.page.get_by_role("button", name="Attach images")).to_be_visible()
    return chat.page.get_by_role("list", name="Attached images").get_by_role("img")


def attach(chat: Chat, *files: bytes) -> None:
    chat.page.set_input_files(
        "#image-files",
        [
            FilePayload(name=f"{number}.png", mimeType="image/png", buffer=file)
            for number, file in enumerate(files)
        ],
    )


def test_images_beyond_the_limit_are_refused_and_the_others_are_shown(
    chat: Chat, ollama: FakeOllama, images: Locator
) -> None:
    attach(chat, *[_DOT] * 10)
    expect(chat.page.get_by_text("A message can have 8 images.")).to_be_visible()
    expect(images).to_have_count(8)
    chat.ask("What is this?")
    chat.wait_for_end()
    assert len(asked(ollama)[-1][-1]["images"]) == 8


def test_a_file_that_is_no_image_is_refused_and_the_others_are_shown(chat: Chat, images: Locator) -> None:
    attach(chat, _DOT, b"no image", _DOT)
    expect(chat.page.get_by_text("1.png is not an image that this browser can read.")).to_be_visible()
    expect(images).to_have_count(2)


def test_images_that_are_attached_at_the_same_time_are_all_kept(chat: Chat, images: Locator) -> None:
    chat.page.evaluate(_READ_WHEN_TOLD)
    attach(chat, _DOT)
    attach(chat, _DOT)
    chat.page.evaluate("() => window.readImages()")
    expect(images).to_have_count(2)


def test_a_message_waits_for_its_images(chat: Chat, ollama: FakeOllama) -> None:
    expect(chat.page.get_by_role("button", name="Attach images")).to_be_visible()
    chat.page.evaluate(_READ_WHEN_TOLD)
    attach(chat, _DOT)
    chat.ask("What is this?")
    chat.page.evaluate("() => window.readImages()")
    chat.wait_for_end()
    assert len(asked(ollama)[-1][-1]["images"]) == 1
