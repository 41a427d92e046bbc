"""A file is read in blocks, on a thread of its own, and only as fast as the blocks are wanted."""

import asyncio
import hashlib
from contextlib import aclosing
from pathlib import Path

import pytest

from ollama_rx.client.blob_file import BlobFile

SIZE = 600_000  # three blocks


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "model.gguf"
    path.write_bytes(bytes(SIZE))
    return path


def test_a_block_counts_when_the_next_one_is_wanted(path: Path) -> None:
    async def main() -> None:
        file = BlobFile(path)
        taken: list[int] = []
        file.on_block = lambda: taken.append(file.completed)
        await file.hash()
        assert (file.size, file.completed) == (SIZE, SIZE)
        assert file.digest == f"sha256:{hashlib.sha256(bytes(SIZE)).hexdigest()}"
        async with aclosing(file.blocks()) as blocks:
            sent = 0
            async for block in blocks:
                assert file.completed == sum(taken[-1:]) == sent
                sent += len(block)
        assert (sent, taken[-1], len(taken)) == (SIZE, SIZE, 3)
        file.close()

    asyncio.run(main())


def test_a_file_that_becomes_shorter_while_it_is_sent_is_an_error(path: Path) -> None:
    async def main() -> None:
        file = BlobFile(path)
        await file.hash()
        async with aclosing(file.blocks()) as blocks:
            await anext(blocks)
            with path.open("r+b") as other:
                other.truncate(10)
            with pytest.raises(OSError, match=r"model\.gguf: the file has changed while it was uploaded$"):
                await anext(blocks)
        file.close()

    asyncio.run(main())


def test_a_file_that_is_closed_gives_no_block_and_no_error_to_a_transport_not_yet_cancelled(
    path: Path,
) -> None:
    async def main() -> None:
        file = BlobFile(path)
        await file.hash()
        file.close()
        async with aclosing(file.blocks()) as blocks:
            waiting = asyncio.ensure_future(anext(blocks))
            for _ in range(5):
                await asyncio.sleep(0)
            assert not waiting.done()
            waiting.cancel()
            await asyncio.wait([waiting])

    asyncio.run(main())


def test_a_file_that_was_never_opened_can_be_closed(path: Path) -> None:
    BlobFile(path).close()
