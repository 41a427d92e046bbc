"""``ollama-rx run``: send a prompt, deliver the answer to sinks."""

import sys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass

from ollama_rx import deliver
from ollama_rx.cli.ask.answer_interrupt import AnswerInterrupt
from ollama_rx.cli.ask.answer_progress import AnswerProgress
from ollama_rx.cli.ask.answer_report import AnswerReport, format_stats
from ollama_rx.cli.ask.answer_text import AnswerText, in_sentences
from ollama_rx.cli.ask.question import AnswerStream, Question
from ollama_rx.cli.ask.thoughts import Thoughts
from ollama_rx.cli.output.layout import printable
from ollama_rx.cli.output.status_line import StatusLine
from ollama_rx.cli.terminal import echo, exit_on_error, usage_error
from ollama_rx.sinks import Branch, Console, Sink, StopSink, sink_from_uri


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCommand:
    """The arguments of ``ollama-rx run``."""

    question: Question
    sentences: bool
    markdown: bool
    stop: tuple[str, ...]
    stats: bool
    to: tuple[str, ...]

    def execute(self) -> None:
        """Send the prompt and deliver the answer; raises `typer.Exit` on failure."""
        with exit_on_error(), StatusLine() as status, ExitStack() as unused_sinks:
            question = self.question.parse()
            with usage_error("--stop", argument="words"):
                text = AnswerText(stop=self.stop, sentences=self.sentences)
            with usage_error("--markdown"):
                self._check_markdown()
            with usage_error("--to"):
                check_destinations(self.to)
                sinks = [unused_sinks.enter_context(self._sink(uri)) for uri in self.to]
            with question.ask(status) as answer:
                unused_sinks.pop_all()  # from here on the delivery closes them
                self._deliver(answer, text, sinks, status)

    def _sink(self, uri: str) -> Sink[str]:
        if uri == "console":
            return Console(end="\n" if self.sentences else "", markdown=self.markdown)
        return sink_from_uri(uri)

    def _as_taken(self, sink: Sink[str]) -> Sink[str] | Branch[str]:
        """Return what gives the sink the text in the pieces that it takes."""
        return in_sentences(sink) if sink.takes_sentences and not self.sentences else sink

    def _check_markdown(self) -> None:
        if self.markdown and self.sentences:
            raise ValueError("sentences on lines of their own are not Markdown; leave --sentences out")
        if self.markdown and "console" not in self.to:
            raise ValueError("only the console shows Markdown; add --to console")

    def _deliver(
        self, answer: AnswerStream, text: AnswerText, sinks: list[Sink[str]], status: StatusLine
    ) -> None:
        thoughts = Thoughts(beside=console_on_terminal(sinks)) if self.question.thinking else None
        report = answer.report
        progress = AnswerProgress(status, report.model, thoughts)
        try:
            with AnswerInterrupt() as interrupt:
                interrupt.wait(deliver(answer.text(text, progress.see), *map(self._as_taken, sinks)))
            interrupt.raise_if_happened()
        except BaseException as error:
            report.error = error
            raise
        finally:
            progress.end()
            if isinstance(report.error, KeyboardInterrupt) and self.sentences and "console" in self.to:
                print_unfinished(text.unfinished())
            report.stop_word = text.stop_word
            self._print_report(report)

    def _print_report(self, report: AnswerReport) -> None:
        if missing := report.missing():
            echo(printable(missing))
        if self.stats and report.stats is not None and report.stats.chunks:
            echo(("\n" if sys.stderr.isatty() else "") + format_stats(report.stats, report.end()))


def check_destinations(uris: Sequence[str]) -> None:
    """Refuse destinations that would mix two texts.

    Raises:
        ValueError: a sink is named twice, or two of them print on standard output.
    """
    for uri in uris:
        if uris.count(uri) > 1:
            raise ValueError(f"{uri} is given twice")
    if "console" in uris and "jsonl:-" in uris:
        raise ValueError("console and jsonl:- would both print on standard output")


def console_on_terminal(sinks: Iterable[Sink[str]]) -> Console | None:
    """Return the console whose answer appears on the same terminal as standard error."""
    if not (sys.stdout.isatty() and sys.stderr.isatty()):
        return None
    return next((sink for sink in sinks if isinstance(sink, Console)), None)


def print_unfinished(sentences: Iterable[str]) -> None:
    """Print the sentences that had begun when the answer was interrupted, below the ^C of a terminal."""
    below = "\n" if sys.stdout.isatty() else ""
    with suppress(StopSink), Console(end="\n") as console:
        for sentence in sentences:
            console.on_next(below + sentence)
            below = ""
