"""The operator and the sink of the documentation work in a folder outside this project, tests included."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from ollama_rx.testing import FakeOllama, answer
from tests.docs.pages import PAGES, ROOT, blocks, files

every_package = pytest.mark.parametrize("name", ["docs/operators.md", "docs/sinks.md"])


def write_package(name: str, folder: Path) -> list[str]:
    for path, code in files(PAGES[name]).items():
        (folder / path).write_text(code, encoding="utf-8")
    return list(files(PAGES[name]))


def register_sink(folder: Path) -> None:
    """Register the entry point of docs/sinks.md, as an installation of the package does."""
    (text,) = blocks(PAGES["docs/sinks.md"], "toml")
    info = folder / "ticket_printer-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ticket-printer\nVersion: 1.0\n")
    names = tomllib.loads(text)["project"]["entry-points"]["ollama_rx.sinks"]
    lines = [f"{name} = {value}" for name, value in names.items()]
    (info / "entry_points.txt").write_text("\n".join(["[ollama_rx.sinks]", *lines]))


def run(folder: Path, *command: str) -> str:
    return run_python(folder, "-m", *command)


def run_python(folder: Path, *words: str, **environment: str) -> str:
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@every_package
def test_a_package_outside_passes_its_own_tests(name: str, tmp_path: Path) -> None:
    written = write_package(name, tmp_path)
    register_sink(tmp_path)
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


def test_the_documented_command_prints_a_line_for_each_sentence(tmp_path: Path) -> None:
    write_package("docs/sinks.md", tmp_path)
    register_sink(tmp_path)
    (command,) = blocks(PAGES["docs/sinks.md"], "sh")
    program, *words = shlex.split(command.replace("/dev/usb/lp0", "paper"))
    assert program == "ollama-rx"
    with FakeOllama(answer("Once up", "on a ti", "me. The", " end.")) as fake:
        run_python(tmp_path, "-c", "from ollama_rx.cli import main; main()", *words, OLLAMA_HOST=fake.url)
    assert (tmp_path / "paper").read_text(encoding="utf-8") == "Once upon a time.\nThe end.\n"
