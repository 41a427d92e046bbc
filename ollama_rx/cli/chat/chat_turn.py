"""One turn of a chat: send the user's message, give the answer, keep in the history what was given."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ollama_rx.cli.ask.answer_interrupt import AnswerInterrupt
from ollama_rx.cli.ask.answer_report import AnswerReport
from ollama_rx.cli.ask.question import AnswerStream
from ollama_rx.cli.chat.answer_output import AnswerOutput, TurnTerminal
from ollama_rx.cli.chat.chat_session import ChatSession
from ollama_rx.cli.chat.held_keys import HeldKeys
from ollama_rx.cli.output.layout import printable
from ollama_rx.cli.output.status_line import StatusLine
from ollama_rx.cli.terminal import echo, error_words, one_line
from ollama_rx.errors import OllamaError

NOT_BEGUN: Final = "stopped before the answer began; your message is not in the history"


@dataclass(frozen=True, slots=True)
class TurnEnd:
    """How a turn has ended."""

    has_failed: bool = False
    may_try_again: bool = False
    """Whether the message is not in the history, and the user has typed nothing else meanwhile."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of giving an answer to the user."""

    error: Exception | None
    was_interrupted: bool
    """Whether Ctrl-C was pressed."""
    was_stopped: bool
    """Whether the user has ended the answer, with Ctrl-C or with a key."""
    was_answered: bool
    has_keys: bool
    """Whether the user has typed something meanwhile."""

    @property
    def is_unanswered(self) -> bool:
        """Whether the answer was ended before the user got anything of it."""
        return (self.was_stopped or self.error is not None) and not self.was_answered


@dataclass(frozen=True, slots=True)
class ChatTurn:
    """Takes one message to the model and the answer to the user."""

    session: ChatSession
    keys: HeldKeys
    make_output: Callable[[], AnswerOutput]

    def take(self, text: str, images: Sequence[bytes]) -> TurnEnd:
        """Hold one turn.

        An answer that was stopped is in the history as far as the user got it. A message to which nothing was
        answered is not in the history.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed, but there is no prompt to return to.
            EOFError: nobody reads the answers.
        """
        talk, output = self.session.talk, self.make_output()
        before = len(talk.messages)
        outcome = self._give(output, text, images)
        if outcome.is_unanswered:
            if len(talk.messages) > before:
                talk.undo()  # thoughts without an answer, or an answer that was not given
        elif outcome.was_stopped:
            self._keep(output)
        self._say_what_happened(outcome, output.given)
        if outcome.was_interrupted and not sys.stdin.isatty():
            raise KeyboardInterrupt
        if not output.has_reader:
            raise EOFError
        return TurnEnd(
            has_failed=outcome.error is not None,
            may_try_again=outcome.is_unanswered and not outcome.has_keys,
        )

    def _give(self, output: AnswerOutput, text: str, images: Sequence[bytes]) -> _Outcome:
        """Ask the model, and give its answer to the user."""
        session = self.session
        report = session.report = AnswerReport(model=session.model, suggest_thinking=False)
        error: Exception | None = None
        with StatusLine() as status, self.keys.hidden(), AnswerInterrupt() as interrupt:
            status.show_loading(session.client, session.model)
            try:
                answer = AnswerStream(session.say(text, images), report)
                output.give(answer, TurnTerminal(status, self.keys, interrupt))
            except (OllamaError, OSError) as failure:
                error = report.error = failure
            has_keys = self.keys.count() > 0
        was_stopped = interrupt.happened or output.was_stopped
        if was_stopped:
            report.error = KeyboardInterrupt()
        return _Outcome(
            error=error,
            was_interrupted=interrupt.happened,
            was_stopped=was_stopped,
            was_answered=bool(output.text.strip()),
            has_keys=has_keys,
        )

    def _keep(self, output: AnswerOutput) -> None:
        """Shorten the answer in the history to what the user has got."""
        talk, text = self.session.talk, output.text
        if talk.messages[-1].content.split() != text.split():
            talk.heard(text)

    def _say_what_happened(self, outcome: _Outcome, given: str) -> None:
        talk = self.session.talk
        if outcome.error is not None:
            echo(f"ollama-rx: {one_line(error_words(outcome.error))}")
        elif outcome.is_unanswered:
            echo(NOT_BEGUN)
        elif outcome.was_stopped and talk.messages[-1].cut:
            echo(f"stopped; the history keeps the answer as far as it was {given}")
        if talk.cut_by_server and not self.session.has_told_of_cut:
            self.session.has_told_of_cut = True
            echo(
                f"the conversation no longer fits into the context of {printable(self.session.model)}: "
                "the server leaves out the oldest messages"
            )
