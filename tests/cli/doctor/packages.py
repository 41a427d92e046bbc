"""Packages that are installed for a test."""

from importlib.metadata import Distribution, PackageNotFoundError
from pathlib import Path

import pytest

METADATA = {
    "ollama-rx": """Version: 1.2
Provides-Extra: web
Provides-Extra: bus
Provides-Extra: fast
Provides-Extra: none
Requires-Dist: httpx<0.29,>=0.28
Requires-Dist: gone>=1
Requires-Dist: nats-py[nkeys, other]<2.17,>=2.16; extra == 'bus'
Requires-Dist: starlette>=1; extra == "web"
Requires-Dist: uvicorn; extra == "web"
Requires-Dist: uvloop; (platform_system != 'Windows') and extra == 'fast'
Requires-Dist: winloop; (platform_system == 'Windows') and extra == 'fast'
""",
    "httpx": "Version: 0.28.1\n",
    "nats-py": "Version: 2.16.0\nRequires-Dist: nkeys ; extra == 'nkeys'\n",
    "starlette": "Version: 1.0\n",
    "uvloop": "Version: 0.23\n",
    "winloop": "Version: 0.9\n",
}


class Installed(Distribution):
    """A package with nothing but metadata."""

    def __init__(self, text: str) -> None:
        self._text = text

    def read_text(self, filename: str) -> str | None:
        return f"Metadata-Version: 2.1\nName: x\n{self._text}" if filename == "METADATA" else None

    def locate_file(self, path: object) -> Path:
        return Path(str(path))


def install(monkeypatch: pytest.MonkeyPatch, packages: dict[str, str]) -> None:
    """Let these packages be installed, and no others."""

    def find(name: str) -> Installed:
        try:
            return Installed(packages[name])
        except KeyError as error:
            raise PackageNotFoundError(name) from error

    monkeypatch.setattr(Distribution, "from_name", find)
