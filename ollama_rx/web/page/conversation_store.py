"""The page's conversations in a file: SQLite, shared by any number of tabs and processes."""

import os
import re
import sqlite3
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from threading import Event, Lock
from typing import Any, Final

import orjson

from ollama_rx.chunks import Message, ToolCall
from ollama_rx.data_folder import DATA_VARIABLE, data_folder
from ollama_rx.errors import OllamaError
from ollama_rx.protocol.json_fields import JsonObject
from ollama_rx.protocol.lenient_json import make_whole

_APPLICATION_ID: Final = 0x6F6C7278  # "olrx" in the file's header, so that another program's file is known
_BUSY_SECONDS = 10.0  # how long a call waits for another process, which writes for milliseconds
_TRY_SECONDS = 0.1  # how long it keeps calls of other threads waiting meanwhile
_PAUSE_SECONDS = 0.02  # between tries
_EMPTY_SECONDS = 86_400.0  # a conversation whose first prompt never arrived is removed after a day
_MOST_LISTED = 1000
_TITLE_LENGTH = 60  # characters
_SNIPPET_BEFORE, _SNIPPET_LENGTH = 16, 140  # characters; the list shows about forty of them, on one line

# What brings a file from the version before to each version: the first entry makes version 1. A change of
# the tables is a new entry; entries that were released never change.
_MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE conversations (
            id TEXT PRIMARY KEY,
            title TEXT,
            model TEXT,
            version TEXT NOT NULL,
            updated_at REAL NOT NULL
        )""",
        "CREATE INDEX conversations_by_time ON conversations (updated_at)",
        """CREATE TABLE messages (
            conversation TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
            position INTEGER NOT NULL,
            role TEXT NOT NULL,
            content TEXT NOT NULL,
            thinking TEXT NOT NULL,
            tool_calls TEXT,
            tool_name TEXT,
            tool_call_id TEXT,
            cut INTEGER NOT NULL,
            model TEXT,
            stats TEXT,
            error TEXT,
            unheard TEXT NOT NULL,
            PRIMARY KEY (conversation, position)
        )""",
        """CREATE TABLE images (
            conversation TEXT NOT NULL,
            position INTEGER NOT NULL,
            number INTEGER NOT NULL,
            data BLOB NOT NULL,
            PRIMARY KEY (conversation, position, number),
            FOREIGN KEY (conversation, position) REFERENCES messages (conversation, position)
                ON DELETE CASCADE
        )""",
    ),
)


class StoreError(OllamaError):
    """The file of conversations cannot be used: damaged, of a newer version, not writable, or locked."""


class UnknownConversationError(OllamaError):
    """There is no such conversation; perhaps another tab has deleted it."""

    def __init__(self) -> None:
        super().__init__("This conversation does not exist any more.")


class ChangedElsewhereError(OllamaError):
    """A prompt does not fit the conversation, which has changed since it was read."""

    def __init__(self) -> None:
        super().__init__("This conversation has changed in another window. Load it again, then send.")


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message with what the page shows beside it; its images are bytes."""

    message: Message
    model: str | None = None
    stats: JsonObject | None = None
    error: str | None = None
    """Why the answer ended early, in words."""
    unheard: str = ""
    """The rest of an answer whose voice was interrupted: for the page only, the model is not told of it."""


@dataclass(frozen=True, slots=True)
class ConversationSummary:
    """A line of the list of conversations."""

    id: str
    title: str
    model: str | None
    updated_at: float
    """Seconds since 1970."""
    snippet: str | None
    """What a search has found, with the text around it."""


@dataclass(frozen=True, slots=True)
class StoredConversation:
    """A conversation with its messages."""

    id: str
    title: str
    model: str | None
    version: str
    """Changes with each turn that begins."""
    messages: tuple[StoredMessage, ...]


@dataclass(frozen=True, slots=True)
class StoredTurn:
    """A turn that has begun: the right to write the messages after the user's, until another one begins."""

    conversation: str
    version: str
    position: int
    """That of the user's message."""
    before: tuple[StoredMessage, ...]


