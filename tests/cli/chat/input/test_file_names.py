"""Names of files are found in a message, and completed."""

import os
from pathlib import Path
from typing import Self

import pytest

from ollama_rx.cli.chat.input.file_names import complete_name, complete_path, find_names


@pytest.mark.parametrize(
    ("message", "names"),
    [
        ("@notes.txt", ["notes.txt"]),
        ("See @a.txt and @b.txt.", ["a.txt", "b.txt."]),
        ('@"my notes.txt"', ["my notes.txt"]),
        ('@"a \\"b\\" \\\\c"', ['a "b" \\c']),
        ("@my\\ notes.txt", ["my notes.txt"]),
        ("@a\\\\b", ["a\\b"]),
        ("(@a.txt)", ["a.txt)"]),
        ("总结@notes.txt", ["notes.txt"]),
        ("@~/a.txt\n  @b", ["~/a.txt", "b"]),
        ("mail@example.org", []),
        ("https://example.org/@anna", []),
        ("\\@a.txt", []),
        ('import "@/a.css"', []),
        ("`@a`", []),
        ("a @ b", []),
        ("@@a", ["@a"]),
        ('@"open', []),
    ],
)
def test_names_are_found(message: str, names: list[str]) -> None:
    assert [found.name for found in find_names(message)] == names


def test_a_name_knows_its_quotes_and_whether_it_begins_a_line() -> None:
    found = [(name.is_quoted, name.begins_line) for name in find_names('See @a\n  @"b" @c')]
    assert found == [(False, False), (True, True), (False, False)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("notes.txt", "my notes.txt", ".hidden", "bell\a.txt", 'say "hi".txt', "back\\slash.txt"):
        (tmp_path / name).touch()
    (tmp_path / "sub folder").mkdir()
    (tmp_path / "sub folder" / "a.md").touch()
    (tmp_path / "loop").symlink_to("loop")
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("begun", "paths"),
    [
        ("no", ["notes.txt"]),
        ("m", ["my notes.txt"]),
        ("s", ['say "hi".txt', "sub folder/"]),
        ("sub folder/", ["sub folder/a.md"]),
        ("~/no", ["~/notes.txt"]),
        ("./no", ["./notes.txt"]),
        (".h", [".hidden"]),
        ("l", ["loop"]),
        ("b", ["back\\slash.txt"]),
        ("", ["back\\slash.txt", "loop", "my notes.txt", "notes.txt", 'say "hi".txt', "sub folder/"]),
        ("missing/", []),
        ("notes.txt/", []),
        ("~nobody-of-that-name/", []),
        ("a\0/", []),
    ],
)
def test_a_path_is_completed(begun: str, paths: list[str]) -> None:
    assert complete_path(begun) == paths


def test_a_folder_that_cannot_be_looked_into_is_completed_as_a_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Unreadable:
        name = "secret"

        def is_dir(self) -> bool:
            raise PermissionError

    class Entries(list[Unreadable]):
        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            pass

    def scandir(_: object) -> Entries:
        return Entries([Unreadable()])

    monkeypatch.setattr(os, "scandir", scandir)
    assert complete_path(f"{folder}/") == [f"{folder}/secret"]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("before", "completions"),
    [
        ("See @no", (4, ["@notes.txt"])),
        ("@m", (0, ["@my\\ notes.txt"])),
        ("@my\\ n", (0, ["@my\\ notes.txt"])),
        ('@"my n', (0, ['@"my notes.txt"'])),
        ('@"sub', (0, ['@"sub folder/'])),
        ("@sub", (0, ["@sub\\ folder/"])),
        ('@"say', (0, ['@"say \\"hi\\".txt"'])),
        ("@say", (0, ['@say\\ \\"hi\\".txt'])),
        ("@back", (0, ["@back\\\\slash.txt"])),
    ],
)
def test_a_name_is_completed_as_it_was_begun(before: str, completions: tuple[int, list[str]]) -> None:
    assert complete_name(before) == completions


@pytest.mark.usefixtures("folder")
def test_a_name_that_matches_no_file_has_no_completion() -> None:
    assert complete_name("See @none") == (4, [])


@pytest.mark.parametrize("before", ["Hello", "a@b", "@notes.txt "])
def test_other_words_are_not_completed_as_names(before: str) -> None:
    assert complete_name(before) is None


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("before", ["@m", '@"m', "@back", "@say", '@"say'])
def test_what_a_completion_gives_is_found_as_the_same_name(before: str) -> None:
    completed = complete_name(before)
    assert completed is not None
    (name,) = completed[1]
    (found,) = find_names(name)
    assert Path(found.name).exists()
