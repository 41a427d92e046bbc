"""The conventions for files and names."""

import ast
import os
from pathlib import Path
from types import ModuleType

import pytest

import ollama_rx
from ollama_rx import operators, sinks, testing

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / "ollama_rx").rglob("*.py"))
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "base", "common", "manager", "misc"}


def test_no_file_or_folder_has_a_vague_name() -> None:
    parts = {part.strip("_") for file in FILES for part in file.relative_to(ROOT).with_suffix("").parts}
    assert parts & VAGUE_NAMES == set()


def test_no_module_name_occurs_twice() -> None:
    places: dict[str, list[str]] = {}
    for file in FILES:
        if not file.stem.startswith("__"):  # packages have `__init__`, programs have `__main__`
            places.setdefault(file.stem.strip("_"), []).append(file.relative_to(ROOT).as_posix())
    assert {name: files for name, files in places.items() if len(files) > 1} == {}


def test_no_class_name_occurs_twice() -> None:
    places: dict[str, list[str]] = {}
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name.strip("_"), []).append(file.relative_to(ROOT).as_posix())
    assert {name: files for name, files in places.items() if len(files) > 1} == {}


def test_every_file_begins_with_a_docstring() -> None:
    undocumented = [
        file.name for file in FILES if not ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    ]
    assert undocumented == []


@pytest.mark.parametrize("module", [ollama_rx, operators, sinks, testing], ids=lambda module: module.__name__)
def test_public_names_are_sorted_and_exist(module: ModuleType) -> None:
    names: list[str] = list(module.__all__)
    assert names == sorted(set(names), key=lambda name: (not name.isupper(), name.islower(), name))
    assert all(hasattr(module, name) for name in names)


@pytest.mark.parametrize("module", [ollama_rx, operators, sinks, testing], ids=lambda module: module.__name__)
def test_public_names_have_docstrings(module: ModuleType) -> None:
    undocumented = [
        name
        for name in module.__all__
        if callable(getattr(module, name)) and not getattr(module, name).__doc__
    ]
    assert undocumented == []


def test_the_link_at_the_root_points_to_the_operators() -> None:
    link = ROOT / "operators"
    if not os.path.lexists(link):
        pytest.skip("not in a source distribution")
    assert link.is_symlink()
    assert link.readlink() == Path("ollama_rx/operators")


def test_every_todo_has_an_issue_number() -> None:
    words = ("TO" + "DO", "FIX" + "ME", "X" * 3)
    found = [
        (file.name, line.strip())
        for file in FILES
        for line in file.read_text(encoding="utf-8").splitlines()
        if any(word in line for word in words) and "#" not in line
    ]
    assert found == []
