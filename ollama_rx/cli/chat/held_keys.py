"""Keys that are typed while an answer runs: kept for the next prompt, and not shown in the answer."""

import os
import signal
import sys
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from threading import Event
from types import FrameType
from typing import Any, Final

from ollama_rx.cli.terminal import called_at_end

_POLL_SECONDS: Final = 0.03  # a voice is to be silent 50 ms after a key
_INPUT, _LOCAL, _CHARACTERS = 0, 3, 6  # positions in what `tcgetattr` returns


class HeldKeys:
    """The keys that wait for the next prompt; without a terminal there are none."""

    def hidden(self) -> AbstractContextManager[None]:
        """Do not echo what is typed inside the block; Ctrl-C still raises its signal."""
        return nullcontext()

    def count(self) -> int:
        """Return how many bytes wait, without reading them."""
        return 0

    def wait_for_key(self, ended: Event) -> bool:
        """Wait until a key is typed after this call; return False if ``ended`` is set first."""
        at_first = self.count()
        while not ended.wait(_POLL_SECONDS):
            if self.count() > at_first:
                return True
        return False


@contextmanager
def hold_keys(*, prompt_reads_lines: bool) -> Generator[HeldKeys]:
    """Keep keys for the next prompt, exactly as they were typed, while no prompt reads them.

    The terminal's own line editing is off for this: it would swallow a Ctrl-D, and turn Enter into Ctrl-J,
    which begins a new line. A prompt that reads whole lines needs line editing, so for such a prompt it is
    off only while keys are hidden.
    """
    try:
        descriptor = sys.stdin.fileno() if sys.stdin.isatty() else None
    except (OSError, ValueError):  # standard input is closed, or a replacement
        descriptor = None
    if descriptor is None or sys.platform == "win32":
        yield HeldKeys()
        return
    keys = _TerminalKeys(descriptor)
    with called_at_end(keys.release):
        try:
            keys.hold(prompt_reads_lines=prompt_reads_lines)
            yield keys
        finally:
            keys.release()


if sys.platform != "win32":  # pragma: no branch - the tests run on POSIX
    import termios
    from fcntl import ioctl

    class _TerminalKeys(HeldKeys):
        """The queue of a terminal."""

        def __init__(self, descriptor: int) -> None:
            self._descriptor = descriptor
            self._before = self._mode()
            self._at_prompt = self._mode()
            self._is_hiding = self._mode()

        def hold(self, *, prompt_reads_lines: bool) -> None:
            """Set the modes of the prompt and between prompts."""
            modes = [self._is_hiding] if prompt_reads_lines else [self._is_hiding, self._at_prompt]
            for mode in filter(None, modes):
                mode[_LOCAL] &= ~termios.ICANON
                mode[_CHARACTERS][termios.VMIN], mode[_CHARACTERS][termios.VTIME] = 1, 0
                if not prompt_reads_lines:
                    mode[_INPUT] &= ~termios.ICRNL
                    mode[_LOCAL] &= ~termios.ECHOCTL  # no "^C" in a line that this program ends
            if self._is_hiding:
                self._is_hiding[_LOCAL] &= ~termios.ECHO
            self._set(self._at_prompt)

        def release(self) -> None:
            """Give the terminal its mode back; called by a signal handler too."""
            self._set(self._before)

        @contextmanager
        def hidden(self) -> Generator[None]:
            is_default = signal.getsignal(signal.SIGTSTP) is signal.SIG_DFL
            if is_default:
                signal.signal(signal.SIGTSTP, self._suspend)
            self._set(self._is_hiding)
            try:
                yield
            finally:
                self._set(self._at_prompt)
                if is_default:
                    signal.signal(signal.SIGTSTP, signal.SIG_DFL)

        def _suspend(self, number: int, _: FrameType | None) -> None:
            """Leave the terminal to the shell, as it was, until the process goes on."""
            self._set(self._before)
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)  # returns when the process goes on
            signal.signal(number, self._suspend)
            self._set(self._is_hiding)

        def count(self) -> int:
            try:
                return int.from_bytes(ioctl(self._descriptor, termios.FIONREAD, bytes(4)), sys.byteorder)
            except OSError:  # the terminal is gone
                return 0

        def _mode(self) -> list[Any]:
            """Return the terminal's mode; nothing if it is gone."""
            try:
                return termios.tcgetattr(self._descriptor)
            except termios.error:
                return []

        def _set(self, mode: list[Any]) -> None:
            with suppress(termios.error):
                if mode:
                    termios.tcsetattr(self._descriptor, termios.TCSANOW, mode)
