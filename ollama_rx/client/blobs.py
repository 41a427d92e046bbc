"""Upload local files as blobs, which the server knows by their digests and makes models of.

Source: https://github.com/ollama/ollama/blob/main/docs/api.md#push-a-blob
"""

import asyncio
import os
import re
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any, TypeGuard

import reactivex
from reactivex import Observable

from ollama_rx.arguments import as_dict, as_items, check_text, wrong_type, wrong_value
from ollama_rx.chunks import Progress
from ollama_rx.client.blob_file import BlobFile, check_file
from ollama_rx.errors import StatusError, TimedOutError
from ollama_rx.rx.internal_loop import TASK_NAME
from ollama_rx.transport.generator_stream import GeneratorStream
from ollama_rx.transport.session import PreparedRequest, Session
from ollama_rx.transport.timeouts import Watchdog

LocalFile = str | os.PathLike[str]
"""The path of a file, or the digest of a blob that is on the server."""

LocalFiles = Mapping[str, LocalFile] | Sequence[LocalFile]
"""Files by the names that they have in a model; in a list, each has the last part of its path as its name."""

_DIGEST = re.compile("sha256:[0-9a-fA-F]{64}")
_NOT_THERE = frozenset({404, 405})  # 405: a proxy that knows no HEAD
_INTERVAL = 0.25  # seconds between two steps of progress


def checked_path(name: str, value: LocalFile) -> Path:
    """Return the path of a file that can be uploaded; `check_file` says what is raised for any other."""
    if not isinstance(value, str | os.PathLike):
        raise wrong_type(name, "the path of a file", value)
    path = Path(value)
    check_file(name, path)
    return path


def files_field(name: str, value: LocalFiles | None) -> dict[str, str | Path] | None:
    """Return ``files`` or ``adapters``: a digest as it is, for anything else the path of a file to upload."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        expected = "a mapping of names to paths or digests, or a list of paths"
        paths = [checked_path(name, file) for file in as_items(name, value, expected)]
        value = {path.name: path for path in paths}
        if len(value) < len(paths):
            raise wrong_value(name, "a different name for each file; give a mapping", [str(p) for p in paths])
    found: dict[str, str | Path] = {}
    for key, file in as_dict(name, value).items():
        check_text(name, key, "text for each name")
        found[key] = file if _is_digest(name, file) else checked_path(name, file)
    return found


def _is_digest(name: str, file: LocalFile) -> TypeGuard[str]:
    if not isinstance(file, str) or not file.startswith("sha256:"):
        return False
    if not _DIGEST.fullmatch(file):
        raise wrong_value(name, "a digest of 64 hexadecimal digits after sha256:", file)
    return True


def create_blob(session: Session, path: Path) -> Observable[Progress]:
    """Upload a file; the last step has the status "success"."""
    return GeneratorStream(session, partial(_upload, session.with_long_idle(), path), Progress)


def create_with_uploads(
    session: Session, body: Mapping[str, Any], create: Callable[[Mapping[str, Any]], Observable[Progress]]
) -> Observable[Progress]:
    """Upload the files that ``body`` names by their paths, then ``create`` with their digests."""
    fields: dict[str, Mapping[str, str | Path]] = {
        name: body[name] for name in ("files", "adapters") if body[name]
    }
    named = (file for files in fields.values() for file in files.values())
    paths = list(dict.fromkeys(file for file in named if isinstance(file, Path)))

    def create_from(digests: Mapping[str | Path, str]) -> Observable[Progress]:
        known = {
            name: {key: digests.get(file, file) for key, file in files.items()}
            for name, files in fields.items()
        }
        return create({**body, **known})

    def upload_and_create(_: object) -> Observable[Progress]:
        digests: dict[str | Path, str] = {}
        uploads = partial(_upload_all, session.with_long_idle(), paths, digests)
        return reactivex.concat(
            GeneratorStream(session, uploads, Progress), reactivex.defer(lambda _: create_from(digests))
        )

    at_once = create_from(dict.fromkeys(paths, ""))  # built now, so that a body that is not JSON fails now
    return reactivex.defer(upload_and_create) if paths else at_once


async def _upload_all(
    session: Session, paths: Sequence[Path], digests: dict[str | Path, str]
) -> AsyncGenerator[Progress]:
    """Upload files one after the other, and note their digests."""
    for path in paths:
        async with aclosing(_upload(session, path)) as steps:
            async for step in steps:
                if step.done:
                    digests[path] = step.digest or ""
                else:
                    yield step


async def _upload(session: Session, path: Path) -> AsyncGenerator[Progress]:
    file = BlobFile(path)
    try:
        async with aclosing(_ticks(file.hash())) as ticks:
            async for _ in ticks:
                yield _step(f"hashing {path.name}", None, file.size or None, file.completed)
        digest = file.digest
        file.completed = 0
        async with aclosing(_ticks(_store(session, digest, file))) as ticks:
            async for _ in ticks:
                yield _step(f"uploading {path.name}", digest, file.size, file.completed)
        yield _step("success", digest, file.size, file.size)
    finally:
        file.close()


def _step(status: str, digest: str | None, total: int | None, completed: int) -> Progress:
    return Progress(status, digest, total, completed, overall_total=total, overall_completed=completed)


async def _ticks(work: Coroutine[Any, Any, None]) -> AsyncGenerator[None]:
    """Do some work; yield at its beginning, a few times a second, and when it is done."""
    task = asyncio.get_running_loop().create_task(work, name=TASK_NAME)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())  # it may be left before its end
    try:
        while not task.done():
            yield
            await asyncio.wait([task], timeout=_INTERVAL)
        await task
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])  # else a transport on another loop may not hear that it is cancelled


async def _store(session: Session, digest: str, file: BlobFile) -> None:
    """Send a file unless the server has it; silence begins with the last block that the server has taken.

    This must be the whole work of a task: a limit that is reached cancels it.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    reached: list[TimedOutError] = []

    def expired(error: TimedOutError) -> None:
        reached.append(error)
        assert task is not None  # noqa: S101 - this is a coroutine
        task.cancel()

    def moved() -> None:
        watchdog.last_received = loop.time()

    watchdog = Watchdog(loop, session.timeouts, expired)
    file.on_block = moved
    try:
        if await _is_there(session, digest):
            file.completed = file.size
        else:
            await session.send(PreparedRequest("POST", f"/api/blobs/{digest}", upload=file))
    except asyncio.CancelledError as error:
        if reached:
            raise reached[0] from error
        raise
    finally:
        watchdog.cancel()


async def _is_there(session: Session, digest: str) -> bool:
    try:
        await session.send(PreparedRequest("HEAD", f"/api/blobs/{digest}"))
    except StatusError as error:
        if error.status in _NOT_THERE:
            return False
        raise  # now, and not after gigabytes were sent
    return True