class ConversationStore:
    """Keeps conversations in one SQLite file; any thread may use it, and other processes the same file.

    Each call is one transaction. Calls may block, for milliseconds, and up to ten seconds if another process
    holds the file, so an event loop makes them on a worker thread. If the file is deleted or replaced, calls
    use the one that is there now, an empty one if need be.

    Args:
        path: the file; it and its folder are made if they are missing, readable by their owner only.

    Raises:
        StoreError: the file cannot be made or opened, is damaged, or was written by a newer version.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._lock = Lock()
        self._is_in_haste = Event()
        with self._errors():
            self._connect()

    def __del__(self) -> None:
        """Close the file of a store that nobody has closed, such as that of a page that was never served."""
        connection: sqlite3.Connection | None = getattr(self, "_connection", None)
        if connection is not None:
            connection.close()

    def _connect(self) -> None:
        _make_private(self.path)
        self._connection = sqlite3.connect(
            self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            self._connection.create_function("contains", 2, _contains, deterministic=True)
            self._open()
            self._file = _identity(self.path)
        except BaseException:
            self._connection.close()
            raise

    def _open(self) -> None:
        run = self._connection.execute
        run("PRAGMA foreign_keys = ON")
        run("PRAGMA synchronous = NORMAL")  # with a write-ahead log this survives all but a power cut
        run("BEGIN IMMEDIATE")
        with self._ended():
            self._migrate()
            run(
                "DELETE FROM conversations WHERE updated_at < ? AND NOT EXISTS "
                "(SELECT 1 FROM messages WHERE conversation = id)",
                (time.time() - _EMPTY_SECONDS,),
            )
        _use_write_ahead_log(self._connection)
        run(f"PRAGMA busy_timeout = {_TRY_SECONDS * 1000:.0f}")

    def _migrate(self) -> None:
        run = self._connection.execute
        version: int = run("PRAGMA user_version").fetchone()[0]
        application: int = run("PRAGMA application_id").fetchone()[0]
        has_tables = run("SELECT 1 FROM sqlite_master").fetchone() is not None
        if has_tables and application != _APPLICATION_ID:
            raise StoreError(f"{self.path}: this file belongs to another program; choose another folder")
        if version > len(_MIGRATIONS):
            raise StoreError(
                f"{self.path}: written by a newer ollama-rx (version {version} of the file, this one reads "
                f"{len(_MIGRATIONS)}); update ollama-rx, or choose another folder with {DATA_VARIABLE}"
            )
        for statements in _MIGRATIONS[version:]:
            for statement in statements:
                run(statement)
        run(f"PRAGMA application_id = {_APPLICATION_ID}")
        run(f"PRAGMA user_version = {len(_MIGRATIONS)}")

    def hurry(self) -> None:
        """Let calls fail at once, from now on, when another process holds the file; from any thread."""
        self._is_in_haste.set()

    def close(self) -> None:
        """Close the file; no call may follow."""
        self.hurry()
        with self._lock:
            self._connection.close()

    def create(self, model: str | None = None) -> str:
        """Make an empty conversation and return its id; it is listed once it has a message."""
        id_ = token_hex(8)
        with self._transaction() as run:
            run(
                "INSERT INTO conversations VALUES (?, NULL, ?, ?, ?)", (id_, model, token_hex(8), time.time())
            )
        return id_

    def summaries(self, search: str = "") -> list[ConversationSummary]:
        """List the conversations, the newest first, at most a thousand; with ``search`` those that have it.

        The text is looked for in titles, prompts and answers, whatever its case.
        """
        needle = search.strip().casefold()
        found = (
            "NULL"
            if not needle
            else (
                "(SELECT content FROM messages WHERE conversation = id AND role IN ('user', 'assistant') "
                "AND contains(content, :needle) ORDER BY position LIMIT 1)"
            )
        )
        with self._transaction("DEFERRED") as run:
            rows = run(
                f"SELECT * FROM (SELECT id, title, ({_FIRST_PROMPT}) AS prompt, model, updated_at, "  # noqa: S608
                f"{found} AS found FROM conversations) WHERE prompt IS NOT NULL "
                "AND (:needle = '' OR found IS NOT NULL OR contains(coalesce(title, ''), :needle)) "
                "ORDER BY updated_at DESC LIMIT :most",
                {"needle": needle, "most": _MOST_LISTED},
            ).fetchall()
        return [
            ConversationSummary(
                id_,
                title or _title_of(prompt),
                model,
                updated,
                None if text is None else _snippet(text, needle),
            )
            for id_, title, prompt, model, updated, text in rows
        ]

    def read(self, conversation: str) -> StoredConversation:
        """Return a conversation.

        Raises:
            UnknownConversationError: there is none with this id.
        """
        with self._transaction("DEFERRED") as run:
            row = run(
                f"SELECT title, ({_FIRST_PROMPT}), model, version FROM conversations WHERE id = ?",  # noqa: S608
                (conversation,),
            ).fetchone()
            if row is None:
                raise UnknownConversationError
            messages = self._messages(conversation)
        title, prompt, model, version = row
        return StoredConversation(conversation, title or _title_of(prompt or ""), model, version, messages)

    def rename(self, conversation: str, title: str) -> None:
        """Give a conversation a title; an empty one is made from the first prompt again.

        Raises:
            UnknownConversationError: there is none with this id.
        """
        with self._transaction() as run:
            shown = " ".join(title.split())
            done = run("UPDATE conversations SET title = ? WHERE id = ?", (shown or None, conversation))
            if not done.rowcount:
                raise UnknownConversationError

    def delete(self, conversation: str) -> None:
        """Remove a conversation; one that does not exist is gone already."""
        with self._transaction() as run:
            run("DELETE FROM conversations WHERE id = ?", (conversation,))

    def begin_turn(
        self, conversation: str, user: Message, *, position: int, model: str, version: str | None = None
    ) -> StoredTurn:
        """Put the user's message at a position, in the place of all from there on, and begin a turn.

        Args:
            conversation: its id.
            user: the message; its images are bytes.
            position: the number of messages, or that of an earlier message of the user's, which is replaced.
            model: the name of the model that answers.
            version: that of the conversation as the user has seen it; None does not check it.

        Raises:
            UnknownConversationError: there is none with this id.
            ChangedElsewhereError: the position or the version does not fit.
        """
        new_version = token_hex(8)
        with self._transaction() as run:
            row = run("SELECT version FROM conversations WHERE id = ?", (conversation,)).fetchone()
            if row is None:
                raise UnknownConversationError
            messages = self._messages(conversation)
            if version not in {None, row[0]} or not _fits(messages, position):
                raise ChangedElsewhereError
            run(
                "UPDATE conversations SET version = ?, model = ?, updated_at = ? WHERE id = ?",
                (new_version, model, time.time(), conversation),
            )
            self._replace_messages(conversation, position, [StoredMessage(user)])
        return StoredTurn(conversation, new_version, position, messages[:position])

    def save_turn(self, turn: StoredTurn, messages: Iterable[StoredMessage]) -> bool:
        """Replace what follows the user's message of a turn; may be called again and again while it runs.

        Returns False, and changes nothing, if the conversation was deleted or another turn has begun in it,
        here or in another process.
        """
        with self._transaction() as run:
            done = run(
                "UPDATE conversations SET updated_at = ? WHERE id = ? AND version = ?",
                (time.time(), turn.conversation, turn.version),
            )
            if done.rowcount:
                self._replace_messages(turn.conversation, turn.position + 1, messages)
            return bool(done.rowcount)

    def _messages(self, conversation: str) -> tuple[StoredMessage, ...]:
        run = self._connection.execute
        images: dict[int, list[bytes]] = {}
        for position, data in run(
            "SELECT position, data FROM images WHERE conversation = ? ORDER BY position, number",
            (conversation,),
        ):
            images.setdefault(position, []).append(data)
        rows = run(
            f"SELECT position, {', '.join(_MESSAGE_COLUMNS)} FROM messages "  # noqa: S608 - our own names
            "WHERE conversation = ? ORDER BY position",
            (conversation,),
        )
        return tuple(_message_of(row, images.get(position, ())) for position, *row in rows)

    def _replace_messages(self, conversation: str, start: int, messages: Iterable[StoredMessage]) -> None:
        run = self._connection.execute
        run("DELETE FROM messages WHERE conversation = ? AND position >= ?", (conversation, start))
        marks = ", ".join("?" * (2 + len(_MESSAGE_COLUMNS)))
        for position, message in enumerate(messages, start):
            run(f"INSERT INTO messages VALUES ({marks})", (conversation, position, *_row_of(message)))  # noqa: S608
            for number, image in enumerate(message.message.images):
                run("INSERT INTO images VALUES (?, ?, ?, ?)", (conversation, position, number, image))

    @contextmanager
    def _transaction(self, kind: str = "IMMEDIATE") -> Generator[Any]:
        """Hold the connection, and yield what runs a statement; all of them have an effect, or none."""
        with self._errors():
            deadline = time.monotonic() + _BUSY_SECONDS
            while not self._begin(kind, deadline):
                self._is_in_haste.wait(_PAUSE_SECONDS)
            try:
                with self._ended():
                    yield self._connection.execute
            finally:
                self._lock.release()

    def _begin(self, kind: str, deadline: float) -> bool:
        """Begin a transaction, and keep the lock; False if it is worth another try."""
        self._lock.acquire()
        try:
            if _identity(self.path) != self._file:
                self._connection.close()
                self._connect()
            self._connection.execute(f"BEGIN {kind}")
        except BaseException as error:
            self._lock.release()
            is_busy = isinstance(error, sqlite3.OperationalError) and _code(error) == sqlite3.SQLITE_BUSY
            if not is_busy or self._is_in_haste.is_set() or time.monotonic() > deadline:
                raise
            return False
        return True

    @contextmanager
    def _ended(self) -> Generator[None]:
        """End a transaction: keep what was done, unless it has failed."""
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.rollback()
            raise

    @contextmanager
    def _errors(self) -> Generator[None]:
        """Turn the errors of SQLite and of the file system into a `StoreError` that says what to do."""
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(_words(self.path, error)) from error
        except OSError as error:
            raise StoreError(f"{self.path}: {error.strerror or error}") from error


def default_path() -> Path:
    """Return the file of conversations in the user's folder for data.

    Raises:
        StoreError: the user has no home folder.
    """
    try:
        return data_folder() / "conversations.sqlite3"
    except FileNotFoundError as error:
        raise StoreError(str(error)) from error


def _make_private(path: Path) -> None:
    """Make a file that only its owner can read; SQLite gives the files beside it the same permissions."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    path.chmod(0o600)


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from another one of the same name; None if there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Let readers and a writer work side by side.

    SQLite does not wait for other processes here. One that opens the file in this moment may be in the way;
    then it switches the file itself, or whoever opens it next.
    """
    try:
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        if _code(error) != sqlite3.SQLITE_BUSY:
            raise


def _words(path: Path, error: sqlite3.Error) -> str:
    code = _code(error)
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return (
            f"{path}: this is not a file of conversations, or it is damaged ({error}); "
            "move it away to begin with an empty one"
        )
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return f"{path}: another program has locked the file for more than {_BUSY_SECONDS:g} s"
    return f"{path}: {error}"


def _code(error: sqlite3.Error) -> int:
    """Return SQLite's primary code of an error, which is the last byte of a more special one."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


