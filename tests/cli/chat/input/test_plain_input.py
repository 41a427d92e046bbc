"""Plain lines: without a terminal, or with one that cannot edit."""

import io
import sys

import pytest

from ollama_rx.cli.chat.input.plain_input import PlainInput


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def notes() -> list[str]:
    return []


def _open(monkeypatch: pytest.MonkeyPatch, content: bytes, notes: list[str]) -> PlainInput:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    return PlainInput(notes.append)


def test_each_line_is_a_message_until_the_input_ends(
    monkeypatch: pytest.MonkeyPatch, notes: list[str]
) -> None:
    with _open(monkeypatch, "Hello\r\n你好\n\nbye".encode(), notes) as messages:
        assert [messages.read(">>> ") for _ in range(4)] == ["Hello", "你好", "", "bye"]
        for _ in range(2):
            with pytest.raises(EOFError):
                messages.read(">>> ")


def test_several_lines_are_one_message(monkeypatch: pytest.MonkeyPatch, notes: list[str]) -> None:
    messages = _open(monkeypatch, b'"""one\ntwo"""\na\\\nb\n', notes)
    assert [messages.read(">>> "), messages.read(">>> ")] == ["one\ntwo", "a\nb"]


def test_the_end_of_the_input_completes_a_message(monkeypatch: pytest.MonkeyPatch, notes: list[str]) -> None:
    messages = _open(monkeypatch, b'"""one\ntwo', notes)
    assert messages.read(">>> ") == "one\ntwo"
    with pytest.raises(EOFError):
        messages.read(">>> ")


def test_bytes_that_are_not_utf_8_are_replaced_and_a_note_says_so(
    monkeypatch: pytest.MonkeyPatch, notes: list[str]
) -> None:
    assert _open(monkeypatch, b"caf\xe9\n", notes).read(">>> ") == "caf\ufffd"
    assert notes == ["the message is not UTF-8: bytes that cannot be read are replaced by \ufffd"]


def test_no_prompt_is_printed_to_a_pipe(
    monkeypatch: pytest.MonkeyPatch, notes: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    messages = _open(monkeypatch, b"Hello\n", notes)
    messages.read(">>> ")
    with pytest.raises(EOFError):
        messages.read(">>> ")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_on_a_terminal_prompts_are_printed_without_colours(
    monkeypatch: pytest.MonkeyPatch, notes: list[str], name: str
) -> None:
    shown = _Terminal()
    monkeypatch.setattr(sys, name, shown)
    stdin = io.TextIOWrapper(io.BytesIO(b'"""one\ntwo"""\n'))
    monkeypatch.setattr(stdin, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", stdin)
    messages = PlainInput(notes.append)
    assert messages.read("\x1b[1m>>> \x1b[0m", draft="not shown") == "one\ntwo"
    with pytest.raises(EOFError):
        messages.read(">>> ")
    assert shown.getvalue() == ">>> ... >>> \n"
