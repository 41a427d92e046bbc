"""How a chat gives an answer to the user: the contract of printing and speaking it."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from ollama_rx.cli.ask.answer_interrupt import AnswerInterrupt
from ollama_rx.cli.ask.answer_text import AnswerText
from ollama_rx.cli.ask.question import AnswerStream
from ollama_rx.cli.chat.held_keys import HeldKeys
from ollama_rx.cli.output.status_line import StatusLine


@dataclass(frozen=True, slots=True)
class TurnTerminal:
    """What the terminal does during a turn."""

    status: StatusLine
    keys: HeldKeys
    interrupt: AnswerInterrupt


class AnswerOutput(ABC):
    """Gives one answer to the user, and knows how much of it the user has got."""

    was_stopped = False
    """Whether the user has stopped the answer, other than by Ctrl-C."""
    has_reader = True
    """Whether anybody reads the output; False after a closed pipe."""
    given = "shown"
    """How the user got the answer, in a sentence."""

    @property
    @abstractmethod
    def text(self) -> str:
        """What of the answer the user has got, as the model wrote it."""

    @abstractmethod
    def give(self, answer: AnswerStream, terminal: TurnTerminal) -> None:
        """Give the answer, until it ends or is interrupted.

        Raises:
            OllamaError: the answer has failed, or the output.
            OSError: the output cannot be written.
        """


def whole_text() -> AnswerText:
    """Return the operators for an answer that is given as it is."""
    return AnswerText(stop=(), sentences=False)
