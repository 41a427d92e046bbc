"""``ollama-rx pull``: let the server fetch a model, and show how far it is."""

import time
from collections.abc import Callable

from reactivex import operators as rx

from ollama_rx import Client, Progress, deliver
from ollama_rx.cli.ask.answer_interrupt import AnswerInterrupt
from ollama_rx.cli.ask.question import check_name
from ollama_rx.cli.choose_client import embedded_client, server_client
from ollama_rx.cli.output.json_output import json_lines
from ollama_rx.cli.output.layout import printable
from ollama_rx.cli.output.sizes import format_size
from ollama_rx.cli.terminal import echo, exit_on_error, usage_error
from ollama_rx.embedded.progress_bar import ProgressBar, progress_bar
from ollama_rx.errors import OllamaError, ServerError
from ollama_rx.sinks import Callback

_UNKNOWN_MODEL = "file does not exist"  # how Ollama's error ends if its library has no such model
_RESUME = "run it again to resume"


class PullError(OllamaError):
    """A pull broke off; the message says what to do."""


def pull_model(model: str, host: str | None, *, json: bool) -> None:
    """Let the server fetch a model; show the progress, or print each step as JSON."""
    with exit_on_error(embedded_advice=False):
        with usage_error("MODEL"):
            check_name(model)
        with server_client(host, model) or embedded_client() as client:
            (_print_steps if json else _show_bar)(client, model)


def _print_steps(client: Client, model: str) -> None:
    with AnswerInterrupt() as interrupt:
        interrupt.wait(deliver(client.pull(model).pipe(rx.map(_as_json)), json_lines()))
    interrupt.raise_if_happened()


def _as_json(step: Progress) -> dict[str, object]:
    overall = {"overall_total": step.overall_total, "overall_completed": step.overall_completed}
    return {**step.raw, **{name: size for name, size in overall.items() if size is not None}}


def _show_bar(client: Client, model: str) -> None:
    name = printable(model)
    pulled = _Pulled()
    try:
        with progress_bar(f"pulling {name}", erase=True) as bar, AnswerInterrupt() as interrupt:
            interrupt.wait(deliver(client.pull(model), Callback(lambda step: pulled.show(step, bar))))
    except OllamaError as error:
        if advice := _advice(error, pulled):
            raise PullError(f"{error}; {advice}") from error
        raise
    if interrupt.happened:
        echo(f"interrupted{pulled.so_far()}; {_RESUME}")
    interrupt.raise_if_happened()
    echo(f"{name} is ready{pulled.summary()}")


def _advice(error: OllamaError, pulled: "_Pulled") -> str:
    if isinstance(error, ServerError) and error.reason.endswith(_UNKNOWN_MODEL):
        return "https://ollama.com/library lists the available models"
    return _RESUME if pulled.completed else ""


class _Pulled:
    """What has arrived of a model."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.completed = 0
        self._total = 0
        self._layers: set[str] = set()
        self._found = 0
        """The bytes of all layers that the server had before."""
        self._step = ""
        self._clock = clock
        self._began = clock()

    def show(self, step: Progress, bar: ProgressBar) -> None:
        """Show a step: the bytes of all layers so far, or what is done without any."""
        if step.digest is None or step.overall_total is None:
            if step.status != self._step and not step.done:
                bar.show_step(printable(step.status))
            self._step = step.status
            return
        self._step = ""
        if step.digest not in self._layers:
            self._layers.add(step.digest)
            self._found += step.completed or 0
        self.completed, self._total = step.overall_completed or 0, step.overall_total
        bar(self.completed, self._total, found=self._found)

    def so_far(self) -> str:
        """Say how much has arrived."""
        if not self.completed:
            return ""
        return f" at {format_size(self.completed)} of {format_size(self._total)}"

    def summary(self) -> str:
        """Say how much there is, how much of it has arrived now, and how long that took."""
        if not self._total:
            return ""
        fetched = self.completed - self._found
        new = f", {format_size(fetched)} of it new" if self._found else ""
        took = f"{new}, in {round(self._clock() - self._began)} s" if fetched > 0 else ""
        return f": {format_size(self._total)}{took}"
