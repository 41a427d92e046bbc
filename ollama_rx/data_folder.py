"""Where this package keeps a user's files."""

import os
import sys
from pathlib import Path
from typing import Final

DATA_VARIABLE: Final = "OLLAMA_RX_DATA"


def data_folder() -> Path:
    """Return the folder for a user's files; it may not exist yet.

    OLLAMA_RX_DATA overrides it. A relative XDG_DATA_HOME is ignored, as its specification says:
    https://specifications.freedesktop.org/basedir-spec/latest/

    Raises:
        FileNotFoundError: the user has no home folder, for instance in some containers.
    """
    try:
        return _folder()
    except RuntimeError as error:
        raise FileNotFoundError(
            f"there is no home folder: set {DATA_VARIABLE} to the path of a folder"
        ) from error


def _folder() -> Path:
    if chosen := os.environ.get(DATA_VARIABLE):
        return Path(chosen).expanduser()
    home = Path(os.environ.get("XDG_DATA_HOME", ""))
    if home.is_absolute():
        return home / "ollama_rx"
    if sys.platform == "darwin":
        return Path("~/Library/Application Support/ollama_rx").expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or "~/AppData/Local").expanduser() / "ollama_rx" / "Data"
    return Path("~/.local/share/ollama_rx").expanduser()
