"""The extras of this package: which are installed, and the command for each other one."""

from collections.abc import Iterator

from ollama_rx.cli.doctor.finding import Finding, Target
from ollama_rx.cli.doctor.installed import PACKAGE, Requirement, extras_of, requirements_of, version_of

TITLE = "Extras"
POSITION = 6


def check(_: Target) -> Iterator[Finding]:
    """Look for the packages of each extra."""
    for extra in extras_of(PACKAGE):
        needed = [one for requirement in requirements_of(PACKAGE, extra) for one in _with_extras(requirement)]
        versions = {name: version_of(name) for name in needed}
        missing = [name for name, version in versions.items() if version is None]
        fields: dict[str, object] = {"packages": versions}
        if missing:
            yield Finding(
                name=extra,
                status="missing",
                text=f"needs {', '.join(missing)}",
                command=f'pip install "{PACKAGE}[{extra}]"',
                fields=fields,
            )
        else:
            text = ", ".join(f"{name} {version}" for name, version in versions.items())
            yield Finding(name=extra, status="ok", text=text or "needs nothing on this system", fields=fields)


def _with_extras(requirement: Requirement) -> Iterator[str]:
    yield requirement.name
    for extra in requirement.extras:
        yield from (added.name for added in requirements_of(requirement.name, extra))
