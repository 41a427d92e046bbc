"""What the conventions say about files and names, checked."""

import ast
import os
from pathlib import Path
from types import ModuleType

import pytest

import ollama_rx
from ollama_rx import operators, sinks, testing

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / "ollama_rx").rglob("*.py"))
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "base", "common", "manager", "misc"}


def test_no_file_or_folder_has_a_name_that_says_nothing() -> None:
    parts = {part.strip("_") for file in FILES for part in file.relative_to(ROOT).with_suffix("").parts}
    assert parts & EMPTY_NAMES == set()


def test_every_file_begins_with_why_it_exists() -> None:
    silent = [
        file.name for file in FILES if not ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    ]
    assert silent == []


@pytest.mark.parametrize("module", [ollama_rx, operators, sinks, testing], ids=lambda module: module.__name__)
def test_public_names_are_sorted_and_exist(module: ModuleType) -> None:
    names: list[str] = list(module.__all__)
    assert names == sorted(set(names), key=lambda name: (not name.isupper(), name.islower(), name))
    assert all(hasattr(module, name) for name in names)


@pytest.mark.parametrize("module", [ollama_rx, operators, sinks, testing], ids=lambda module: module.__name__)
def test_public_names_are_described(module: ModuleType) -> None:
    silent = [
        name
        for name in module.__all__
        if callable(getattr(module, name)) and not getattr(module, name).__doc__
    ]
    assert silent == []


def test_the_signpost_at_the_root_points_at_the_operators() -> None:
    signpost = ROOT / "operators"
    if not os.path.lexists(signpost):
        pytest.skip("not in a source distribution")
    assert signpost.is_symlink()
    assert signpost.readlink() == Path("ollama_rx/operators")


def test_no_todo_stands_without_an_issue() -> None:
    words = ("TO" + "DO", "FIX" + "ME", "X" * 3)
    found = [
        (file.name, line.strip())
        for file in FILES
        for line in file.read_text(encoding="utf-8").splitlines()
        if any(word in line for word in words) and "#" not in line
    ]
    assert found == []
