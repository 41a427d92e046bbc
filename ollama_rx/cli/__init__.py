"""The command line: ``ollama-rx run "Why is the sky blue?"``.

Each command imports what it needs when it runs, so that ``--help`` is fast.
"""

import os
import sys


def main() -> None:
    """Run the command line and exit the process."""
    try:
        _run()
    except KeyboardInterrupt:  # while a module is loaded, for instance
        sys.exit(130)
    except RuntimeError as error:  # Python 3.11 wraps a KeyboardInterrupt that comes while a class is created
        if not isinstance(error.__cause__, KeyboardInterrupt):
            raise
        sys.exit(130)
    except OSError as error:  # outside of a command: the help cannot be written, for instance
        sys.exit(f"ollama-rx: {error.strerror or error}")


def _run() -> None:
    try:
        from ollama_rx.cli.app import app  # noqa: PLC0415 - typer is an extra
        from ollama_rx.cli.completion import complete, is_completing  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name != "typer":
            raise
        sys.exit('ollama-rx: typer is missing; pip install "ollama-rx[cli]"')
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by the parent process, as in `>&-`
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - stays open
    if is_completing():
        complete(lambda: app(prog_name="ollama-rx"))
    app(prog_name="ollama-rx")
