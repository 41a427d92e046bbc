"""Tab completes commands, their arguments, and names of files."""

from pathlib import Path

import pytest

from ollama_rx.cli.chat.input.word_completion import complete


def _words(before: str) -> list[str]:
    return ["first", "second"] if before.startswith("/load ") else ["/load", "/save", "/system"]


@pytest.mark.parametrize(
    ("before", "completions"),
    [
        ("", (0, ["/load", "/save", "/system"])),
        ("/s", (0, ["/save", "/system"])),
        ("/load ", (6, ["first", "second"])),
        ("/load s", (6, ["second"])),
        ("Hello\n/s", (6, ["/save", "/system"])),
        ("Hello\t/s", (6, ["/save", "/system"])),
    ],
)
def test_words_that_begin_as_the_last_one_are_offered(
    before: str, completions: tuple[int, list[str]]
) -> None:
    assert complete(before, _words) == completions


def test_a_word_that_is_complete_has_no_completion() -> None:
    assert complete("/save", _words) == (0, [])


def test_after_an_at_sign_files_are_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").touch()
    assert complete("/load @", _words) == (6, ["@notes.txt"])
