"""The embedded model on a real port, once for all tests: clients that do not know us use it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from ollama_rx.embedded import handlers
from ollama_rx.embedded.embedded_transport import EmbeddedTransport
from ollama_rx.embedded.model_cache import LoadedModel
from ollama_rx.embedded.reply_lines import AnswerWriter
from ollama_rx.web import ollama_api
from tests.web.serving import served


@dataclass
class Port:
    """Where the model is, and what it does."""

    url: str
    transport: EmbeddedTransport
    writers: list[AnswerWriter] = field(default_factory=list[AnswerWriter])

    def wait_until_idle(self) -> None:
        """Wait until no thread computes an answer."""
        for worker in list(self.transport.workers):
            worker.join()

    @property
    def is_last_answer_complete(self) -> bool:
        """Whether the model has come to the end of its last answer, so that nothing has stopped it."""
        return self.writers[-1].complete


@pytest.fixture(scope="session")
def session_port(loaded_model: LoadedModel) -> Iterator[Port]:
    transport = EmbeddedTransport(None, any_name=False, show_progress=False)
    assert loaded_model.path.exists()
    with served(ollama_api(transport)) as url:
        yield Port(url, transport)
    transport.close()


@pytest.fixture
def port(session_port: Port, monkeypatch: pytest.MonkeyPatch) -> Port:
    class Noted(AnswerWriter):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments)  # type: ignore[arg-type]
            session_port.writers.append(self)

    monkeypatch.setattr(handlers, "AnswerWriter", Noted)
    return session_port
