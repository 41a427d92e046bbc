"""``ollama-rx run``: a prompt in, a pipeline, sinks out."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from reactivex import Observable, compose
from reactivex import operators as rx

from ollama_rx import Chunk, deliver
from ollama_rx import operators as op
from ollama_rx.cli.endings import endings, usage
from ollama_rx.cli.figures import describe
from ollama_rx.cli.notes import say
from ollama_rx.cli.options import parse_options
from ollama_rx.cli.prompt import read_prompt
from ollama_rx.cli.server import embedded_client, server, talking_model
from ollama_rx.sinks import Branch, Console, Sink, sink_from_uri
from ollama_rx.stats import Stats


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What the words on the command line ask for."""

    prompt: str | None
    model: str | None
    system: str | None
    sentences: bool
    stop: tuple[str, ...]
    thinking: bool
    stats: bool
    to: tuple[str, ...]
    options: tuple[str, ...]
    host: str | None

    def perform(self) -> None:
        """Ask and deliver; raises `typer.Exit` unless all went well."""
        with endings():
            with usage("PROMPT"):
                prompt = read_prompt(self.prompt)
            with usage("--option"):
                options = parse_options(self.options)
            with usage("--stop"):
                text = self._text()
            with usage("--to"):
                sinks = [self._sink(uri) for uri in self.to]
            client = server(self.host)
            model = (self.model or talking_model(client)) if client else None
            with client or embedded_client(self.model) as client:
                with usage("--option"):
                    chunks = client.generate(
                        prompt,
                        model=model,
                        system=self.system,
                        options=options or None,
                        think=self.thinking or None,
                    )
                self._deliver(chunks, [sink.after(text) for sink in sinks])

    def _deliver(self, chunks: Observable[Chunk], branches: list[Branch[Chunk]]) -> None:
        if self.thinking:
            chunks = chunks.pipe(op.split_thinking())
            thoughts = Console(sys.stderr, thinking=True).after(rx.take_while(_without_text))
            branches = [thoughts, *branches]
        figures: list[Stats] = []
        try:
            deliver(chunks.pipe(op.gather_stats(figures.append)), *branches).wait()
        finally:
            if self.stats and figures and figures[0].chunks:
                say(("\n" if sys.stderr.isatty() else "") + describe(figures[0]))

    def _text(self) -> Callable[[Observable[Chunk]], Observable[str]]:
        steps: list[Callable[[Any], Any]] = [op.text()]
        if self.stop:
            steps.append(op.stop_at(*self.stop))
        if self.sentences:
            steps.append(op.split_sentences())
        return compose(*steps)

    def _sink(self, uri: str) -> Sink[str]:
        if uri == "console":
            return Console(end="\n" if self.sentences else "")
        return sink_from_uri(uri)


def _without_text(chunk: Chunk) -> bool:
    return not chunk.text
