"""Fixtures of the doctor's tests: checks that run alone, in an environment without settings."""

import os

import pytest

from ollama_rx import Timeouts

KEPT = ("PATH", "HOME", "TERM", "LANG", "PYTHONPATH", "PYTEST_")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if not name.startswith(KEPT):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def ended_processes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Keep the doctor from ending the process; returns the exit codes that it would have used."""
    codes: list[int] = []

    def end(code: int) -> None:
        codes.append(code)

    monkeypatch.setattr("ollama_rx.cli.doctor.doctor._end_now", end)
    return codes


@pytest.fixture(autouse=True)
def patient_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give servers on a busy machine time to answer."""
    for name in ("check_ollama", "check_bus"):
        monkeypatch.setattr(f"ollama_rx.cli.doctor.{name}._LIMITS", Timeouts(connect=60, first_chunk=60))
    monkeypatch.setattr("ollama_rx.cli.doctor.doctor._SECONDS", 60)
