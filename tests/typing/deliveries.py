"""Deliveries that must type-check, and deliveries that must not: read by mypy, never run.

Each wrong one carries the error mypy must find; mypy reports an unused ignore.
"""

from reactivex import Observable
from reactivex import operators as ops

from ollama_rx import Chunk, Conversation, Delivery, deliver, iterate
from ollama_rx import operators as op
from ollama_rx.sinks import END, Branch, Callback, Collector, Console, JsonLines, Queue


def right(chunks: Observable[Chunk], text: Observable[str], spoken: list[str]) -> Delivery:
    """A sink takes the items of its stream, or those of the operators before it."""
    words: Branch[Chunk] = Collector[str]().after(op.text(), op.split_words())
    lengths: Branch[str] = Collector[int]().after(op.split_words(), ops.map(len))
    deliver(text, Console(), Callback(spoken.append), JsonLines("a.jsonl"), lengths).cancel()
    deliver(text.pipe(op.speakable()), Console(), Callback(spoken.append), JsonLines("a.jsonl"), lengths)
    deliver(text.pipe(op.speakable()), Collector[op.Spoken](), Collector[str]())
    for chunk in iterate(chunks):
        spoken.append(chunk.text)  # noqa: PERF401 - the type of `chunk` is the point
    return deliver(chunks, Console(), Queue[Chunk](), words, on_sink_error="continue")


async def also_right(chunks: Observable[Chunk], queue: Queue[str]) -> list[str]:
    """The same in asyncio."""
    await deliver(chunks, queue.after(op.text()))
    first = await queue.get_async()
    if first is END:
        return [chunk.text async for chunk in iterate(chunks)]
    return [word async for word in queue]


def turns(talk: Conversation) -> Delivery:
    """A console takes the results of tools too."""
    return deliver(talk.say("Hi", tool_results=True), Console())


def wrong(chunks: Observable[Chunk], text: Observable[str]) -> None:
    """Sinks that do not fit their streams."""
    deliver(chunks, Collector[str]())  # type: ignore[misc]
    deliver(text, Collector[str]().after(op.text()))  # type: ignore[misc]
    deliver(text, Collector[op.Spoken]())  # type: ignore[misc]
    deliver(text, print)  # type: ignore[arg-type]
    deliver(text, Console(), on_sink_error="ignore")  # type: ignore[arg-type]
    Collector[Chunk]().after(op.text())  # type: ignore[arg-type]
    Queue[str](when_full="explode")  # type: ignore[arg-type]
