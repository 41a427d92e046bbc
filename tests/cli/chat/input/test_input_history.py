"""What was entered is kept between chats, by several terminals at once, and never destroyed."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from ollama_rx.cli.chat.input import input_history
from ollama_rx.cli.chat.input.input_history import MOST_BYTES, MOST_ENTRIES, InputHistory

ROOT = Path(__file__).parents[4]


@pytest.fixture
def notes() -> list[str]:
    return []


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "chat_history"


def _open(path: Path, notes: list[str]) -> InputHistory:
    return InputHistory(path, notes.append)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)


def test_what_was_entered_is_there_in_the_next_chat(path: Path, notes: list[str]) -> None:
    history = _open(path, notes)
    assert history.entries == []
    assert [history.add(entry) for entry in ("Hello", "two\nlines", "你好 🎉")] == [True, True, True]
    assert history.entries == ["Hello", "two\nlines", "你好 🎉"]
    assert _open(path, notes).entries == ["Hello", "two\nlines", "你好 🎉"]
    assert (path.read_text(encoding="utf-8").count("\n"), notes) == (3, [])


@pytest.mark.parametrize("entry", ["", " \n", " secret", "the last"])
def test_messages_that_are_empty_repeated_or_begin_with_a_space_are_not_kept(
    path: Path, notes: list[str], entry: str
) -> None:
    history = _open(path, notes)
    history.add("the last")
    assert not history.add(entry)
    assert history.entries == ["the last"]
    assert _open(path, notes).entries == ["the last"]


def test_a_very_long_message_is_there_only_until_the_chat_ends(path: Path, notes: list[str]) -> None:
    history = _open(path, notes)
    assert history.add("a" * MOST_BYTES)
    assert len(history.entries) == 1
    assert _open(path, notes).entries == []


def test_only_the_owner_can_read_it(path: Path, notes: list[str]) -> None:
    _open(path, notes).add("Hello")
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    path.chmod(0o644)
    _open(path, notes)
    assert path.stat().st_mode & 0o777 == 0o600


def test_it_is_cut_to_the_newest_when_a_chat_starts(path: Path, notes: list[str]) -> None:
    history = _open(path, notes)
    for number in range(MOST_ENTRIES + 5):
        history.add(str(number))
    assert len(history.entries) == MOST_ENTRIES + 5
    assert _open(path, notes).entries == [str(number) for number in range(5, MOST_ENTRIES + 5)]
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["chat_history"]
    history.add("later")  # by a terminal that had opened the longer file
    assert _open(path, notes).entries[-2:] == [str(MOST_ENTRIES + 4), "later"]


def test_a_link_to_the_file_stays_a_link(path: Path, notes: list[str], tmp_path: Path) -> None:
    _write(tmp_path / "elsewhere", b'"a"\nbroken\n')
    path.parent.mkdir()
    path.symlink_to(tmp_path / "elsewhere")
    _open(path, notes).add("b")
    assert path.is_symlink()
    assert (tmp_path / "elsewhere").read_bytes() == b'"a"\n"b"\n'


def test_lines_that_are_broken_are_moved_aside_once(path: Path, notes: list[str]) -> None:
    _write(path, b'"a"\n{"text": 1}\n\xff\xfe\n\n"b"\n"cut off')
    assert _open(path, notes).entries == ["a", "b"]
    assert notes == [f"{path}: 3 lines could not be read; moved to chat_history.broken"]
    assert path.read_bytes() == b'"a"\n"b"\n'
    aside = path.with_name("chat_history.broken")
    assert aside.read_bytes() == b'{"text": 1}\n\xff\xfe\n"cut off\n'
    assert aside.stat().st_mode & 0o777 == 0o600
    _open(path, notes)
    assert len(notes) == 1
    _write(path, b'"a"\nagain')
    _open(path, notes)
    assert notes[1:] == [f"{path}: 1 line could not be read; moved to chat_history.broken"]
    assert aside.read_bytes().endswith(b'"cut off\nagain\n')


def test_a_message_is_added_below_a_line_that_was_cut_off(path: Path, notes: list[str]) -> None:
    history = _open(path, notes)
    path.write_bytes(b'"a"\n"cut')
    history.add("b")
    assert path.read_bytes() == b'"a"\n"cut\n"b"\n'


def test_a_file_that_was_deleted_meanwhile_is_made_again(path: Path, notes: list[str]) -> None:
    history = _open(path, notes)
    history.add("a")
    path.unlink()
    history.add("b")
    assert _open(path, notes).entries == ["b"]


def test_a_file_that_is_replaced_while_it_is_locked_is_opened_again(
    path: Path, notes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    history = _open(path, notes)
    locks: list[int] = []

    def replace(file: int) -> None:
        locks.append(file)
        if len(locks) == 1:
            path.unlink()
        if len(locks) == 2:
            _write(path.with_name("new"), b'"new"\n')
            path.with_name("new").replace(path)

    monkeypatch.setattr(input_history, "_lock", replace)
    history.add("a")
    assert (path.read_bytes(), len(locks)) == (b'"new"\n"a"\n', 3)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["folder", "pipe"])
@pytest.mark.timeout(30)
def test_a_path_that_is_not_a_file_is_a_note_and_the_chat_goes_on(
    path: Path, notes: list[str], make: Callable[[Path], None]
) -> None:
    path.parent.mkdir()
    make(path)
    history = _open(path, notes)
    assert history.add("Hello")
    assert history.entries == ["Hello"]
    assert len(notes) == 1
    assert notes[0].startswith(f"the input history is not saved: {path}: ")
    assert not path.is_file()


def test_a_file_that_is_too_long_stays_as_it_is(
    path: Path, notes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(path, b"0123456789")
    monkeypatch.setattr(input_history, "_MOST_READ", 9)
    assert _open(path, notes).entries == []
    assert notes == [f"the input history is not saved: {path}: Too long for a history"]
    assert path.read_bytes() == b"0123456789"


def test_a_folder_that_cannot_be_made_is_a_note(tmp_path: Path, notes: list[str]) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "chat_history"
    assert _open(path, notes).entries == []
    assert notes == [f"the input history is not saved: {path.parent}: File exists"]


def _refuse_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse as a read-only folder does; the tests may run as root, whom permissions do not stop."""
    real = os.open

    def open_to_read(path: str | Path, flags: int, mode: int = 0o777, **more: int) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, flags, mode, **more)

    monkeypatch.setattr(os, "open", open_to_read)


