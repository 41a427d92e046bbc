"""``ollama-rx run``: send a prompt, deliver the answer to sinks."""

import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import orjson
from reactivex import Observable, compose
from reactivex import operators as rx

from ollama_rx import Chunk, deliver
from ollama_rx import operators as op
from ollama_rx.cli.choose_client import completion_model, embedded_client, server_client
from ollama_rx.cli.terminal import align_columns, echo, exit_on_error, usage_error
from ollama_rx.sinks import Branch, Console, Sink, sink_from_uri
from ollama_rx.stats import Metrics, Stats


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCommand:
    """The arguments of ``ollama-rx run``."""

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

    def execute(self) -> None:
        """Send the prompt and deliver the answer; raises `typer.Exit` on failure."""
        with exit_on_error(), ExitStack() as unused_sinks:
            with usage_error("PROMPT"):
                prompt = read_prompt(self.prompt)
            with usage_error("--option"):
                options = parse_options(self.options)
            with usage_error("--stop"):
                text = self._to_text()
            with usage_error("--to"):
                sinks = [unused_sinks.enter_context(self._sink(uri)) for uri in self.to]
            client = server_client(self.host)
            model = (self.model or completion_model(client)) if client else None
            with client or embedded_client(self.model) as client:
                with usage_error("--option"):
                    chunks = client.generate(
                        prompt,
                        model=model,
                        system=self.system,
                        options=options or None,
                        think=self.thinking or None,
                    )
                unused_sinks.pop_all()  # from here on the delivery closes them
                self._deliver(chunks, [sink.after(text) for sink in sinks])

    def _deliver(self, chunks: Observable[Chunk], branches: list[Branch[Chunk]]) -> None:
        if self.thinking:
            chunks = chunks.pipe(op.split_thinking())
            thoughts = Console(sys.stderr, thinking=True).after(rx.take_while(_without_text))
            branches = [thoughts, *branches]
        stats: list[Stats] = []
        try:
            deliver(chunks.pipe(op.gather_stats(stats.append)), *branches).wait()
        finally:
            if self.stats and stats and stats[0].chunks:
                echo(("\n" if sys.stderr.isatty() else "") + format_stats(stats[0]))

    def _to_text(self) -> Callable[[Observable[Chunk]], Observable[str]]:
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


def read_prompt(given: str | None) -> str:
    """Return the prompt; standard input is read if it is ``-``, or missing while input is piped in.

    Bytes in standard input that are not UTF-8 are replaced, after a line that says so.

    Raises:
        ValueError: the prompt is missing or empty.
    """
    if given not in (None, "-"):
        prompt = given
    elif given is None and sys.stdin.isatty():
        raise ValueError("give a prompt, or pipe one in")
    else:
        prompt = _decode(sys.stdin.buffer.read())
    if not prompt.strip():
        raise ValueError("the prompt is empty")
    return prompt


def _decode(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        echo("the prompt is not UTF-8: bytes that cannot be read are replaced by \ufffd")
        return content.decode(errors="replace")


def parse_options(words: Iterable[str]) -> dict[str, Any]:
    """Parse ``--option KEY=VALUE`` words; a value that is JSON is parsed, any other value is text.

    >>> parse_options(["temperature=0.5", "num_predict=50", "use_mmap=true", 'stop=["a"]'])
    {'temperature': 0.5, 'num_predict': 50, 'use_mmap': True, 'stop': ['a']}

    Raises:
        ValueError: a word has no name or no equals sign.
    """
    return dict(_option(word) for word in words)


def _option(word: str) -> tuple[str, Any]:
    name, equals, value = word.partition("=")
    if not equals or not name.strip():
        raise ValueError(f"{word!r} is not KEY=VALUE, as in temperature=0")
    return name.strip(), _value(value.strip())


def _value(text: str) -> Any:
    try:
        return orjson.loads(text.lower() if text.lower() in {"true", "false"} else text)
    except orjson.JSONDecodeError:
        return text


def format_stats(stats: Stats) -> str:
    """Write the figures of ``--stats``, one a line; unknown ones are omitted."""
    metrics = stats.metrics or Metrics()
    rows = [
        ("model", stats.model),
        ("ended by", stats.ended_by),
        ("first text", _seconds(stats.time_to_first_text)),
        ("duration", _seconds(stats.duration)),
        ("loading", _seconds(metrics.load_duration)),
        ("prompt", _tokens(metrics.prompt_eval_count, stats.prompt_tokens_per_second)),
        ("answer", _tokens(metrics.eval_count, stats.tokens_per_second)),
        ("text", f"{stats.characters} characters in {stats.chunks} chunks"),
        ("gaps", _gaps(stats)),
    ]
    return align_columns([row for row in rows if row[1]])


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.2f} s"


def _tokens(count: int | None, per_second: float | None) -> str:
    if count is None:
        return ""
    return f"{count} tokens" + ("" if per_second is None else f", {per_second:.1f} a second")


def _gaps(stats: Stats) -> str:
    if stats.gap_p50 is None or stats.gap_p95 is None or stats.gap_max is None:
        return ""
    median, most, widest = (round(gap * 1000) for gap in (stats.gap_p50, stats.gap_p95, stats.gap_max))
    return f"{median} ms between chunks (median), 95 % below {most} ms, at most {widest} ms"
