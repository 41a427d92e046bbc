"""A conversation is saved whole or not at all, and what cannot be read is explained."""

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_rx import Message, ToolCall
from ollama_rx.conversation import saved_file
from ollama_rx.conversation.saved_file import SavedConversation, read_saved, write_saved

CALL = ToolCall("weather", {"city": "Ulm", "days": [1, 2]}, id="call_1", index=0)
UNREADABLE = ToolCall("weather", unreadable_arguments='{"city": "Ul')
EVERYTHING = SavedConversation(
    (
        Message("system", "Be brief."),
        Message("user", "Wie spät? 🕰", images=("aGk=",)),
        Message("assistant", "", "hm", tool_calls=(CALL, UNREADABLE)),
        Message("tool", "rain", tool_name="weather", tool_call_id="call_1"),
        Message("assistant", "It is ra", cut=True),
    ),
    model="llama3.2",
    tokens_used=42,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "talk.json"


def test_what_is_read_is_what_was_written(file: Path) -> None:
    write_saved(file, EVERYTHING)
    assert read_saved(file) == EVERYTHING
    write_saved(str(file), SavedConversation(()))
    assert read_saved(str(file)) == SavedConversation(())


def test_the_file_is_readable_json_and_has_no_empty_fields(file: Path) -> None:
    write_saved(file, SavedConversation((Message("user", "Wie spät?"),), "m"))
    assert file.read_text(encoding="utf-8") == (
        '{\n  "format": "ollama-rx conversation",\n  "version": 1,\n  "model": "m",\n  "tokens_used": null,\n'
        '  "messages": [\n    {\n      "role": "user",\n      "content": "Wie spät?"\n    }\n  ]\n}\n'
    )


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS | st.lists(TEXTS, max_size=2)
CALLS = st.builds(
    ToolCall,
    TEXTS,
    st.dictionaries(TEXTS, JSON, max_size=2),
    id=TEXTS.map(lambda text: text or None),
    index=st.integers(0, 9),
)
OPTIONAL = TEXTS.map(lambda text: text or None)
MESSAGES = st.builds(
    Message,
    TEXTS,
    TEXTS,
    TEXTS,
    tool_calls=st.lists(CALLS, max_size=2).map(tuple),
    tool_name=OPTIONAL,
    tool_call_id=OPTIONAL,
    cut=st.booleans(),
)


@given(st.lists(MESSAGES, max_size=4))
def test_any_messages_survive(messages: list[Message]) -> None:
    saved = SavedConversation(tuple(messages))
    assert saved_file._from_json(orjson.loads(orjson.dumps(saved_file._to_json(saved)))) == saved


def test_images_are_kept_in_the_file(file: Path) -> None:
    picture = file.with_name("cat.png")
    picture.write_bytes(b"hi")
    write_saved(file, SavedConversation((Message("user", "", images=(b"hi", picture, "aGk=")),)))
    assert read_saved(file).messages[0].images == ("aGk=",) * 3


def test_a_new_file_is_private_and_an_old_one_keeps_its_mode(file: Path) -> None:
    write_saved(file, EVERYTHING)
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o644)
    write_saved(file, EVERYTHING)
    assert file.stat().st_mode & 0o777 == 0o644


def test_through_a_link_the_file_is_replaced_and_the_link_stays(file: Path) -> None:
    link = file.with_name("link.json")
    link.symlink_to(file)
    write_saved(link, EVERYTHING)
    assert link.is_symlink()
    assert read_saved(file) == EVERYTHING


def test_a_link_that_leads_nowhere_gets_its_file(file: Path) -> None:
    link = file.with_name("link.json")
    link.symlink_to(file)
    write_saved(link, EVERYTHING)
    assert file.is_file()
    loop = file.with_name("loop.json")
    loop.symlink_to(loop)
    write_saved(loop, EVERYTHING)
    assert read_saved(loop) == EVERYTHING


