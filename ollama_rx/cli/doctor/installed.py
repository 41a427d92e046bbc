"""What packages need and which versions are installed, read from their own metadata."""

import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata, requires, version

PACKAGE = "ollama-rx"

# Of a line such as: nats-py[nkeys]<2.17,>=2.16; (platform_system != "Windows") and extra == 'bus'
_NAME = re.compile(r"\s*([\w.-]+)\s*(?:\[([^\]]*)\])?")
_EXTRA = re.compile(r"extra\s*==\s*['\"]([\w.-]+)['\"]")
_SYSTEM = re.compile(r"platform_system\s*(==|!=)\s*['\"](\w+)['\"]")


@dataclass(frozen=True, slots=True)
class Requirement:
    """One package that another one needs, with the extras of it that are needed."""

    name: str
    extras: tuple[str, ...]


def version_of(package: str) -> str | None:
    """Return the version of a package, or None if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def extras_of(package: str) -> list[str]:
    """Return the names of the extras that a package has; none if it is not installed."""
    try:
        return sorted(metadata(package).get_all("Provides-Extra") or [])
    except PackageNotFoundError:
        return []


def requirements_of(package: str, extra: str | None = None) -> Iterator[Requirement]:
    """Yield what a package needs itself, or what one of its extras adds; nothing if it is not installed."""
    try:
        lines = requires(package) or []
    except PackageNotFoundError:
        return
    for line in lines:
        _, _, marker = line.partition(";")
        found = _EXTRA.search(marker)
        is_wanted = _normal(found[1]) == _normal(extra or "") if found else extra is None
        if is_wanted and _applies(marker):
            yield _parse(line)


def _parse(line: str) -> Requirement:
    found = _NAME.match(line)
    name, extras = (found[1], found[2] or "") if found else (line, "")
    return Requirement(name, tuple(extra.strip() for extra in extras.split(",") if extra.strip()))


def _applies(marker: str) -> bool:
    return all(
        (platform.system() == system) == (relation == "==") for relation, system in _SYSTEM.findall(marker)
    )


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
