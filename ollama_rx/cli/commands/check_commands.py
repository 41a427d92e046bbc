"""Commands that look whether all is well: doctor."""

from ollama_rx.cli.commands.shared_options import Host, Json


def doctor(host: Host = None, *, json: Json = False) -> None:
    """Check what is there: server, models, extras, voice, folders; say what brings what is missing.

    What is optional and missing is no failure. The exit code is 1 if nothing can answer a prompt.
    """
    from ollama_rx.cli.doctor.doctor import examine  # noqa: PLC0415 - keeps --help fast

    examine(host, json=json)
