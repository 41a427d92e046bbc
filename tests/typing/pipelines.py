"""Pipes that must type-check, and pipes that must not: read by mypy, never run.

Each wrong pipe carries the error mypy must find; mypy reports an unused ignore.
"""

from pydantic import BaseModel, TypeAdapter
from reactivex import Observable
from reactivex import operators as ops

from ollama_rx import (
    BadJsonError,
    Chunk,
    Client,
    ContextBox,
    Conversation,
    Message,
    Stats,
    StatsTotals,
    ToolCall,
    ToolResult,
)
from ollama_rx import operators as op
from ollama_rx.operators._partial_json import JsonValue


class City(BaseModel):
    """The schema of an answer."""

    name: str


async def look_up(name: str) -> float:
    """Stand for a request to another server."""
    return float(name)


def message_of(chunk: Chunk) -> Message:
    """Return what a history needs."""
    return chunk.message


def written_text(spoken: op.Spoken) -> str:
    """Return what a spoken sentence was made of."""
    return spoken.written


def right(chunks: Observable[Chunk], text: Observable[str]) -> tuple[Observable[object], ...]:
    """Pipes that must check, with exact types."""
    box = ContextBox()
    totals = StatsTotals()
    stats: list[Stats] = []
    answer: Observable[str] = chunks.pipe(
        op.retry_unstarted(times=3, wait=lambda retry: retry * 0.5),
        op.capture_context(box),
        op.gather_stats(stats.append),
        op.split_thinking(),
        op.text(),
        op.stop_at("END", ignore_case=True),
        op.split_words(),
    )
    thinking: Observable[str] = chunks.pipe(op.gather_stats(totals.add), op.thinking(), op.split_lines())
    calls: Observable[ToolCall] = chunks.pipe(op.throttle_latest(0.1), op.tool_calls())
    pieces: Observable[str] = text.pipe(
        op.buffer_tokens(chars=80, until="\n"), op.split_lines(), op.accumulate_text()
    )
    whole: Observable[str] = text.pipe(op.join_text(), ops.do_action(print))
    lengths: Observable[int] = text.pipe(op.split_words(), ops.map(len), op.throttle_latest(1))
    spoken: Observable[op.Spoken] = text.pipe(op.split_sentences(), op.speakable(code="Some code."))
    written: Observable[str] = spoken.pipe(ops.map(written_text))
    words: Observable[str] = text.pipe(op.split_sentences(), op.speakable(), op.split_words())
    tagged: Observable[op.Spoken] = text.pipe(
        op.split_sentences(tags=("spell", "break")),
        op.speakable(pronounce={"SQL": "sequel"}, tags=("spell",), drop_tags=["break"]),
    )
    even: Observable[str] = text.pipe(op.smooth(per_second=5, unit="grapheme", max_lag=0.5))
    cities: Observable[City] = text.pipe(op.parse_json(into=City))
    sizes: Observable[int] = text.pipe(op.parse_json(into=repr), ops.map(len))
    prices: Observable[float] = text.pipe(op.map_async(look_up, max_concurrent=3))
    counted: Observable[int] = text.pipe(op.map_async(len), ops.do_action(print))
    history: Observable[Message] = chunks.pipe(op.whole_answer(), ops.map(message_of))
    lists: Observable[list[City]] = text.pipe(op.parse_json(into=list[City]))
    adapted: Observable[City] = text.pipe(op.parse_json(into=TypeAdapter(City), each="cities"))
    objects: Observable[JsonValue] = text.pipe(op.parse_json(into={"type": "object"}, on_invalid="skip"))
    rejected: list[BadJsonError] = []
    valid: Observable[City] = text.pipe(op.parse_json(into=City, on_invalid="skip", invalid=rejected.append))
    return (
        history,
        prices,
        counted,
        lists,
        adapted,
        objects,
        valid,
        spoken,
        written,
        words,
        tagged,
        even,
        cities,
        sizes,
        answer,
        thinking,
        calls,
        pieces,
        whole,
        lengths,
    )


def wrong(chunks: Observable[Chunk], text: Observable[str]) -> None:
    """Pipes whose parts do not fit."""
    chunks.pipe(op.split_words())  # type: ignore[arg-type]
    text.pipe(op.text())  # type: ignore[arg-type]
    chunks.pipe(op.text(), op.tool_calls())  # type: ignore[misc]
    chunks.pipe(op.text(), op.capture_context(ContextBox()))  # type: ignore[misc]
    text.pipe(op.smooth(per_second=5, unit="line"))  # type: ignore[arg-type]
    text.pipe(op.parse_json(into=City), op.split_words())  # type: ignore[misc]
    op.gather_stats(len)  # type: ignore[arg-type]
    chunks.pipe(op.map_async(look_up))  # type: ignore[arg-type]
    text.pipe(op.whole_answer())  # type: ignore[arg-type]
    op.speakable(pronounce=["SQL"])  # type: ignore[arg-type]
    op.speakable(tags={"spell": 1})  # type: ignore[arg-type]
    op.stop_at(3)  # type: ignore[arg-type]
    op.buffer_tokens(5)  # type: ignore[call-arg]
    op.retry_unstarted(wait="soon")  # type: ignore[arg-type]


def formats(client: Client) -> None:
    """What an answer may be asked to look like."""
    client.generate("", format=City)
    client.generate("", format=list[City])
    client.chat([], format=TypeAdapter(list[City]))
    client.chat([], format={"type": "array"})
    client.chat([], format="json")
    client.chat([], format="xml")  # type: ignore[arg-type]
    client.chat([], format=5)  # type: ignore[arg-type]


def turns(talk: Conversation) -> tuple[Observable[str], Observable[Chunk | ToolResult]]:
    """What a conversation's turn is made of."""
    talk.say("Hi", think="low", options={"seed": 1})
    talk.say("Hi", temperature=1)  # type: ignore[call-overload]
    talk.say("Hi", think="a bit")  # type: ignore[call-overload]
    talk.say("Hi", tool_results=True).pipe(op.text())  # type: ignore[arg-type]
    return talk.say("Hi").pipe(op.text()), talk.say("Hi", tool_results=True)


def conversations(client: Client) -> None:
    """How a conversation may be made."""
    Conversation(client, tools=[len], on_tool_call=lambda call: call.name == "len", think=True)
    Conversation(client, on_tool_call=lambda call: call.name)  # type: ignore[arg-type, return-value]
    Conversation(client, temperature=1)  # type: ignore[call-arg]
