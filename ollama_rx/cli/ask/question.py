"""What a command asks a model: the arguments that all commands which ask have in common."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from reactivex import Observable
from reactivex import operators as rx

from ollama_rx import Chunk, Client
from ollama_rx import operators as op
from ollama_rx.cli.ask.answer_report import AnswerReport
from ollama_rx.cli.ask.answer_text import AnswerText
from ollama_rx.cli.ask.input import read_format, read_image, read_prompt
from ollama_rx.cli.ask.options import parse_options, unknown_options
from ollama_rx.cli.choose_client import embedded_client, first_model, server_client, warn_if_blind
from ollama_rx.cli.output.layout import printable
from ollama_rx.cli.output.status_line import StatusLine
from ollama_rx.cli.terminal import usage_error


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question, as it stands on the command line."""

    prompt: str | None
    model: str | None
    system: str | None
    options: tuple[str, ...]
    host: str | None
    format: str | None = None
    images: tuple[str, ...] = ()
    thinking: bool | None = None
    """Whether the model's thoughts are wanted; None for a command that cannot show them."""

    def parse(self) -> "ParsedQuestion":
        """Read the options and the files that are named; the prompt is read when the question is asked."""
        with usage_error("--model"):
            check_name(self.model)
        with usage_error("--option"):
            options = parse_options(self.options)
        with usage_error("--format"):
            answer_format = read_format(self.format)
        with usage_error("--image"):
            images = [read_image(path) for path in self.images]
        return ParsedQuestion(self, options, answer_format, images)


@dataclass(frozen=True, slots=True)
class ParsedQuestion:
    """A question that is ready to be asked."""

    given: Question
    options: dict[str, Any]
    format: Literal["json"] | dict[str, Any] | None
    images: list[bytes]

    @contextmanager
    def ask(self, status: StatusLine) -> Generator["AnswerStream"]:
        """Read the prompt, choose the client, and yield the answer, which a subscription requests."""
        given = self.given
        with usage_error("PROMPT"):
            prompt = read_prompt(given.prompt, status)
        status.show("looking for a model")
        server = server_client(given.host, given.model)
        with server or embedded_client(status.echo) as client:
            model = self._choose_model(server, status) if server else given.model
            with usage_error("--option", argument="options"):
                chunks = client.generate(
                    prompt,
                    model=model,
                    system=given.system,
                    format=self.format,
                    images=self.images or None,
                    options=self.options or None,
                    think=given.thinking or None,
                )
            for warning in unknown_options(self.options):
                status.echo(warning)
            report = AnswerReport(
                model=model or "the embedded model",
                stop_option="stop" in self.options,
                json=self.format is not None,
                suggest_thinking=given.thinking is False,
            )
            status.show_loading(client, report.model)
            yield AnswerStream(chunks.pipe(op.split_thinking()) if given.thinking else chunks, report)

    def _choose_model(self, server: Client, status: StatusLine) -> str:
        named = self.given.model
        if named is None:
            model = first_model(server, "vision" if self.images else "completion")
            if status.is_visible:
                status.echo(f"{printable(model)} answers; -m NAME asks another model")
            return model
        if self.images:
            warn_if_blind(server, named, status.echo)
        return named


@dataclass(frozen=True, slots=True)
class AnswerStream:
    """The chunks of an answer, and what is seen of them."""

    chunks: Observable[Chunk]
    report: AnswerReport

    def text(self, text: AnswerText, see: Callable[[Chunk], object]) -> Observable[str]:
        """Return the text, which notes what it sees in the report; ``see`` is called with each chunk."""

        def see_chunk(chunk: Chunk) -> None:
            self.report.see(chunk)
            see(chunk)

        return self.chunks.pipe(
            op.gather_stats(self.report.set_stats),
            rx.do_action(see_chunk),
            text.operators,
            rx.do_action(self.report.see_text),
        )


def check_name(model: str | None) -> None:
    """Refuse an empty name, as of a variable that is not set."""
    if model is not None and not model.strip():
        raise ValueError("the name is empty")
