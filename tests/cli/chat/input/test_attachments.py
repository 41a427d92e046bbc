"""Files and images that a message names are attached to it; what is not meant as a file stays text."""

import os
from pathlib import Path

import pytest

from ollama_rx.cli.chat.input import Attachments, attachments, read_attachments

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "notes.txt").write_text("Buy milk.\n", encoding="utf-8")
    (tmp_path / "picture.png").write_bytes(PNG)
    (tmp_path / "docs").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    "message", ["Hello", "", "Ask anna@example.org", "@anna, @bob: hi", "See \\@notes.txt"]
)
def test_a_message_without_files_stays_as_it_is(message: str) -> None:
    assert read_attachments(message) == Attachments(message)


def test_a_text_is_put_below_the_message_with_its_name() -> None:
    assert read_attachments("Sum up @notes.txt") == Attachments(
        "Sum up @notes.txt\n\nnotes.txt:\n```\nBuy milk.\n```", notes=("attached notes.txt",)
    )


def test_an_image_is_an_image() -> None:
    assert read_attachments("What is @picture.png?") == Attachments(
        "What is @picture.png?", (PNG,), ("attached picture.png",)
    )


def test_several_files_are_attached_once_each_in_their_order(folder: Path) -> None:
    (folder / "b.md").write_text("B", encoding="utf-8")
    (folder / "c.gif").write_bytes(b"GIF89a")
    read = read_attachments("@c.gif @b.md, @picture.png @notes.txt (@b.md) @c.gif.")
    assert read.images == (b"GIF89a", PNG)
    assert read.text.endswith("\n\nb.md:\n```\nB\n```\n\nnotes.txt:\n```\nBuy milk.\n```")
    assert len(read.notes) == 4


@pytest.mark.parametrize(
    "mention", ["@~/my\\ notes.txt", '@"my notes.txt"', '@"~/my notes.txt"', "@./my\\ notes.txt?!"]
)
def test_names_with_spaces_and_the_home_folder_are_found(folder: Path, mention: str) -> None:
    (folder / "my notes.txt").write_text("Mine", encoding="utf-8")
    assert read_attachments(mention).text.endswith("my notes.txt:\n```\nMine\n```")


def test_punctuation_belongs_to_a_name_if_there_is_such_a_file(folder: Path) -> None:
    (folder / "notes.txt.").write_text("dot", encoding="utf-8")
    assert read_attachments("@notes.txt.").text.endswith("notes.txt.:\n```\ndot\n```")


@pytest.mark.parametrize(
    ("content", "block"),
    [
        ("", "```\n\n```"),
        ("a\n\n", "```\na\n\n```"),
        ("`a` ``` b", "````\n`a` ``` b\n````"),
        ("`````\nx\n`````", "``````\n`````\nx\n`````\n``````"),
        ("a\x1b[31m\x00"[:-1], "```\na\x1b[31m\n```"),
        ("\ufeffa", "```\na\n```"),
    ],
)
def test_a_text_cannot_close_its_fence(folder: Path, content: str, block: str) -> None:
    (folder / "a.md").write_bytes(content.encode())
    assert read_attachments("@a.md").text == f"@a.md\n\na.md:\n{block}"


def test_a_name_that_cannot_be_printed_is_escaped(folder: Path) -> None:
    (folder / "a\x1bb").write_text("x", encoding="utf-8")
    read = read_attachments("@a\x1bb")
    assert read.notes == ("attached a\\x1bb",)
    assert "\n\na\\x1bb:\n```" in read.text


@pytest.mark.parametrize(
    "message",
    [
        "@nots.txt",
        "See @nots.TXT, please",
        "@docs/chapter",
        "@./chapter",
        "@../chapter",
        "@~/chapter",
        "@/chapter-that-is-missing",
        '@"nots.txt"',
        "@missing/a.md",
        "@notes.txt/a",
    ],
)
def test_a_missing_file_that_is_meant_as_one_is_an_error(message: str) -> None:
    with pytest.raises(ValueError, match=r": no such file; write \\@ if none is meant$"):
        read_attachments(message)


@pytest.mark.parametrize(
    ("message", "notes"),
    [
        ("@property\ndef a(self): ...", ()),
        ('@app.get("/a")\n  @functools.cache\n@pytest.fixture', ()),
        ("Use @types/node here", ("@types/node is not the name of a file: sent as text",)),
        ("ask @anna.b.", ("@anna.b is not the name of a file: sent as text",)),
        ('say @"so"', ("@so is not the name of a file: sent as text",)),
        ("@~nobody-of-that-name/a", ("@~nobody-of-that-name/a is not the name of a file: sent as text",)),
        ("a @\0b", ()),
        ("@@ -1,2 +1,3 @@", ()),
        ("@...", ()),
        ('@""', ()),
    ],
)  # fmt: skip
def test_what_may_be_something_else_stays_text(message: str, notes: tuple[str, ...]) -> None:
    assert read_attachments(message) == Attachments(message, (), notes)


@pytest.mark.timeout(30)
def test_what_cannot_be_attached_is_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "binary").write_bytes(b"\x7fELF\0\1")
    (folder / "latin.txt").write_bytes(b"caf\xe9")
    (folder / "long.txt").write_bytes(b"12345")
    (folder / "loop").symlink_to("loop")
    monkeypatch.setattr(attachments, "MAX_TEXT", 4)
    for name, reason in {
        "docs": "docs is a folder; name a file in it",
        "docs/": "docs/ is a folder; name a file in it",
        "pipe": "pipe is a pipe or a device, not a file",
        "/dev/null": "/dev/null is a pipe or a device, not a file",
        "binary": "binary is neither text in UTF-8 nor an image in PNG, JPEG, WebP, GIF or BMP",
        "latin.txt": "latin.txt is neither text in UTF-8 nor an image in PNG, JPEG, WebP, GIF or BMP",
        "long.txt": "long.txt is longer than 0 MB",
        "loop": "loop: Too many levels of symbolic links",
    }.items():
        with pytest.raises(ValueError) as error:  # noqa: PT011 - compared below
            read_attachments(f"See @{name}")
        assert str(error.value) == reason


def test_texts_that_are_too_long_together_are_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.txt", "b.txt"):
        (folder / name).write_bytes(b"123")
    monkeypatch.setattr(attachments, "MAX_TEXT", 4)
    with pytest.raises(ValueError, match=r"^the files are longer than 0 MB together$"):
        read_attachments("@a.txt @b.txt")


def test_an_image_that_is_too_long_is_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    monkeypatch.setattr(attachments, "MAX_IMAGE", 7)
    with pytest.raises(ValueError, match=r"^a\.png is longer than 0 MB$"):
        read_attachments("@a.png")
