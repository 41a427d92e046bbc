"""Commands about the models of a server: models."""

from ollama_rx.cli.commands.shared_options import Host, Json


def models(host: Host = None, *, json: Json = False) -> None:
    """List the server's models."""
    from ollama_rx.cli.models.models import print_models  # noqa: PLC0415 - keeps --help fast

    print_models(host, json=json)
