"""The doctor looks for the packages of each extra that the package itself declares."""

import tomllib
from pathlib import Path

import pytest

from ollama_rx.cli.doctor.check_extras import check
from ollama_rx.cli.doctor.finding import Target
from ollama_rx.cli.doctor.installed import extras_of
from tests.cli.doctor.packages import METADATA, install


def shown(monkeypatch: pytest.MonkeyPatch, packages: dict[str, str], system: str = "Linux") -> list[str]:
    install(monkeypatch, packages)
    monkeypatch.setattr("platform.system", lambda: system)
    return [
        " ".join(filter(None, (one.status, f"{one.name}: {one.text}", one.command)))
        for one in check(Target())
    ]


def test_an_extra_is_there_with_its_versions_or_missing_with_the_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert shown(monkeypatch, METADATA) == [
        'missing bus: needs nkeys pip install "ollama-rx[bus]"',
        "ok fast: uvloop 0.23",
        "ok none: needs nothing on this system",
        'missing web: needs uvicorn pip install "ollama-rx[web]"',
    ]


def test_what_is_for_another_system_is_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "ok fast: winloop 0.9" in shown(monkeypatch, METADATA, "Windows")


def test_a_package_may_be_missing_with_all_that_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    without = {name: text for name, text in METADATA.items() if name != "nats-py"}
    assert 'missing bus: needs nats-py pip install "ollama-rx[bus]"' in shown(monkeypatch, without)


def test_without_metadata_no_extra_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, {}) == []


def test_a_line_that_cannot_be_read_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "Provides-Extra: odd\nRequires-Dist: @odd; extra == 'odd'\n"
    assert shown(monkeypatch, {"ollama-rx": text}) == [
        "missing odd: needs @odd; extra == 'odd' pip install \"ollama-rx[odd]\""
    ]


def test_the_extras_are_those_of_the_project() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8"))
    declared = set(project["project"]["optional-dependencies"])
    if missing := declared - set(extras_of("ollama-rx")):
        pytest.skip(f"installed before {', '.join(missing)} was added")
