"""The state of a chat: the conversation, the model, and its settings."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from reactivex import Observable

from ollama_rx import Chunk, Client, Conversation, Message
from ollama_rx import operators as op
from ollama_rx.cli.ask.answer_report import AnswerReport
from ollama_rx.cli.choose_client import first_value
from ollama_rx.cli.user_files import check_regular_file
from ollama_rx.conversation.saved_file import SavedConversation, read_saved
from ollama_rx.responses import Model, ModelInfo

Thinking = Literal["off", "on", "low", "medium", "high"]


@dataclass(slots=True)
class ChatSession:
    """A talk whose model, system prompt and thinking may change in the middle; the history stays."""

    client: Client
    talk: Conversation
    model: str
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    thinking: Thinking | None = None
    """Whether the model is to think; None leaves it to the server."""
    file: Path | None = None
    """The file that the talk was last loaded from or saved to."""
    report: AnswerReport | None = None
    """What was seen of the last answer."""
    has_told_of_cut: bool = False
    """Whether the user knows that the server leaves out old messages."""
    model_names: Sequence[str] = ()
    """The names of the server's models, as far as they are known."""

    def say(self, text: str, images: Sequence[bytes]) -> Observable[Chunk]:
        """Return the answer to the user's next message."""
        think = {None: None, "on": True, "off": False}.get(self.thinking, self.thinking)
        chunks = self.talk.say(text, images=images or None, think=think)  # type: ignore[arg-type]
        return chunks.pipe(op.split_thinking()) if self.shows_thoughts else chunks

    @property
    def shows_thoughts(self) -> bool:
        """Whether the user wants to see what the model thinks."""
        return self.thinking not in {None, "off"}

    @property
    def system(self) -> str:
        """The system prompt; empty if the model's own is used."""
        first = self.talk.messages[:1]
        return first[0].content if first and first[0].role == "system" else ""

    def set_system(self, text: str) -> None:
        """Replace the system prompt; an empty text restores the model's own."""
        rest = self.talk.messages[1:] if self.system else self.talk.messages
        self._go_on_with((Message("system", text), *rest) if text else rest)

    def set_model(self, name: str) -> None:
        """Let another model answer from now on."""
        self.model = name
        self._go_on_with(self.talk.messages)

    def load(self, path: Path) -> str | None:
        """Go on with the talk in a file, and return the model that it was held with.

        Raises:
            OSError: the file cannot be read; nothing has changed.
            ValueError: it does not hold a talk; nothing has changed.
        """
        saved = read_talk(path)
        self.talk = Conversation.load(self.client, path, model=self.model, options=self.options or None)
        self.file, self.report, self.has_told_of_cut = path, None, False
        return saved.model

    def save(self, path: Path) -> None:
        """Write the talk to a file.

        Raises:
            OSError: the file cannot be written.
            ValueError: there is a file of another kind, which stays as it is.
        """
        if path.is_file() and path.stat().st_size:
            try:
                read_saved(path)
            except ValueError as error:
                raise ValueError(f"{path} is not a saved conversation, so it is not overwritten") from error
        self.talk.save(path)
        self.file = path

    def models(self) -> Sequence[Model]:
        """Ask the server for its models."""
        found = first_value(self.client.models())
        self._set_names(found)
        return [model for model in found if model.name]

    def find_names(self) -> None:
        """Ask the server for the names of its models, and do not wait for the answer."""
        self.client.models().subscribe(self._set_names, lambda _: None)

    def _set_names(self, found: Sequence[Model]) -> None:
        self.model_names = tuple(model.name for model in found if model.name)

    def show(self, name: str) -> ModelInfo:
        """Ask the server about a model.

        Raises:
            ModelNotFoundError: the server does not have it.
        """
        return first_value(self.client.show(name))

    def _go_on_with(self, messages: Sequence[Message]) -> None:
        self.talk = Conversation(
            self.client, model=self.model, messages=messages, options=self.options or None
        )


def read_talk(path: Path) -> SavedConversation:
    """Read the talk in a file, which is not a pipe: that could be read only once, and the prompt would wait.

    Raises:
        OSError: the file cannot be read.
        ValueError: it does not hold a talk.
    """
    check_regular_file(path, str(path))
    return read_saved(path)
