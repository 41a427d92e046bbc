"""The recipes of CONTRIBUTING.md are followed in a copy of the project: each of their steps works."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, files, section

CONTRIBUTING = PAGES["CONTRIBUTING.md"]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Copy what a recipe needs of this project."""
    for folder in ("ollama_rx", "tests/operators", "tests/sinks", "tests/docs", "docs"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    for name in ("pyproject.toml", "tests/conftest.py", "README.md", "CONTRIBUTING.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def follow(recipe: str, clone: Path) -> list[str]:
    """Write the files of a recipe and add its names and its row, as it says; return the new files."""
    for name, code in files(recipe).items():
        if (ROOT / name).exists():
            pytest.skip("the recipe has been followed here")
        (clone / name).write_text(code, encoding="utf-8")
    _add_name(recipe, clone)
    _add_row(recipe, clone / "README.md")
    return list(files(recipe))


def _add_name(recipe: str, clone: Path) -> None:
    flat = " ".join(recipe.split())
    step = re.search(r"In `([^`]+)` add `([^`]+)`, and `(\"\w+\")` in `__all__`", flat)
    assert step
    exports = clone / step[1]
    before, rest = exports.read_text(encoding="utf-8").split("\n\n__all__ = [", 1)
    names, after = rest.split("]", 1)
    sorted_names = sorted([*re.findall(r'"\w+"', names), step[3]])
    indent = re.findall(r"^ *(?=from ollama_rx)", before, re.MULTILINE)[-1]
    exports.write_text(
        f"{before}\n{indent}{step[2]}\n\n__all__ = [{', '.join(sorted_names)}]{after}", encoding="utf-8"
    )


def _add_row(recipe: str, readme: Path) -> None:
    row = re.search(r"^ +(\| .* \|)$", recipe, re.MULTILINE)
    assert row
    title = "Where it goes: sinks" if "--to" in row[1] else "Which operator do I need?"
    before, after = readme.read_text(encoding="utf-8").split(f"\n## {title}\n")
    after = after.replace("|---|---|---|\n", f"|---|---|---|\n{row[1]}\n", 1)
    readme.write_text(f"{before}\n## {title}\n{after}", encoding="utf-8")


def run(clone: Path, *command: str) -> str:
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", *command],
        cwd=clone,
        env=os.environ | {"PYTHONPATH": str(clone)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run_tests(clone: Path, *what: str) -> str:
    return run(clone, "pytest", "-q", "-p", "no:cacheprovider", *what)


def test_the_recipe_for_an_operator_works(clone: Path) -> None:
    recipe = section(CONTRIBUTING, "Add an operator")
    written = follow(recipe, clone)
    row = re.search(r'^ +("split_paragraphs": .+,)$', recipe, re.MULTILINE)
    assert row
    lifecycle = clone / "tests" / "operators" / "test_lifecycle.py"
    text = lifecycle.read_text(encoding="utf-8")
    opening = re.search(r"^OPERATORS: .* = \{\n", text, re.MULTILINE)
    assert opening
    text = text.replace(opening[0], f"{opening[0]}    {row[1]}\n")
    lifecycle.write_text(text, encoding="utf-8")
    output = run_tests(clone, *written, str(lifecycle), "-k", "paragraph or listed")
    passed = re.search(r"(\d+) passed", output)
    assert passed
    assert int(passed[1]) == 5  # the docstring's, its own two, "every promise" and "is listed"
    assert "1 passed" in run_tests(clone, "tests/docs/test_readme.py", "-k", "operator_is_in_the_table")


def test_the_recipe_for_a_sink_works(clone: Path) -> None:
    recipe = section(CONTRIBUTING, "Add a sink")
    written = follow(recipe, clone)
    assert "3 passed" in run_tests(clone, *written)
    entry = re.search(r"`((\w+) = \"([\w.]+):(\w+)\")`", recipe)
    assert entry
    project = clone / "pyproject.toml"
    group = '[project.entry-points."ollama_rx.sinks"]\n'
    text = project.read_text(encoding="utf-8").replace(group, f"{group}{entry[1]}\n")
    assert (
        tomllib.loads(text)["project"]["entry-points"]["ollama_rx.sinks"]["text"] == f"{entry[3]}:{entry[4]}"
    )
    project.write_text(text, encoding="utf-8")
    assert (clone / written[0]).read_text().count(f"class {entry[4]}(Sink[str]):") == 1
    assert entry[3] == "ollama_rx.sinks"
    assert "1 passed" in run_tests(clone, "tests/docs/test_readme.py", "-k", "sink_is_in_the_table")


@pytest.mark.parametrize("title", ["Add an operator", "Add a sink"])
def test_the_files_of_a_recipe_are_formatted_and_pass_the_linter(title: str, clone: Path) -> None:
    written = follow(section(CONTRIBUTING, title), clone)
    run(clone, "ruff", "format", "--check", "--no-cache", *written)
    run(clone, "ruff", "check", "--no-cache", *written)
