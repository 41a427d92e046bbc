"""The operator and the sink of the documentation work in a folder outside this project, tests included."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, blocks, files

every_package = pytest.mark.parametrize("name", ["docs/operators.md", "docs/sinks.md"])


def write_package(name: str, folder: Path) -> list[str]:
    for path, code in files(PAGES[name]).items():
        (folder / path).write_text(code, encoding="utf-8")
    return list(files(PAGES[name]))


def run(folder: Path, *command: str) -> str:
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", *command],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@every_package
def test_a_package_outside_passes_its_own_tests(name: str, tmp_path: Path) -> None:
    written = write_package(name, tmp_path)
    assert len(written) == 2
    count = len(re.findall(r"^def test_", PAGES[name], re.MULTILINE))
    output = run(tmp_path, "pytest", "-q", "-W", "error", "-p", "no:cacheprovider")
    assert f"{count} passed" in output


@every_package
def test_a_package_outside_imports_only_what_is_public(name: str) -> None:
    imports = re.findall(r"^from (ollama_rx[\w.]*) import", PAGES[name], re.MULTILINE)
    assert imports
    public = {"ollama_rx", *(f"ollama_rx.{part}" for part in ("operators", "rx", "sinks", "testing"))}
    assert set(imports) <= public


@every_package
def test_the_files_of_a_package_outside_are_formatted(name: str, tmp_path: Path) -> None:
    written = write_package(name, tmp_path)
    run(tmp_path, "ruff", "format", "--check", "--no-cache", "--line-length", "110", *written)


def test_the_entry_point_of_the_sink_names_its_class() -> None:
    (text,) = blocks(PAGES["docs/sinks.md"], "toml")
    (entry,) = tomllib.loads(text)["project"]["entry-points"]["ollama_rx.sinks"].values()
    module, _, name = entry.partition(":")
    assert f"class {name}(Sink[str]):" in files(PAGES["docs/sinks.md"])[f"{module}.py"]
