"""``ollama-rx show``: what a model is and can do."""

from collections.abc import Iterator

from ollama_rx import Client
from ollama_rx.cli.ask.question import check_name
from ollama_rx.cli.choose_client import LOOK_UP, embedded_client, first_model, first_value, server_client
from ollama_rx.cli.output.counted import counted
from ollama_rx.cli.output.json_output import print_json
from ollama_rx.cli.output.layout import print_labelled
from ollama_rx.cli.terminal import exit_on_error, usage_error
from ollama_rx.protocol.json_fields import number_of, text_of
from ollama_rx.responses import ModelInfo

_FIRST_LINES = 3  # of a template and a system prompt
_MAX_LINE = 200  # characters; some templates and system prompts are a single line


def print_model(model: str | None, host: str | None, *, full: bool, json: bool) -> None:
    """Write what a model is and can do; long texts whole, or their first lines."""
    with exit_on_error():
        with usage_error("MODEL"):
            check_name(model)
        server = server_client(host, model, timeouts=LOOK_UP)
        with server or embedded_client() as client:
            name = model or _default(client, is_server=server is not None)
            info = first_value(client.show(name))
            if json:
                print_json({"model": name, **info.raw})
            else:
                print_labelled(_rows(name, info, full=full))


def _default(client: Client, *, is_server: bool) -> str:
    return first_model(client, "completion") if is_server else first_value(client.models())[0].name


def _rows(name: str, info: ModelInfo, *, full: bool) -> Iterator[tuple[str, str]]:
    details, raw = info.details, info.raw
    architecture = text_of(info.model_info.get("general.architecture")) or text_of(details.get("family"))
    yield "model", name
    yield "runs at", " ".join(text_of(raw.get(key)) for key in ("remote_host", "remote_model")).strip()
    yield "architecture", architecture
    yield "parameters", text_of(details.get("parameter_size"))
    for label, key in (("context length", "context_length"), ("embedding length", "embedding_length")):
        yield label, str(number_of(info.model_info.get(f"{architecture}.{key}")) or "")
    yield "quantization", text_of(details.get("quantization_level"))
    yield "capabilities", ", ".join(filter(None, map(text_of, info.capabilities)))
    yield "options", "\n".join(" ".join(line.split(maxsplit=1)) for line in info.parameters.splitlines())
    most = None if full else _FIRST_LINES
    yield "template", _beginning(info.template, most)
    yield "system", _beginning(info.system, most)
    yield "license", _beginning(text_of(raw.get("license")), None if full else 1)


def _beginning(text: str, most: int | None) -> str:
    """Return the first lines that are not empty, the beginnings of long ones, and how many lines follow."""
    if most is None:
        return "\n".join(text.strip().splitlines())
    lines = [line for line in text.strip().splitlines() if line.strip()]
    shown = [line if len(line) <= _MAX_LINE else line[:_MAX_LINE] + "..." for line in lines[:most]]
    left = len(lines) - len(shown)
    if left or shown != lines:
        more = counted(left, "more line") if left else "more"
        shown.append(f"({more} with --full)")
    return "\n".join(shown)
