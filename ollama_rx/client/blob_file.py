"""A local file that becomes a blob on the server: hashed, then sent, in blocks and on a thread of its own.

It stays open from the first byte that is hashed to the last one that is sent, so that both are the same file
even if another one takes its name meanwhile.
"""

import asyncio
import hashlib
import os
import stat
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import FileIO
from pathlib import Path
from typing import TypeVar

from ollama_rx.arguments import wrong_value

T = TypeVar("T")

# Bytes. Each block is a call on the thread: large enough for these calls to cost little, small enough for a
# call to end within milliseconds, since neither disposing nor the end of the interpreter can interrupt one.
_HASHED_AT_ONCE = 2**22
_SENT_AT_ONCE = 2**18


def check_file(name: str, path: Path) -> None:
    """Refuse a file that cannot be uploaded.

    Raises:
        OSError: it does not exist, or a folder on the way to it cannot be entered.
        ValueError: it is not a regular file (reading a pipe would wait for its writer), or it is empty.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise wrong_value(name, "a regular file", str(path))
    if not found.st_size:
        raise wrong_value(name, "a file that is not empty", str(path))


class BlobFile:
    """A file to upload; once it is hashed, it is an `Upload` of the transport."""

    def __init__(self, path: Path) -> None:
        self.size = 0
        self.completed = 0  # bytes that are hashed or, after that, handed to the transport
        self.on_block: Callable[[], object] = int
        """Called when the transport has taken a block, on the transport's thread."""
        self._path = path
        self._sha256 = hashlib.sha256()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ollama-rx-file")
        self._file: FileIO | None = None
        self._modified = 0

    @property
    def digest(self) -> str:
        """The digest of what is hashed so far, as Ollama writes it."""
        return f"sha256:{self._sha256.hexdigest()}"

    async def hash(self) -> None:
        """Open the file and compute its digest.

        Raises:
            OSError: the file cannot be read, or it changes meanwhile.
            ValueError: it is not a file that can be uploaded.
        """
        await self._on_thread(self._open)
        while self.completed < self.size:
            block = await self._on_thread(self._hash_block)
            self.completed += len(block)

    async def blocks(self) -> AsyncGenerator[bytes]:
        """Yield the content from its beginning.

        Raises:
            OSError: the file cannot be read, or it has changed since it was opened.
        """
        sent = self.completed = 0
        while sent < self.size:
            block = await self._on_thread(partial(self._read, sent, _SENT_AT_ONCE))
            yield block
            sent += len(block)
            self.completed = sent
            self.on_block()

    def close(self) -> None:
        """Close the file as soon as its thread no longer reads it; the thread then ends."""
        self._thread.submit(self._close)
        self._thread.shutdown(wait=False)

    async def _on_thread(self, work: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        try:
            done = loop.run_in_executor(self._thread, work)
        except RuntimeError:
            # Closed: a transport with a loop of its own has not been cancelled yet. An error now would start
            # its cleaning up, which the cancellation would then interrupt; so it waits for that.
            never: asyncio.Future[T] = loop.create_future()
            return await never
        return await done

    # on the file's thread

    def _open(self) -> None:
        check_file("path", self._path)  # again: another file may have taken its name
        self._file = FileIO(self._path)
        found = os.fstat(self._file.fileno())
        self.size, self._modified = found.st_size, found.st_mtime_ns

    def _hash_block(self) -> bytes:
        block = self._read(self.completed, _HASHED_AT_ONCE)
        self._sha256.update(block)
        return block

    def _read(self, offset: int, size: int) -> bytes:
        assert self._file is not None  # noqa: S101 - opened first
        self._file.seek(offset)
        block = self._file.read(size)
        found = os.fstat(self._file.fileno())
        if (found.st_size, found.st_mtime_ns) != (self.size, self._modified):
            raise OSError(f"{self._path}: the file has changed while it was uploaded")
        return block

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
