"""What has arrived of an answer survives the death of the server."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from ollama_rx.testing import FakeOllama, Gate, answer
from tests.web.browser.chat import Chat
from tests.web.browser.conftest import Visit
from tests.web.browser.watch import Watch

_LOST = r"ERR_(CONNECTION_(REFUSED|RESET|CLOSED)|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING)"


class ServeCommand:
    """`ollama-rx serve` as a process, always with the same conversations and at the same port."""

    def __init__(self, ollama_url: str, folder: Path) -> None:
        self._ollama_url = ollama_url
        self._folder = folder
        self._port = "0"
        self.start()

    def start(self) -> None:
        """Start it, and wait until it serves."""
        options = ["--port", self._port, "--host", self._ollama_url, "--no-voice"]
        self.process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", "from ollama_rx.cli import main; main()", "serve", *options],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OLLAMA_RX_DATA": str(self._folder)},
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        self._port = self.url.rstrip("/").rpartition(":")[2]

    def kill(self) -> None:
        """End it without a chance to do anything."""
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def serve(ollama: FakeOllama, tmp_path: Path) -> Iterator[ServeCommand]:
    """Run the command."""
    command = ServeCommand(ollama.url, tmp_path)
    yield command
    command.kill()


def wait_until_saved(chat: Chat, text: str) -> None:
    """Wait until a search finds the text: it looks into the file."""
    chat.page.evaluate(
        """async (text) => {
            const search = () => fetch(`/api/conversations?search=${text}`).then((it) => it.json());
            while (!(await search()).length) await new Promise((resolve) => setTimeout(resolve, 50));
        }""",
        text,
    )


def test_what_has_arrived_of_an_answer_survives_the_death_of_the_server(
    ollama: FakeOllama, serve: ServeCommand, visit: Visit, watch: Watch
) -> None:
    watch.expect(_LOST)
    ollama.play(answer("Saved ", *["so far "] * 5, Gate()), answer("The whole answer."))
    chat = Chat(visit(serve.url))
    chat.ask("Hi")
    expect(chat.answer).to_contain_text("Saved so far")
    wait_until_saved(chat, "Saved so far")

    serve.kill()

    ollama.wait_for_disconnect()
    lost = chat.page.get_by_role("alert").filter(has_text="connection to the server is lost")
    expect(lost).to_be_visible()
    serve.start()
    lost.get_by_role("button", name="Try now").click()
    expect(lost).to_be_hidden()
    expect(chat.answer).to_contain_text("Saved so far")
    expect(chat.answer).to_contain_text("This answer was stopped before its end.")
    expect(chat.stop).to_be_hidden()
    chat.page.reload()
    expect(chat.answer).to_contain_text("Saved so far")
    chat.answer.get_by_role("button", name="Ask again").first.click()
    expect(chat.answers).to_contain_text(["The whole answer."])
