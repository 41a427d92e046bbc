"""The command line: ``ollama-rx run "Why is the sky blue?"``.

What a command needs is imported when it runs, so that ``--help`` answers at once.
"""

import sys


def main() -> None:
    """Run the command line; the process ends here."""
    try:
        from ollama_rx.cli.app import app  # noqa: PLC0415 - typer is an extra
    except ModuleNotFoundError as error:
        if error.name != "typer":
            raise
        sys.exit('ollama-rx: typer is missing; pip install "ollama-rx[cli]"')
    app(prog_name="ollama-rx")