def test_in_a_folder_that_is_read_only_the_file_is_read(
    path: Path, notes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(path, b'"a"\nbroken\n"b"\n')
    _refuse_writing(monkeypatch)
    history = _open(path, notes)
    assert history.entries == ["a", "b"]
    assert history.add("c")
    assert notes == [f"the input history is not saved: {path}: Permission denied"]
    assert path.read_bytes() == b'"a"\nbroken\n"b"\n'


def test_a_folder_that_becomes_read_only_is_noted_once(
    path: Path, notes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    history = _open(path, notes)
    _refuse_writing(monkeypatch)
    history.add("a")
    history.add("b")
    assert history.entries == ["a", "b"]
    assert notes == [f"the input history is not saved: {path}: Permission denied"]


def test_a_file_that_cannot_be_rewritten_stays_as_it_is(
    path: Path, notes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    _write(path, b'"a"\nbroken\n')
    monkeypatch.setattr(Path, "replace", full)
    assert _open(path, notes).entries == ["a"]
    assert notes[1:] == [f"the input history is not saved: {path}: No space left on device"]
    assert path.read_bytes() == b'"a"\nbroken\n'
    assert sorted(file.name for file in path.parent.iterdir()) == ["chat_history", "chat_history.broken"]


_WRITER = """
import sys
from collections.abc import Callable
from pathlib import Path
from ollama_rx.cli.chat.input.input_history import InputHistory

for number in range(100):
    InputHistory(Path(sys.argv[1]), print).add(f"{sys.argv[2]} {number}" + 3000 * " long")
"""


def test_terminals_that_write_and_cut_at_once_lose_nothing_of_each_other(
    path: Path, notes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    program = _WRITER.replace("\nfor", "\ninput_history.MOST_ENTRIES = 300\nfor").replace(
        "from pathlib", "from ollama_rx.cli.chat.input import input_history\nfrom pathlib"
    )
    _write(path, b"".join(orjson.dumps(f"old {number}") + b"\n" for number in range(300)))
    writers = [
        subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", program, str(path), name],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        for name in ("a", "b", "c")
    ]
    outputs = [writer.communicate(timeout=120)[0] for writer in writers]
    monkeypatch.setattr(input_history, "MOST_ENTRIES", 300)
    names = [entry[:4].strip() for entry in _open(path, notes).entries]
    assert (outputs, notes, len(names)) == (["", "", ""], [], 300)
    assert sorted(names) == sorted(f"{name} {number}" for name in "abc" for number in range(100))
