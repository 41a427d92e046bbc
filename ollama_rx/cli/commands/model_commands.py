"""Commands about the models of a server: models."""

from ollama_rx.cli.commands.shared_options import Host


def models(host: Host = None) -> None:
    """List the server's models."""
    from ollama_rx.cli.models import print_models  # noqa: PLC0415 - keeps --help fast

    print_models(host)
