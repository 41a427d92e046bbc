"""The versions of Python, of this package and of what it always needs."""

import platform
from collections.abc import Iterator

from ollama_rx.cli.doctor.finding import Finding, Target
from ollama_rx.cli.doctor.installed import PACKAGE, requirements_of, version_of

TITLE = "Versions"
POSITION = 5


def check(_: Target) -> Iterator[Finding]:
    """Read the versions."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    yield _version("Python", python, platform.python_version())
    yield _version("system", platform.platform())
    own = version_of(PACKAGE)
    if own is None:
        yield Finding(
            name=PACKAGE,
            status="problem",
            text="not installed as a package, so its extras are not known",
            command='pip install "ollama-rx[cli]"',
        )
        return
    yield _version(PACKAGE, own)
    for requirement in requirements_of(PACKAGE):
        found = version_of(requirement.name)
        if found is None:
            command = f"pip install {PACKAGE}"
            yield Finding(name=requirement.name, status="problem", text="is not installed", command=command)
        else:
            yield _version(requirement.name, found)


def _version(name: str, text: str, version: str = "") -> Finding:
    return Finding(name=name, status="ok", text=text, fields={"version": version or text})
