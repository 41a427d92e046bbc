"""The file of conversations: what it keeps, several users of one file, files that cannot be used."""

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from ollama_rx.chunks import Message, ToolCall
from ollama_rx.web.page import conversation_store
from ollama_rx.web.page.conversation_store import (
    ChangedElsewhereError,
    ConversationStore,
    StoredMessage,
    StoredTurn,
    StoreError,
    UnknownConversationError,
    default_path,
)

ROOT = Path(__file__).parents[3]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "conversations.sqlite3"


@pytest.fixture
def store(path: Path) -> Iterator[ConversationStore]:
    opened = ConversationStore(path)
    yield opened
    opened.close()


def begin(store: ConversationStore, prompt: str = "Hi", id_: str | None = None) -> StoredTurn:
    """Begin a turn at the end of a conversation, by default of a new one."""
    id_ = store.create("llama") if id_ is None else id_
    end = len(store.read(id_).messages)
    return store.begin_turn(id_, Message("user", prompt), position=end, model="llama")


def say(store: ConversationStore, prompt: str, answer: str, id_: str | None = None) -> str:
    turn = begin(store, prompt, id_)
    assert store.save_turn(turn, [StoredMessage(Message("assistant", answer))])
    return turn.conversation


def test_a_conversation_is_read_as_it_was_written(store: ConversationStore) -> None:
    id_ = store.create("gemma")
    user = Message("user", "What is this?", images=(b"\x89PNG", b"GIF8"))
    turn = store.begin_turn(id_, user, position=0, model="gemma")
    answers = [
        StoredMessage(Message("assistant", "", "Hm", tool_calls=(ToolCall("look", {"at": 1}, id="7"),))),
        StoredMessage(Message("tool", "a cat", tool_name="look", tool_call_id="7")),
        StoredMessage(Message("assistant", "A c", cut=True), "gemma", {"tokens": 2}, "it broke"),
    ]
    assert store.save_turn(turn, answers)
    read = store.read(id_)
    assert (read.id, read.title, read.model, read.version) == (id_, "What is this?", "gemma", turn.version)
    assert read.messages == (StoredMessage(user), *answers)


def test_saving_a_turn_again_replaces_what_was_saved(store: ConversationStore) -> None:
    turn = begin(store)
    store.save_turn(turn, [StoredMessage(Message("assistant", "He", cut=True))])
    store.save_turn(turn, [StoredMessage(Message("assistant", "Hello"))])
    assert [stored.message.content for stored in store.read(turn.conversation).messages] == ["Hi", "Hello"]


def test_an_edited_prompt_replaces_all_from_there_on(store: ConversationStore) -> None:
    id_ = say(store, "one", "1")
    say(store, "two", "2", id_)
    turn = store.begin_turn(id_, Message("user", "zwei"), position=2, model="llama")
    assert [stored.message.content for stored in turn.before] == ["one", "1"]
    assert [stored.message.content for stored in store.read(id_).messages] == ["one", "1", "zwei"]


@pytest.mark.parametrize("position", [-1, 1, 3])
def test_a_prompt_at_a_position_that_does_not_fit_is_refused(store: ConversationStore, position: int) -> None:
    id_ = say(store, "one", "1")
    with pytest.raises(ChangedElsewhereError, match="another window"):
        store.begin_turn(id_, Message("user", "x"), position=position, model="llama")
    assert len(store.read(id_).messages) == 2


def test_a_prompt_for_an_older_version_is_refused(store: ConversationStore) -> None:
    id_ = say(store, "one", "1")
    seen = store.read(id_).version
    say(store, "two", "2", id_)
    with pytest.raises(ChangedElsewhereError):
        store.begin_turn(id_, Message("user", "x"), position=2, model="llama", version=seen)
    newest = store.read(id_).version
    store.begin_turn(id_, Message("user", "x"), position=2, model="llama", version=newest)


def test_a_turn_that_was_replaced_saves_nothing_more(store: ConversationStore) -> None:
    first = begin(store)
    second = store.begin_turn(first.conversation, Message("user", "Ho"), position=0, model="llama")
    assert not store.save_turn(first, [StoredMessage(Message("assistant", "late"))])
    assert store.save_turn(second, [])
    assert [stored.message.content for stored in store.read(first.conversation).messages] == ["Ho"]


