"""Run the command line in a pseudo-terminal."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path
from types import TracebackType
from typing import Self

_PROGRAM = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore SIGINT
from ollama_rx.cli import main
main()
"""


class PseudoTerminal:
    """A command whose three standard streams are a terminal."""

    def __init__(
        self,
        *words: str,
        columns: int = 80,
        environment: dict[str, str] | None = None,
        program: str = _PROGRAM,
    ) -> None:
        self._outer, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", program, *words],
            stdin=inner,
            stdout=inner,
            stderr=inner,
            env=os.environ
            | {"PYTHONPATH": str(Path(__file__).parents[2]), "TERM": "xterm-256color"}
            | (environment or {}),
        )
        os.close(inner)
        self._bytes = b""

    @property
    def written(self) -> str:
        """What the command has written so far, or what of it was read."""
        return self._bytes.decode(errors="replace").replace("\r\n", "\n")

    def read_until(self, text: str) -> None:
        """Read until the command has written a text."""
        while text not in self.written:
            assert self._read(), f"{text!r} is not in {self.written!r}"

    def read_within(self, seconds: float) -> bool:
        """Read what the command writes next; return whether it has, in this time."""
        return bool(select.select([self._outer], [], [], seconds)[0]) and self._read()

    def press(self, keys: str) -> None:
        """Press keys, as the bytes that a terminal sends: Enter is a carriage return."""
        os.write(self._outer, keys.encode())

    def send_signal(self, number: int) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def resize(self, columns: int) -> None:
        """Change the width of the window."""
        fcntl.ioctl(self._outer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.send_signal(signal.SIGWINCH)

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.send_signal(signal.SIGINT)

    def finish(self) -> int:
        """Read everything; return the exit code."""
        while self._read():
            pass
        return self._process.wait(30)

    def _read(self) -> bool:
        try:
            piece = os.read(self._outer, 4096)
        except OSError:  # raised by Linux when the other end is closed
            return False
        self._bytes += piece
        return bool(piece)

    @property
    def screen(self) -> list[str]:
        """The lines that are left on the screen, as a terminal of unlimited width shows them."""
        plain = re.sub(r"\x1b\[\d*m", "", self.written)
        return [re.sub(r".*\r\x1b\[K", "", line) for line in plain.removesuffix("\n").split("\n")]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._outer)
        if kind is not None:
            self._process.kill()
        self._process.wait(30)


def run_in_terminal(*words: str, environment: dict[str, str] | None = None) -> tuple[list[str], int]:
    """Run a command; return the lines that are left on the screen and the exit code."""
    with PseudoTerminal(*words, environment=environment) as terminal:
        code = terminal.finish()
        return terminal.screen, code
