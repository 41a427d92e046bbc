"""The doctor reads the versions of what is always needed."""

import platform

import pytest

from ollama_rx.cli.doctor.check_versions import check
from ollama_rx.cli.doctor.finding import Target
from tests.cli.doctor.packages import METADATA, install


def test_versions_are_those_of_the_requirements(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, METADATA)
    python, system, own, httpx, gone = check(Target())
    assert python.text.endswith(platform.python_version())
    assert python.fields == {"version": platform.python_version()}
    assert system.text == platform.platform()
    assert (own.name, own.text) == ("ollama-rx", "1.2")
    assert (httpx.name, httpx.status, httpx.text) == ("httpx", "ok", "0.28.1")
    assert (gone.status, gone.command) == ("problem", "pip install ollama-rx")


def test_a_copy_without_metadata_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, {})
    _, _, own = check(Target())
    assert (own.status, own.command) == ("problem", 'pip install "ollama-rx[cli]"')