def test_a_deleted_conversation_is_gone_with_its_messages_and_images(
    store: ConversationStore, path: Path
) -> None:
    id_ = store.create()
    turn = store.begin_turn(id_, Message("user", "Hi", images=(b"x",)), position=0, model="llama")
    store.delete(id_)
    store.delete(id_)
    assert not store.save_turn(turn, [])
    assert store.summaries() == []
    for call in (
        lambda: store.read(id_),
        lambda: store.rename(id_, "x"),
        lambda: store.begin_turn(id_, Message("user", "x"), position=0, model="llama"),
    ):
        with pytest.raises(UnknownConversationError, match="does not exist any more"):
            call()
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT count(*) FROM messages UNION SELECT count(*) FROM images")
        assert rows.fetchall() == [(0,)]
    connection.close()


def test_a_conversation_is_listed_once_it_has_a_message_the_newest_first(
    store: ConversationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(100, 200))
    monkeypatch.setattr(time, "time", lambda: float(next(clock)))
    store.create("llama")
    older, newer = say(store, "older", "1"), say(store, "newer", "2")
    assert [(one.id, one.title) for one in store.summaries()] == [(newer, "newer"), (older, "older")]
    assert store.summaries()[0].updated_at > store.summaries()[1].updated_at
    say(store, "again", "3", older)
    assert [one.id for one in store.summaries()] == [older, newer]


def test_a_title_is_the_first_prompt_on_one_line_unless_it_was_given(store: ConversationStore) -> None:
    id_ = say(store, "Tell me\n\nabout " + "whales " * 20, "Big.")
    title = store.read(id_).title
    assert title.startswith("Tell me about whales")
    assert title.endswith("wha…")
    assert len(title) == 60
    store.rename(id_, " My \n whales ")
    assert store.read(id_).title == store.summaries()[0].title == "My whales"
    store.rename(id_, " ")
    assert store.read(id_).title == title


def test_an_empty_conversation_has_an_empty_title(store: ConversationStore) -> None:
    assert store.read(store.create()).title == ""


def test_a_search_finds_prompts_answers_and_titles_whatever_their_case(store: ConversationStore) -> None:
    sea = say(store, "Was ist das MEER?", "Ein Gewässer " + "und Wasser " * 30)
    street = say(store, "Die STRASSE", "ist lang")
    store.rename(street, "Ölwechsel")

    def found(text: str) -> list[str]:
        return [one.id for one in store.summaries(text)]

    assert found("meer") == found("GEWÄSSER") == [sea]
    assert found("ölWECHSEL") == found("straße") == [street]
    assert found("100%") == found("_") == []
    assert set(found(" ")) == {sea, street}


def test_a_search_shows_where_it_has_found_the_text(store: ConversationStore) -> None:
    say(store, "x", "one " * 30 + "NEEDLE\n two" + " three" * 30)
    snippet = store.summaries("needle two")
    assert snippet == []  # the line break is part of the text
    snippet_text = store.summaries("needle")[0].snippet
    assert snippet_text is not None
    assert snippet_text.startswith("…one one one")
    assert "NEEDLE two three" in snippet_text
    assert snippet_text.endswith("…")
    assert store.summaries()[0].snippet is None


def test_what_a_search_shows_begins_with_a_whole_word_if_there_is_one(store: ConversationStore) -> None:
    say(store, "Tell me a short story about a bear.", "-" * 40 + "needle")
    assert store.summaries("bear")[0].snippet == "…story about a bear."
    assert store.summaries("needle")[0].snippet == "…" + "-" * 16 + "needle"


def test_a_text_that_only_folding_finds_is_shown_from_its_beginning(store: ConversationStore) -> None:
    say(store, "Die Straße", "x")
    assert store.summaries("STRASSE")[0].snippet == "Die Straße"


