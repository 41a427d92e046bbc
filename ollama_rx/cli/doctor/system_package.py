"""The command that installs a program or a library of the system."""

import os
import shutil
from collections.abc import Mapping

_COMMANDS = {
    "apt-get": "apt install",
    "dnf": "dnf install",
    "pacman": "pacman -S",
    "zypper": "zypper install",
    "apk": "apk add",
    "brew": "brew install",
    "winget": "winget install",
}
_AS_USER = ("brew", "winget")


def install_command(names: Mapping[str, str]) -> str:
    """Return the command for this system's package manager, or "" if there is none that has it.

    ``names`` has the name of the package for each manager, and for "" where it is called the same.
    """
    manager = next((manager for manager in _COMMANDS if shutil.which(manager)), None)
    name = "" if manager is None else names.get(manager, names.get("", ""))
    if manager is None or not name:
        return ""
    is_root = getattr(os, "geteuid", lambda: 0)() == 0
    return ("" if is_root or manager in _AS_USER else "sudo ") + f"{_COMMANDS[manager]} {name}"
