"""How a command ends: one line on standard error and an exit code, never a traceback for what can happen."""

from collections.abc import Generator
from contextlib import contextmanager

import typer

from ollama_rx.cli.interrupts import INTERRUPTED, interrupts
from ollama_rx.cli.notes import say
from ollama_rx.errors import OllamaError, UnreachableError

ERROR = 1


@contextmanager
def endings() -> Generator[None]:
    """Turn what can go wrong into an exit code; usage errors are typer's."""
    try:
        with interrupts():
            yield
    except KeyboardInterrupt as error:
        raise typer.Exit(INTERRUPTED) from error
    except UnreachableError as error:
        raise _failed(error, " Without --host and OLLAMA_HOST the embedded model answers.") from error
    except (OllamaError, OSError) as error:
        raise _failed(error) from error


@contextmanager
def usage(option: str) -> Generator[None]:
    """Turn a refused argument into a usage error that names the option."""
    try:
        yield
    except (ValueError, TypeError) as error:
        raise typer.BadParameter(str(error), param_hint=option) from error


def _failed(error: Exception, advice: str = "") -> typer.Exit:
    say(f"ollama-rx: {' '.join(str(error).split())}{advice}")  # a server may answer with a page of HTML
    return typer.Exit(ERROR)