def test_halves_of_characters_can_be_saved(store: ConversationStore) -> None:
    turn = begin(store)
    assert store.save_turn(turn, [StoredMessage(Message("assistant", "a\ud83d \x00"))])
    assert store.read(turn.conversation).messages[1].message.content.startswith("a")


def test_empty_conversations_are_removed_after_a_day(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = ConversationStore(path)
    empty, full = first.create(), say(first, "Hi", "Hello")
    first.close()
    monkeypatch.setattr(conversation_store, "_EMPTY_SECONDS", -1.0)
    again = ConversationStore(path)
    assert again.read(full).messages
    with pytest.raises(UnknownConversationError):
        again.read(empty)
    again.close()


@pytest.mark.skipif(os.name == "nt", reason="permissions of Unix")
def test_the_file_and_those_beside_it_can_be_read_by_their_owner_only(path: Path) -> None:
    path.parent.mkdir()
    path.touch(0o644)
    store = ConversationStore(path)
    begin(store)
    modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    assert modes == {f"conversations.sqlite3{end}": 0o600 for end in ("", "-wal", "-shm")}
    store.close()


@pytest.mark.skipif(os.name == "nt", reason="permissions of Unix")
def test_the_folder_is_made_for_its_owner_only(path: Path, store: ConversationStore) -> None:
    assert store.path == path
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_two_stores_share_a_file(path: Path, store: ConversationStore) -> None:
    other = ConversationStore(path)
    id_ = say(store, "Hi", "Hello")
    assert [one.id for one in other.summaries()] == [id_]
    other.delete(id_)
    assert store.summaries() == []
    other.close()


WRITER = """
import sys
import time
from ollama_rx.chunks import Message
from ollama_rx.web.page.conversation_store import ConversationStore, StoredMessage

sys.stdin.read(1)
store = ConversationStore(sys.argv[1])
for number in range(20):
    id_ = store.create("llama")
    turn = store.begin_turn(id_, Message("user", f"prompt {number}"), position=0, model="llama")
    for length in range(5):
        assert store.save_turn(turn, [StoredMessage(Message("assistant", "a" * length))])
store.close()
"""


def test_processes_that_make_and_write_one_file_at_once_lose_nothing(path: Path) -> None:
    writers = [
        subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", WRITER, path],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        for _ in range(4)
    ]
    assert [writer.communicate(b"x")[1] for writer in writers] == [b""] * 4
    store = ConversationStore(path)
    summaries = store.summaries()
    assert len(summaries) == 80
    assert all(store.read(one.id).messages[1].message.content == "aaaa" for one in summaries)
    store.close()


def test_a_file_that_is_no_database_is_named(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("my notes, " * 1000)
    with pytest.raises(StoreError, match=r"damaged .*move it away") as caught:
        ConversationStore(path)
    assert str(path) in str(caught.value)
    assert path.read_text().startswith("my notes")


def test_a_damaged_file_is_named(path: Path) -> None:
    store = ConversationStore(path)
    for number in range(20):
        say(store, f"prompt {number}", "text " * 2000)
    store.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xab" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        ConversationStore(path)


def test_a_file_of_another_program_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program"):
        ConversationStore(path)
    assert path.read_bytes() == before


def test_a_file_of_a_newer_version_is_left_alone(path: Path) -> None:
    ConversationStore(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match=r"newer ollama-rx .version 99 .*OLLAMA_RX_DATA"):
        ConversationStore(path)


def test_a_file_of_an_older_version_is_brought_up_to_date(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ConversationStore(path)
    id_ = say(first, "Hi", "Hello")
    first.close()
    added = ("ALTER TABLE conversations ADD COLUMN colour TEXT",)
    monkeypatch.setattr(conversation_store, "_MIGRATIONS", (*conversation_store._MIGRATIONS, added))
    second = ConversationStore(path)
    assert second.read(id_).messages[1].message.content == "Hello"
    second.close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)
        assert connection.execute("SELECT colour FROM conversations").fetchall() == [(None,)]
    connection.close()


def test_a_file_that_another_program_has_locked_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation_store, "_BUSY_SECONDS", 0.0)
    store = ConversationStore(path)
    other = sqlite3.connect(path)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="another program has locked"):
        store.create()
    other.rollback()
    assert store.create()
    other.close()
    store.close()


