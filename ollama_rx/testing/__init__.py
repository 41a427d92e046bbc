"""Test pipelines without a model: a scripted server, and diagrams in virtual time.

`FakeOllama` is a real server on a real socket that sends what you script, with every fault a real server can
have, and records the requests and disconnects of its clients:

>>> from ollama_rx import Client
>>> with FakeOllama(answer("Hel", "lo", context=[1, 2])) as fake:
...     last = Client(fake.url, model="any").generate("Hi").run()
>>> list(last.context), fake.requests[0].json["prompt"]
([1, 2], 'Hi')

Replies: `answer`, which may contain `thinking`, `tool_call`, `piece`, `line`, `raw`, `endless`, `pause`, a
`Gate`, `cut` and `midstream_error`; `error_status`, `text_reply`, `json_reply`, `raw_reply`, `loaded`,
`progress`, `recording`. How a reply is sent: `reply.sent(byte_by_byte, framing="length", ...)`, with any of
the functions in `server/write_boundaries.py`.

Observations: `fake.requests`, `fake.exchanges`, and the waits `fake.wait_for_request`, `_lines`, `_pause`,
`_disconnect`, `_answer` and `_connections`; for coroutines the same under `fake.aio`.

Cassettes: `record` writes what a client and a real server say to each other into a file, `replay` and
`FakeOllama(cassette=...)` play it.

Operators: `check` compares the output with marble diagrams, in virtual time; `check_lifecycle` tests the
promises that every operator keeps about errors, cancelling and subscribers; `check_any_cutting` tests that
the output does not depend on how the text was cut:

>>> from ollama_rx.operators import split_words
>>> check(split_words(), source="-a-b-|   ", expect="---x-(y|)", a="Hel", b="lo you", x="Hello", y="you")
>>> check_lifecycle(split_words, "Hello wor", "ld and")
>>> check_any_cutting(split_words(), "Hello you")
['Hello', 'you']
"""

from ollama_rx.testing.cassettes.recording_transport import record
from ollama_rx.testing.cassettes.replay_transport import replay
from ollama_rx.testing.marbles.any_cutting import check_any_cutting, cuttings, rechunk
from ollama_rx.testing.marbles.check import check
from ollama_rx.testing.marbles.lifecycle import check_lifecycle
from ollama_rx.testing.server.answer import answer, loaded, progress
from ollama_rx.testing.server.fake_ollama import FakeOllama
from ollama_rx.testing.server.observed import ObservedExchange, Request
from ollama_rx.testing.server.parts import (
    endless,
    line,
    midstream_error,
    piece,
    raw,
    thinking,
    tool_call,
    tool_calls,
)
from ollama_rx.testing.server.recording import recording
from ollama_rx.testing.server.reply import Reply, error_status, json_reply, raw_reply, text_reply
from ollama_rx.testing.server.steps import Gate, cut, pause
from ollama_rx.testing.server.unreachable import silent_url
from ollama_rx.testing.server.write_boundaries import (
    all_at_once,
    blank_lines,
    byte_by_byte,
    crlf,
    cut_at,
    inside_characters,
    inside_escapes,
    line_by_line,
    lines_per_write,
    pieces_of,
    without_last_newline,
)

__all__ = [
    "FakeOllama",
    "Gate",
    "ObservedExchange",
    "Reply",
    "Request",
    "all_at_once",
    "answer",
    "blank_lines",
    "byte_by_byte",
    "check",
    "check_any_cutting",
    "check_lifecycle",
    "crlf",
    "cut",
    "cut_at",
    "cuttings",
    "endless",
    "error_status",
    "inside_characters",
    "inside_escapes",
    "json_reply",
    "line",
    "line_by_line",
    "lines_per_write",
    "loaded",
    "midstream_error",
    "pause",
    "piece",
    "pieces_of",
    "progress",
    "raw",
    "raw_reply",
    "rechunk",
    "record",
    "recording",
    "replay",
    "silent_url",
    "text_reply",
    "thinking",
    "tool_call",
    "tool_calls",
    "without_last_newline",
]
