"""A line on the terminal that says what a command is waiting for."""

import os
import sys
from threading import Lock
from typing import Self, TextIO

from ollama_rx import Client
from ollama_rx.cli.output.layout import printable, width, window_columns
from ollama_rx.cli.terminal import echo
from ollama_rx.client.hosts.model_names import full_name, is_cloud_model
from ollama_rx.responses import RunningModel

_ERASE = "\r\x1b[K"
_COLUMNS = 80  # of a terminal that does not tell


class StatusLine:
    """The last line of the terminal while nothing else can be shown; erased when there is something to show.

    Nothing is written if standard error is not a terminal that can erase a line. May be called from any
    thread.
    """

    def __init__(self, file: TextIO | None = None) -> None:
        self._file = sys.stderr if file is None else file
        self.is_visible = self._file.isatty() and os.environ.get("TERM") != "dumb"
        self._lock = Lock()
        self._text = ""

    def show(self, text: str, *, instead_of: str | None = None) -> None:
        """Show a text instead of the one before; if ``instead_of`` is given, only instead of that one."""
        with self._lock:
            if self.is_visible and text != self._text and instead_of in {None, self._text}:
                self._text = text
                self._write(_ERASE + self._fit(text))

    def show_loading(self, client: Client, model: str) -> None:
        """Show that the model is being loaded, or has been; the server is asked meanwhile."""
        waiting = f"waiting for {model}"
        self.show(waiting)

        def show_state(running: tuple[RunningModel, ...]) -> None:
            is_loaded = full_name(model) in {full_name(loaded.name) for loaded in running}
            self.show(
                f"{model} is reading the prompt" if is_loaded else f"loading {model}", instead_of=waiting
            )

        if self.is_visible and not is_cloud_model(full_name(model)):  # which is never in the server's memory
            client.running().subscribe(show_state, lambda _: None)

    def echo(self, text: str) -> None:
        """Erase the line and write lines that stay."""
        self.erase()
        echo(text, self._file)

    def erase(self) -> None:
        """Erase the line, if one is shown."""
        with self._lock:
            self._erase()

    def end(self) -> None:
        """Erase the line and show no other one: the answer has begun."""
        with self._lock:
            self._erase()
            self.is_visible = False

    def _erase(self) -> None:
        if self._text:
            self._text = ""
            self._write(_ERASE)

    def _fit(self, text: str) -> str:
        """Cut the text to the window's width: a line that wraps could not be erased."""
        columns = window_columns(self._file) or _COLUMNS
        shown = printable(text)
        while width(shown) >= columns:
            shown = shown[:-1]
        return shown

    def _write(self, text: str) -> None:
        try:
            self._file.write(text)
            self._file.flush()
        except (OSError, UnicodeEncodeError):
            self.is_visible = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