def test_a_full_disk_is_named(store: ConversationStore) -> None:
    store._connection.execute("PRAGMA max_page_count = 1")
    turn = begin(store)
    with pytest.raises(StoreError, match="full"):
        store.save_turn(turn, [StoredMessage(Message("assistant", "x" * 1_000_000))])
    assert len(store.read(turn.conversation).messages) == 1


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="file"):
        ConversationStore(tmp_path / "file" / "conversations.sqlite3")


def test_a_reader_does_not_wait_for_a_writer(path: Path, store: ConversationStore) -> None:
    id_ = say(store, "Hi", "Hello")
    other = sqlite3.connect(path)
    other.execute("BEGIN IMMEDIATE")
    assert [one.id for one in store.summaries("hello")] == [id_]
    assert store.read(id_).messages
    other.close()


def test_a_file_that_is_open_elsewhere_need_not_switch_its_log() -> None:
    connection = sqlite3.connect(":memory:")
    calls: list[str] = []

    class Failing:
        def __init__(self, code: int) -> None:
            self.code = code

        def execute(self, statement: str) -> None:
            calls.append(statement)
            error = sqlite3.OperationalError("cannot")
            error.sqlite_errorcode = self.code
            raise error

    conversation_store._use_write_ahead_log(Failing(sqlite3.SQLITE_BUSY))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(sqlite3.OperationalError):
        conversation_store._use_write_ahead_log(Failing(sqlite3.SQLITE_IOERR))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert calls == ["PRAGMA journal_mode = WAL"] * 2
    connection.close()


def test_the_file_is_in_the_users_folder_for_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OLLAMA_RX_DATA", str(tmp_path))
    assert default_path() == tmp_path / "conversations.sqlite3"


def test_a_user_without_a_home_folder_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home(path: Path) -> Path:
        raise RuntimeError(path)

    monkeypatch.setenv("OLLAMA_RX_DATA", "~/x")
    monkeypatch.setattr(Path, "expanduser", no_home)
    with pytest.raises(StoreError, match="set OLLAMA_RX_DATA"):
        default_path()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps files that are open")
def test_a_store_that_nobody_closes_leaves_nothing_open(path: Path) -> None:
    store = ConversationStore(path)
    connection = store._connection
    del store
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")


def test_a_file_that_is_deleted_meanwhile_begins_anew(store: ConversationStore, path: Path) -> None:
    earlier = begin(store)
    for file in path.parent.iterdir():
        file.unlink()
    assert store.summaries() == []
    assert not store.save_turn(earlier, [])
    later = say(store, "Again", "Yes")
    store.close()
    reopened = ConversationStore(path)
    assert [found.id for found in reopened.summaries()] == [later]
    reopened.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps files that are open")
def test_a_file_that_takes_the_place_of_this_one_is_used(store: ConversationStore, path: Path) -> None:
    other = ConversationStore(path.with_name("other"))
    id_ = say(other, "From elsewhere", "Yes")
    other.close()
    path.with_name("other").replace(path)
    assert [found.id for found in store.summaries()] == [id_]


def test_while_one_call_waits_for_another_process_others_read(store: ConversationStore, path: Path) -> None:
    id_ = say(store, "Hi", "Hello")
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(store.create)
        assert [found.id for found in store.summaries()] == [id_]
        holder.execute("ROLLBACK")
        waiting.result()
    holder.close()


def test_a_call_waits_until_another_process_has_written(store: ConversationStore, path: Path) -> None:
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")

    class Wait(Event):
        def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002
            holder.execute("ROLLBACK")
            return False

    store._is_in_haste = Wait()
    id_ = say(store, "Hi", "Hello")
    holder.close()
    assert [found.id for found in store.summaries()] == [id_]


def test_a_call_that_waits_for_another_process_fails_when_there_is_haste(
    store: ConversationStore, path: Path
) -> None:
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(store.create)
        store.hurry()
        with pytest.raises(StoreError, match="locked"):
            waiting.result()
    holder.close()
