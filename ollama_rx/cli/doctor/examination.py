"""All checks at once, each on a thread of its own, with one limit for all of them."""

from functools import partial
from time import monotonic

from ollama_rx.cli.doctor.find_checks import Check, find_checks
from ollama_rx.cli.doctor.finding import Finding, Target
from ollama_rx.cli.in_background import in_background
from ollama_rx.cli.terminal import error_words


class Examination:
    """The checks, which begin at once, and what they have found."""

    def __init__(self, target: Target, seconds: float) -> None:
        self._seconds = seconds
        self._end = monotonic() + seconds
        self._calls = {check: in_background(partial(_run, check, target)) for check in find_checks()}

    @property
    def checks(self) -> list[Check]:
        """All checks in the order of the report."""
        return list(self._calls)

    def findings(self, check: Check) -> list[Finding]:
        """Wait for what a check has found; a check that fails or takes too long is a problem itself."""
        call = self._calls[check]
        try:
            return call.result(max(self._end - monotonic(), 0))
        except TimeoutError:
            return [_failed(f"no result within {self._seconds:g} s")]
        except Exception as error:  # noqa: BLE001 - the other checks are still worth reading
            return [_failed(f"{type(error).__name__}: {error_words(error)}")]


def _run(check: Check, target: Target) -> list[Finding]:
    return list(check.run(target))


def _failed(reason: str) -> Finding:
    return Finding(name="check", status="problem", text=f"failed: {reason}")
