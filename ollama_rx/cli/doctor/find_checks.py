"""Find the checks: the files ``check_*.py`` of this folder."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules

from ollama_rx.cli import doctor
from ollama_rx.cli.doctor.finding import Finding, Target

_PREFIX = "check_"


@dataclass(frozen=True, slots=True)
class Check:
    """What one file has: ``TITLE``, its ``POSITION`` in the report, and a function ``check``.

    ``check(target)`` returns or yields what it has found. It runs on a thread of its own beside all others,
    must not write anything, and has a few seconds.
    """

    title: str
    position: int
    run: Callable[[Target], Iterable[Finding]]


def find_checks() -> list[Check]:
    """Return all checks in the order of the report."""
    names = [module.name for module in iter_modules(doctor.__path__) if module.name.startswith(_PREFIX)]
    return sorted(map(_load, names), key=lambda check: check.position)


def _load(name: str) -> Check:
    module = import_module(f"{doctor.__name__}.{name}")
    return Check(module.TITLE, module.POSITION, module.check)
