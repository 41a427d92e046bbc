"""What all commands share: notes on standard error, Ctrl-C, errors as one line and an exit code."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final, TextIO

import typer

from ollama_rx.errors import OllamaError, SinkError, SpeechError, UnreachableError
from ollama_rx.sinks import Console, StopSink

EXIT_ERROR = 1
EXIT_BY_SIGNAL = 128  # plus the number of the signal, as in shells
EXIT_INTERRUPTED = EXIT_BY_SIGNAL + signal.SIGINT

HANG_UP: int | None = getattr(signal, "SIGHUP", None)
"""The signal of a terminal that is closed; Windows has none."""


@contextmanager
def exit_on_error(*, embedded_advice: bool = True) -> Generator[None]:
    """Turn expected errors and Ctrl-C into an exit code and at most one line on standard error.

    Usage errors are left to typer; a defect keeps its traceback. ``embedded_advice`` is for a command that
    the embedded model answers too.
    """
    try:
        with interruptible():
            yield
    except KeyboardInterrupt as error:
        raise typer.Exit(EXIT_INTERRUPTED) from error
    except UnreachableError as error:
        is_ollama = error.url.startswith("http")  # and not the bus
        advice = " The embedded model answers only if neither a server nor a model is named."
        raise _exit(error, advice if is_ollama and embedded_advice else "") from error
    except (OllamaError, OSError) as error:
        raise _exit(error) from error


@contextmanager
def usage_error(option: str, *, argument: str = "") -> Generator[None]:
    """Turn a rejected argument into a usage error that names the option.

    If ``argument`` is given, the option holds that argument, as in `usage_errors`.
    """
    if argument:
        with usage_errors({argument: option}):
            yield
        return
    try:
        yield
    except (ValueError, TypeError) as error:
        raise typer.BadParameter(one_line(str(error)), param_hint=option) from error


@contextmanager
def usage_errors(options: Mapping[str, str]) -> Generator[None]:
    """Turn a rejected argument into a usage error that names the option which holds that argument.

    The option replaces the argument's name in the message; an error about anything else, such as a variable
    of the environment, names it itself.
    """
    try:
        yield
    except (ValueError, TypeError) as error:
        message = one_line(str(error))
        argument, _, rest = message.partition(": ")
        hint = options.get(argument)
        raise typer.BadParameter(rest if hint else message, param_hint=hint) from error


def _exit(error: Exception, advice: str = "") -> typer.Exit:
    echo(f"ollama-rx: {one_line(error_words(error))}{advice}")
    return typer.Exit(EXIT_ERROR)


def error_words(error: Exception) -> str:
    """Return the message of an error; of one of the operating system, without its number.

    >>> error_words(FileNotFoundError(2, "No such file or directory", "a.txt"))
    'a.txt: No such file or directory'
    """
    cause = error.__cause__ if isinstance(error, SinkError) else error
    if isinstance(cause, SpeechError):
        return str(cause)  # it names the engine or the output
    if not isinstance(cause, OSError) or not cause.strerror:
        return str(error)
    words = cause.strerror if cause.filename is None else f"{cause.filename}: {cause.strerror}"
    return f"sink {type(error.sink).__name__} failed: {words}" if isinstance(error, SinkError) else words


def one_line(text: str) -> str:
    """Join lines: a server's error, for instance, may be a page of HTML."""
    return " ".join(text.split())


@contextmanager
def interruptible() -> Generator[None]:
    """Raise KeyboardInterrupt at the first Ctrl-C and end the process at the second.

    Python's default handler would interrupt the cleanup too and then tear down threads that compute, which
    makes the embedded model's library abort the process. A process that ignores the signal keeps ignoring it.
    """
    before = signal.getsignal(signal.SIGINT)
    replace = before is signal.default_int_handler and threading.current_thread() is threading.main_thread()
    if replace:
        signal.signal(signal.SIGINT, _first_interrupt)
    try:
        yield
    finally:
        if replace:
            signal.signal(signal.SIGINT, before)


def _first_interrupt(_: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGINT, end_process)
    signal.default_int_handler(signal.SIGINT, frame)


_AT_END: Final[list[Callable[[], object]]] = []


@contextmanager
def called_at_end(call: Callable[[], object]) -> Generator[None]:
    """Let a second Ctrl-C call this before it ends the process, such as what restores the terminal."""
    _AT_END.append(call)
    try:
        yield
    finally:
        _AT_END.remove(call)


def end_process(_: int, frame: FrameType | None) -> None:
    """End the process at once: the handler of a second Ctrl-C."""
    del frame
    for call in _AT_END:
        call()
    os._exit(EXIT_INTERRUPTED)


def echo(text: str, file: TextIO | None = None) -> None:
    """Write lines, by default to standard error.

    Control characters are escaped, so that a server's text cannot control the terminal. A closed pipe is
    ignored; so is standard error that cannot be written, since nothing could be said about it.
    """
    unwritable = (StopSink, OSError) if file in {None, sys.stderr} else (StopSink,)
    with suppress(*unwritable), Console(sys.stderr if file is None else file) as console:
        console.on_next(text)