def test_a_folder_that_is_missing_is_named(file: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        write_saved(file.parent / "missing" / "talk.json", EVERYTHING)
    assert caught.value.filename == str(file.parent / "missing")


def test_a_name_may_be_as_long_as_the_system_allows(file: Path) -> None:
    long = file.with_name("n" * 255)
    write_saved(long, EVERYTHING)
    assert read_saved(long) == EVERYTHING


def test_saves_at_the_same_time_leave_one_whole_file(file: Path) -> None:
    variants = [SavedConversation((Message("user", str(number) * 50_000),)) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(partial(write_saved, file), variants * 4))
    assert read_saved(file) in variants
    assert list(file.parent.iterdir()) == [file]


def refuse(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(("owner", "step"), [(os, "fsync"), (Path, "replace")])
def test_if_writing_fails_the_old_file_stays_and_nothing_is_left(
    file: Path, owner: object, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_saved(file, EVERYTHING)
    monkeypatch.setattr(owner, step, refuse)
    with pytest.raises(OSError, match="No space"):
        write_saved(file, SavedConversation(()))
    monkeypatch.undo()
    assert read_saved(file) == EVERYTHING
    assert list(file.parent.iterdir()) == [file]


def test_an_image_that_is_missing_leaves_the_old_file(file: Path) -> None:
    write_saved(file, EVERYTHING)
    with pytest.raises(OSError, match=r"cat\.png"):
        write_saved(file, SavedConversation((Message("user", "", images=(Path("cat.png"),)),)))
    assert read_saved(file) == EVERYTHING


def test_a_device_or_a_folder_is_not_replaced(tmp_path: Path) -> None:
    for path in (tmp_path, Path(os.devnull)):
        with pytest.raises(ValueError, match="expected a file, got a folder, a device or a pipe"):
            write_saved(path, EVERYTHING)
    assert list(tmp_path.iterdir()) == []


def saved(**fields: Any) -> bytes:
    return orjson.dumps({"format": saved_file.FORMAT, "version": 1, "messages": [], **fields})


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "expected a saved conversation, got text that is not JSON (Input is a zero-length"),
        (saved()[:-5], "talk.json: "),
        (b"\xff", "talk.json: "),
        (b"[]", "expected a saved conversation, got a JSON list"),
        (b"{}", "expected a saved conversation, with 'ollama-rx conversation' as its 'format'"),
        (
            saved(version=2),
            "expected version 1 of a saved conversation, got 2; a newer ollama-rx may read it",
        ),
        (saved(version=None), "got None"),
        (saved(model=1), "model: expected text, got int"),
        (saved(messages=None), "messages: expected a list of messages, got NoneType"),
        (saved(messages=["Hi"]), "message 0: expected a mapping, got str"),
        (saved(messages=[{"role": 1}]), "message 0: expected text for 'role', got int"),
        (saved(messages=[{"role": "user"}, {"content": None}]), "message 1: expected text for 'content'"),
        (saved(messages=[{"role": "user", "images": "aGk="}]), "message 0: expected a list for 'images'"),
        (saved(messages=[{"role": "user", "images": [1]}]), "message 0: expected base64 texts for 'images'"),
        (
            saved(messages=[{"role": "user", "tool_calls": [1]}]),
            "message 0: expected objects for 'tool_calls'",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_explained(file: Path, content: bytes, problem: str) -> None:
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"talk\.json: ") as caught:
        read_saved(file)
    assert problem in str(caught.value)


def test_unknown_fields_are_ignored(file: Path) -> None:
    message = {"role": "user", "content": "Hi", "mood": "good"}
    file.write_bytes(saved(messages=[message], theme="dark", tokens_used="many"))
    assert read_saved(file) == SavedConversation((Message("user", "Hi"),))


def test_a_file_that_is_missing_is_an_error_of_the_system(file: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"talk\.json"):
        read_saved(file)
