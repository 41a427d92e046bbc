"""An answer on standard output."""

import sys

from ollama_rx import deliver
from ollama_rx.cli.ask.answer_progress import AnswerProgress
from ollama_rx.cli.ask.question import AnswerStream
from ollama_rx.cli.ask.thoughts import Thoughts
from ollama_rx.cli.chat.answer_output import AnswerOutput, TurnTerminal, whole_text
from ollama_rx.cli.output.layout import printable
from ollama_rx.cli.terminal import echo
from ollama_rx.sinks import Console, StopSink


class PrintedAnswer(AnswerOutput):
    """Prints an answer as it arrives; thoughts above it, if they are wanted."""

    def __init__(self, *, markdown: bool, thoughts: bool) -> None:
        self._console = _ShownText(markdown=markdown)
        self._thoughts = thoughts

    @property
    def text(self) -> str:
        """What was printed."""
        return self._console.text

    @property
    def has_reader(self) -> bool:  # type: ignore[override]
        """Whether anybody reads the output."""
        return self._console.has_reader

    def give(self, answer: AnswerStream, terminal: TurnTerminal) -> None:
        """Print the answer."""
        is_one_terminal = sys.stdout.isatty() and sys.stderr.isatty()
        thoughts = Thoughts(beside=self._console if is_one_terminal else None) if self._thoughts else None
        progress = AnswerProgress(terminal.status, answer.report.model, thoughts)
        try:
            terminal.interrupt.wait(deliver(answer.text(whole_text(), progress.see), self._console))
        finally:
            progress.end()
            if missing := answer.report.missing():
                echo(printable(missing))


class _ShownText(Console):
    """A console that keeps what it has printed."""

    def __init__(self, *, markdown: bool) -> None:
        super().__init__(markdown=markdown)
        self._pieces: list[str] = []
        self.has_reader = True

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    def _print_text(self, text: str) -> None:
        try:
            super()._print_text(text)
        except StopSink:
            self.has_reader = False
            raise
        self._pieces.append(text)
