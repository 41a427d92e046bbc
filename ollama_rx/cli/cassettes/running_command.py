"""A command that runs while a server answers it."""

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence

import typer

from ollama_rx.cli.terminal import EXIT_BY_SIGNAL, EXIT_INTERRUPTED


def check_command(command: Sequence[str]) -> None:
    """Refuse a command that does not exist, before anything is written."""
    if command and shutil.which(command[0]) is None:
        raise typer.BadParameter(f"there is no command {command[0]!r}", param_hint="COMMAND")


class RunningCommand:
    """Runs a command, and passes signals on to it.

    Args:
        command: its words.
        variables: added to its environment.
        on_end: called when it has ended, on another thread.
    """

    def __init__(
        self, command: Sequence[str], variables: Mapping[str, str], on_end: Callable[[], object]
    ) -> None:
        self._command = command
        self._variables = variables
        self._on_end = on_end
        self._process: subprocess.Popen[bytes] | None = None
        self._failure: OSError | None = None
        self._is_cancelled = False

    def start(self) -> None:
        """Start it, unless a signal has come before."""
        if self._is_cancelled:
            return
        try:
            self._process = subprocess.Popen(  # noqa: S603 - what the user wants to run
                self._command, env={**os.environ, **self._variables}
            )
        except OSError as error:
            self._failure = error
            self._on_end()
            return
        if self._is_cancelled:  # by a signal while it was started
            self._process.send_signal(signal.SIGINT)
        threading.Thread(target=self._wait, args=(self._process,), daemon=True).start()

    def take_signal(self, number: int) -> bool:
        """Pass a signal on, unless the terminal has sent it to the command too; False before it runs."""
        if self._process is None:
            self._is_cancelled = True
            return False
        if number != signal.SIGINT or not _is_in_foreground():
            self._process.send_signal(number)
        return True

    def exit_code(self) -> int:
        """Wait for its end; return 128 plus the number of the signal that ended it, as shells do.

        Raises:
            OSError: it could not be started.
        """
        if self._failure is not None:
            raise self._failure
        if self._process is None:
            return EXIT_INTERRUPTED
        code = self._process.wait()
        return code if code >= 0 else EXIT_BY_SIGNAL - code

    def _wait(self, process: "subprocess.Popen[bytes]") -> None:
        process.wait()
        self._on_end()


def _is_in_foreground() -> bool:
    """Check whether Ctrl-C of a terminal reaches this process and those that it has started."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    finally:
        os.close(terminal)
