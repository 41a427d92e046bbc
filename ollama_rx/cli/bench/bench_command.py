"""``ollama-rx bench``: measure how fast a model answers."""

import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import typer
from reactivex import Observable

from ollama_rx import Chunk, Client, deliver
from ollama_rx.cli.ask.answer_interrupt import AnswerInterrupt
from ollama_rx.cli.ask.input import read_prompt
from ollama_rx.cli.ask.options import parse_options, unknown_options
from ollama_rx.cli.ask.question import check_name
from ollama_rx.cli.bench.bench_json import to_json
from ollama_rx.cli.bench.bench_level import BenchLevel
from ollama_rx.cli.bench.bench_plan import (
    DEFAULT_PROMPTS,
    MAX_TOKENS,
    WARM_UP_PROMPT,
    BenchPlan,
    choose_requests,
    parse_streams,
    read_prompts,
)
from ollama_rx.cli.bench.bench_plot import check_plot, draw_plot
from ollama_rx.cli.bench.bench_progress import BenchProgress
from ollama_rx.cli.bench.bench_report import BenchReport
from ollama_rx.cli.bench.bench_run import measure_levels
from ollama_rx.cli.bench.bench_table import format_table
from ollama_rx.cli.choose_client import embedded_client, first_model, first_value, server_client
from ollama_rx.cli.output.json_output import print_json
from ollama_rx.cli.output.layout import window_columns
from ollama_rx.cli.output.status_line import StatusLine
from ollama_rx.cli.terminal import EXIT_ERROR, EXIT_INTERRUPTED, echo, exit_on_error, usage_error
from ollama_rx.errors import OllamaError, UnreachableError
from ollama_rx.sinks import Collector

_COLUMNS = 100  # of a file or a pipe, and of a terminal that does not tell


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchCommand:
    """The arguments of ``ollama-rx bench``."""

    prompt: str | None
    prompts: str | None
    model: str | None
    host: str | None
    requests: int | None
    streams: tuple[str, ...]
    warm_up: bool
    options: tuple[str, ...]
    json: bool
    plot: str | None

    def execute(self) -> None:
        """Send the requests, print the figures; raises `typer.Exit` on failure."""
        with exit_on_error(), StatusLine() as status:
            with usage_error("--model"):
                check_name(self.model)
            with usage_error("--plot"):
                check_plot(self.plot)
            plan = self._plan(status)
            status.show("looking for a model")
            server = server_client(self.host, self.model)
            with server or embedded_client(status.echo) as client:
                measured = _Bench(
                    plan=plan,
                    client=client,
                    host=server.url if server else "embedded",
                    version=_version(server) if server else None,
                    model=self.model or (first_model(server, "completion") if server else None),
                )
                for warning in unknown_options(plan.options):
                    status.echo(warning)
                with AnswerInterrupt() as interrupt:
                    measured.run(interrupt, status)
                status.end()
                self._print(measured.report(), interrupted=interrupt.happened)

    def _plan(self, status: StatusLine) -> BenchPlan:
        with usage_error("--streams"):
            streams = parse_streams(self.streams)
        with usage_error("--requests"):
            requests = choose_requests(self.requests, streams)
        with usage_error("--option"):
            options = {"num_predict": MAX_TOKENS, **parse_options(self.options)}
        with usage_error("--prompts"):
            prompts = self._read_prompts()
        with usage_error("PROMPT"):
            prompts = prompts or self._read_prompt(status)
        return BenchPlan(
            prompts=prompts, streams=streams, requests=requests, options=options, warm_up=self.warm_up
        )

    def _read_prompts(self) -> tuple[str, ...]:
        if self.prompts is None:
            return ()
        if self.prompt is not None:
            raise ValueError("give either a PROMPT or --prompts")
        return read_prompts(self.prompts)

    def _read_prompt(self, status: StatusLine) -> tuple[str, ...]:
        if self.prompt is None:
            return DEFAULT_PROMPTS
        if self.prompt == "-":
            return (read_prompt("-", status),)
        if not self.prompt.strip():
            raise ValueError("the prompt is empty")
        return (self.prompt,)

    def _print(self, report: BenchReport, *, interrupted: bool) -> None:
        if self.json:
            print_json(to_json(report, interrupted=interrupted))
        elif report.answered_levels:
            echo(format_table(report, window_columns(sys.stdout) or _COLUMNS), sys.stdout)
        for failure in report.failures():
            echo(f"ollama-rx: {failure}")
        if report.is_cut_short and not interrupted:
            echo("ollama-rx: stopped, because none of these requests was answered")
        if self.plot is not None and report.answered_levels:
            draw_plot(report, self.plot)
        if interrupted:
            echo(f"ollama-rx: interrupted after {report.answered} of {report.planned} requests")
            raise typer.Exit(EXIT_INTERRUPTED)
        if not report.answered:
            raise typer.Exit(EXIT_ERROR)


class _Bench:
    """The levels of a plan, and the server that is measured."""

    def __init__(
        self, *, plan: BenchPlan, client: Client, host: str, version: str | None, model: str | None
    ) -> None:
        self._plan = plan
        self._client = client
        self._host = host
        self._version = version
        self._model = model
        self._started_at = datetime.now(UTC)
        warm_up = [BenchLevel(streams=1, requests=1, is_warm_up=True)] if plan.warm_up else []
        self._levels = [
            *warm_up,
            *(BenchLevel(streams=streams, requests=plan.requests) for streams in plan.streams),
        ]
        with usage_error("--option", argument="options"):
            self._ask(self._levels[0], 0)

    def run(self, interrupt: AnswerInterrupt, status: StatusLine) -> None:
        """Measure all levels; after Ctrl-C, return with what there is."""
        progress = BenchProgress(status)
        interrupt.wait(deliver(measure_levels(self._levels, self._ask, progress), Collector[BenchLevel]()))

    def _ask(self, level: BenchLevel, request: int) -> Observable[Chunk]:
        plan = self._plan
        return self._client.generate(
            WARM_UP_PROMPT if level.is_warm_up else plan.prompts[plan.prompt_index(request)],
            model=self._model,
            options=plan.options | ({"num_predict": 1} if level.is_warm_up else {}),
        )

    def report(self) -> BenchReport:
        """Return what there is now; requests that are still being stopped do not change it."""
        levels = [replace(level, results=list(level.results)) for level in self._levels]
        named = (result.stats.model for level in levels for result in level.completed)
        return BenchReport(
            plan=self._plan,
            host=self._host,
            model=self._model or next(named, "the embedded model"),
            server_version=self._version,
            warm_up=levels[0] if self._plan.warm_up else None,
            levels=tuple(level for level in levels if not level.is_warm_up),
            started_at=self._started_at,
        )


def _version(server: Client) -> str | None:
    """Return the server's version, or None if it does not tell; one that cannot be reached is an error."""
    try:
        return first_value(server.version()) or None
    except UnreachableError:
        raise
    except OllamaError:
        return None