_FIRST_PROMPT = (
    "SELECT substr(content, 1, 500) FROM messages WHERE conversation = id AND role = 'user' "
    "ORDER BY position LIMIT 1"
)
_MESSAGE_COLUMNS = (
    *("role", "content", "thinking", "tool_calls", "tool_name", "tool_call_id"),
    *("cut", "model", "stats", "error", "unheard"),
)


def _row_of(stored: StoredMessage) -> tuple[object, ...]:
    message = stored.message
    return (
        message.role,
        make_whole(message.content),
        make_whole(message.thinking),
        _to_json([call.to_json() for call in message.tool_calls]),
        message.tool_name,
        message.tool_call_id,
        message.cut,
        stored.model,
        _to_json(stored.stats),
        stored.error,
        make_whole(stored.unheard),
    )


def _message_of(row: Sequence[Any], images: Sequence[bytes]) -> StoredMessage:
    role, content, thinking, calls, tool_name, tool_call_id, cut, model, stats, error, unheard = row
    message = Message(
        role,
        content,
        thinking,
        images=tuple(images),
        tool_calls=tuple(map(ToolCall.of, orjson.loads(calls or b"[]"))),
        tool_name=tool_name,
        tool_call_id=tool_call_id,
        cut=bool(cut),
    )
    return StoredMessage(message, model, None if stats is None else orjson.loads(stats), error, unheard)


def _to_json(value: object) -> str | None:
    return orjson.dumps(value).decode() if value else None


def _fits(messages: Sequence[StoredMessage], position: int) -> bool:
    """Check that a message of the user's may stand at a position: at the end, or in place of another one."""
    if 0 <= position < len(messages):
        return messages[position].message.role == "user"
    return position == len(messages)


def _contains(text: str, needle: str) -> bool:
    return needle in text.casefold()


def _title_of(prompt: str) -> str:
    return _shortened(" ".join(prompt.split()), _TITLE_LENGTH)


def _snippet(text: str, needle: str) -> str:
    """Return what a search has found with a few words around it, on one line."""
    text = " ".join(text.split())
    found = re.search(re.escape(" ".join(needle.split())), text, re.IGNORECASE)
    start = max(0, found.start() - _SNIPPET_BEFORE) if found else 0
    if found and start:
        start = text.find(" ", start - 1, found.start()) + 1 or start  # at the beginning of a word
    return ("…" if start else "") + _shortened(text[start:], _SNIPPET_LENGTH)


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
