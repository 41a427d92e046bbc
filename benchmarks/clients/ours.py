"""ollama_rx with the full pipeline: statistics, text, a stop word, sentences, collected in a list."""

import asyncio
from collections.abc import Callable
from functools import partial
from threading import Event

from reactivex import Observable

from benchmarks.clients.contract import OnToken
from ollama_rx import Chunk, Client, Stats
from ollama_rx import operators as op
from ollama_rx.rx.operator import Emitter, through


class LoopReader:
    """The pipeline on the running event loop."""

    def __init__(self) -> None:
        self._clients: dict[str, Client] = {}

    async def read(self, url: str) -> int:
        """Read one answer."""
        stats: list[Stats] = []
        sentences: list[str] = []
        done = asyncio.get_running_loop().create_future()
        answer = pipeline(chunks(_client(self._clients, url), stats.append))
        answer.subscribe(sentences.append, done.set_exception, partial(done.set_result, None))
        await done
        return texts(stats, sentences)

    async def read_many(self, url: str, streams: int, on_token: OnToken) -> None:
        """Read many answers concurrently."""
        client = _client(self._clients, url)
        stats: list[Stats] = []
        done = asyncio.get_running_loop().create_future()
        missing = streams

        def completed() -> None:
            nonlocal missing
            missing -= 1
            if not missing:
                done.set_result(None)

        def failed(error: Exception) -> None:
            if not done.done():
                done.set_exception(error)

        for _ in range(streams):
            sentences: list[str] = []
            answer = chunks(client, stats.append).pipe(stamped(on_token))
            pipeline(answer).subscribe(sentences.append, failed, completed)
        await done


class ThreadReader:
    """The pipeline in a thread without an event loop: the client starts a thread of its own."""

    def __init__(self) -> None:
        self._clients: dict[str, Client] = {}

    def read(self, url: str) -> int:
        """Read one answer."""
        stats: list[Stats] = []
        sentences: list[str] = []
        errors: list[Exception] = []
        done = Event()

        def failed(error: Exception) -> None:
            errors.append(error)
            done.set()

        answer = pipeline(chunks(_client(self._clients, url), stats.append))
        answer.subscribe(sentences.append, failed, done.set)
        done.wait()
        if errors:
            raise errors[0]
        return texts(stats, sentences)


def chunks(client: Client, into: Callable[[Stats], object]) -> Observable[Chunk]:
    """Return the source and the first operator."""
    return client.generate("Hello", model="llama3.2").pipe(op.gather_stats(into))


def pipeline(answer: Observable[Chunk]) -> Observable[str]:
    """Return the other operators."""
    return answer.pipe(op.text(), op.stop_at("<END>"), op.split_sentences())


def texts(stats: list[Stats], sentences: list[str]) -> int:
    """Return the number of chunks with text: all but the last. Raises if there was no sentence."""
    if not sentences:
        raise ValueError("no sentence came out of the pipeline")
    return stats[0].chunks - 1


def stamped(on_token: OnToken) -> Callable[[Observable[Chunk]], Observable[Chunk]]:
    """Report the time stamp of each token after the operators below have processed it."""
    return through(lambda out: _Stamped(out, on_token))


class _Stamped:
    def __init__(self, out: Emitter[Chunk], on_token: OnToken) -> None:
        self._emit = out.emit
        self._on_token = on_token

    def feed(self, chunk: Chunk, /) -> None:
        self._emit(chunk)
        if chunk.text:
            self._on_token(chunk.raw["created_at"])


def _client(clients: dict[str, Client], url: str) -> Client:
    if url not in clients:
        clients[url] = Client(url)
    return clients[url]
