"""``ollama-rx ps``: the models in the server's memory."""

from datetime import UTC, datetime

from ollama_rx.cli.choose_client import LOOK_UP, any_client, first_value
from ollama_rx.cli.output.counted import counted
from ollama_rx.cli.output.json_output import print_json
from ollama_rx.cli.output.layout import print_table
from ollama_rx.cli.output.sizes import format_size
from ollama_rx.cli.terminal import echo, exit_on_error
from ollama_rx.protocol.json_fields import parse_time
from ollama_rx.responses import RunningModel

_HEAD = ("model", "size", "in GPU", "context", "until")
_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
_AT_LEAST = 2  # of a unit: "90 minutes" says more than "1 hour"


def print_running(host: str | None, *, json: bool) -> None:
    """Write one line for each model: name, size, share in the GPU's memory, context, until when it stays."""
    with exit_on_error(embedded_advice=False), any_client(host, timeouts=LOOK_UP) as client:
        found = [model for model in first_value(client.running()) if model.name]
        if json:
            print_json({"models": [model.raw for model in found]})
        if not found:
            echo(f"{client.url} has no model in memory; a model is loaded when it is first used")
        elif not json:
            now = datetime.now(UTC)
            print_table(_HEAD, [_row(model, now) for model in found])


def _row(model: RunningModel, now: datetime) -> tuple[str, ...]:
    context = "" if model.context_length is None else str(model.context_length)
    return model.name, format_size(model.size), _gpu_share(model), context, _until(model, now)


def describe_running(model: RunningModel) -> str:
    """Say in one line what is known of a model in memory."""
    name, size, share, context, until = _row(model, datetime.now(UTC))
    end = {"": "", "forever": "stays forever", "unloading": "unloading"}.get(until, f"unloads {until}")
    words = [name, size, share and f"{share} in the GPU", context and f"context {context}", end]
    return ", ".join(filter(None, words))


def _gpu_share(model: RunningModel) -> str:
    """Write how much of a model is in the memory of the GPU; nothing if the server does not say its size."""
    if model.size <= 0:
        return ""
    return f"{min(max(100 * model.size_vram // model.size, 0), 100)} %"


def _until(model: RunningModel, now: datetime) -> str:
    if model.expires_at is None:
        return "forever" if parse_time(model.raw.get("expires_at")) else ""
    seconds = (model.expires_at - now).total_seconds()
    return f"{_duration(seconds)} from now" if seconds > 0 else "unloading"


def _duration(seconds: float) -> str:
    """Write a duration in the largest unit that gives at least two.

    >>> _duration(290), _duration(5_400), _duration(0.2)
    ('5 minutes', '90 minutes', '1 second')
    """
    known = ((unit, name) for unit, name in _UNITS if seconds >= _AT_LEAST * unit)
    unit, name = next(known, (1, "second"))
    return counted(max(round(seconds / unit), 1), name)
