"""A message of several lines is complete when its quotes are closed and its last line does not continue."""

import pytest

from ollama_rx.cli.chat.input.message_lines import MessageLines


def _enter(*entries: str) -> tuple[list[bool], str]:
    lines = MessageLines()
    return [lines.feed(entry) for entry in entries], lines.message


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (["Hello"], "Hello"),
        ([""], ""),
        (['"""Hello', 'world"""'], "Hello\nworld"),
        (['"""', "Hello", "world", '"""'], "Hello\nworld"),
        (['"""', "", "Hello", "", '"""  '], "\nHello\n"),
        (['"""Hello"""'], "Hello"),
        (['""""""'], ""),
        (['"""', '"""'], ""),
        (['/system """', "Be brief.", '"""'], "/system Be brief."),
        (['"""', "a\\", '"""'], "a\\"),
        (['"""', 'say "hi"', '"""'], 'say "hi"'),
        (["one\\", "two\\", "three"], "one\ntwo\nthree"),
        (["one\\\\"], "one\\\\"),
        (["one\\\\\\", "two"], "one\\\\\ntwo"),
        (["one\\ "], "one\\ "),
        (["one\\", '"""'], 'one\n"""'),
        (['say """hi'], 'say """hi'),
        (["cc a \\\n  b"], "cc a \\\n  b"),
        (["cc a \\\n  b \\", "  c"], "cc a \\\n  b \n  c"),
        (['"""A program."""\nimport sys'], '"""A program."""\nimport sys'),
        (['"""\nHello\n"""\n'], "Hello"),
        (['"""', 'A\n"""\nB'], '"""\nA\n"""\nB'),
        (["one\r\ntwo\rthree"], "one\ntwo\nthree"),
        (["a\udcffb"], "a\ufffdb"),
    ],
)  # fmt: skip
def test_a_message_is_complete_with_its_last_line(entries: list[str], message: str) -> None:
    assert _enter(*entries) == ([False] * (len(entries) - 1) + [True], message)


@pytest.mark.parametrize(
    ("entries", "message"),
    [(['"""', "Hello"], "Hello"), (['"""Hello', ""], "Hello"), (["Hello\\"], "Hello"), (['"""'], "")],
)
def test_a_message_that_is_not_complete_is_there_as_far_as_it_goes(entries: list[str], message: str) -> None:
    complete, begun = _enter(*entries)
    assert (any(complete), begun) == (False, message)


@pytest.mark.parametrize(
    "entries",
    [["Hello"], ['"""', "Hello\\", '"""'], ["one\\", "two\\", "three"], ['/system """a', 'b"""']],
)
def test_what_was_typed_gives_the_same_message_when_it_is_entered_at_once(entries: list[str]) -> None:
    lines, again = MessageLines(), MessageLines()
    for entry in entries:
        lines.feed(entry)
    assert again.feed(lines.typed)
    assert (again.message, again.typed) == (lines.message, lines.typed)


def test_a_message_begins_with_its_first_line() -> None:
    lines = MessageLines()
    assert not lines.has_begun
    lines.feed("\\")
    assert lines.has_begun
