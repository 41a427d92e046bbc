"""What the server answers to ``"stream": false``: the lines of a stream in one JSON object."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace

from reactivex import of

from ollama_rx.chunks import Chunk
from ollama_rx.operators import whole_answer
from ollama_rx.protocol.go_json import encode
from ollama_rx.protocol.json_fields import JsonObject, number_of, object_of
from ollama_rx.testing.server.observed import Request
from ollama_rx.testing.server.reply import JSON, NDJSON, Reply
from ollama_rx.testing.server.steps import Pause, Status, Step

_ANSWERS = ("/api/generate", "/api/chat")


def unstreamed(reply: Reply) -> Reply:
    """Return the reply as one JSON object, if it is a stream.

    Pauses, gates and cuts stay; an error in the stream becomes the status of the reply. Lines that are not
    JSON objects are sent as they are.
    """
    if reply.content_type != NDJSON or reply.framing == "none":
        return reply

    def steps(request: Request) -> Iterator[Step]:
        return _collect(reply.steps(request), joins=request.path in _ANSWERS)

    return replace(reply, steps=steps, content_type=JSON)


def _collect(steps: Iterable[Step], *, joins: bool) -> Iterator[Step]:
    body: list[bytes] = []
    for step in steps:
        if isinstance(step, bytes):
            body.append(step)
            yield Pause(0)  # an endless answer never comes, but others do meanwhile
        else:
            yield step
    yield from _join(b"".join(body), joins=joins)


def _join(body: bytes, *, joins: bool) -> Iterator[Step]:
    try:
        lines = [_parse(line) for line in body.splitlines() if line]
        last = lines[-1]
    except (ValueError, IndexError):  # not JSON, not an object, nothing at all
        yield body
        return
    if "error" in last:
        yield Status(_status(last))
    elif joins:
        last = of(*map(Chunk, lines)).pipe(whole_answer()).run().raw
    yield encode(last)


def _parse(line: bytes) -> JsonObject:
    value: object = json.loads(line)
    if not isinstance(value, dict):
        raise ValueError(value)  # noqa: TRY004 - as for what is not JSON
    return object_of(value)  # pyright: ignore[reportUnknownArgumentType]


def _status(error: JsonObject) -> int:
    """Return the status of an error that a stream sends as a line."""
    return 401 if "signin_url" in error else number_of(error.get("StatusCode")) or 500
