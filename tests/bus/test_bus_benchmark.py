"""The arithmetic of ``python -m benchmarks bus``; how large its figures are is measured there, not here."""

import asyncio
import os
from time import process_time

from benchmarks.bus.load import Load
from benchmarks.bus.processes import used_by
from benchmarks.bus.writers import LineReader, stamped
from benchmarks.goals import least_of
from benchmarks.paced import Recorder

LINE = (
    b'{"model":"llama3.2","created_at":"2026-01-01T00:00:00.000000000Z","response":" river","done":false}\n'
)


class _Transport(asyncio.Transport):
    def write(self, data: object) -> None:
        """Send nothing."""

    def close(self) -> None:
        """Close nothing."""


def test_a_load_is_told_to_another_process_as_it_is() -> None:
    load = Load(
        bus="nats://127.0.0.1:1", namespace="n", host="http://h", streams=3, tokens=4, rate=20, parallel=2
    )
    assert Load.read(load.written()) == load
    assert (load.lines(7), load.go) == ("n.lines.7", "n.go")


def test_a_stamp_changes_no_other_byte_of_a_line() -> None:
    line = stamped(LINE, 61.25)
    assert line == LINE.replace(b"T00:00:00.000000000Z", b"T00:00:01.250000000Z")


def test_the_recorder_reads_the_stamp_and_takes_what_was_used_at_both_ends() -> None:
    taken = iter(["first", "last"])
    recorder = Recorder(streams=2, tokens=4, take=lambda: next(taken))
    for _ in range(8):
        recorder.on_token("2026-01-01T00:00:01.250000000Z")
    assert (recorder.first, recorder.last, recorder.arrived) == ("first", "last", 8)


def test_processor_time_of_a_process_is_seen_from_outside() -> None:
    before = process_time()
    used = used_by({"both": [os.getpid(), os.getpid()], "none": []})
    assert 2 * before <= used.cpu["both"] <= 2 * process_time()
    assert used.kib["both"] > 0
    assert (used.cpu["none"], used.kib["none"]) == (0, 0)


def test_the_relay_reads_whole_lines_whatever_the_pieces() -> None:
    lines = [b'{"response":"a"}\n', b'{"response":"b"}\n', b'{"done":true}\n']
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    sent = head + b"".join(b"%x\r\n%b\r\n" % (len(line), line) for line in lines) + b"0\r\n\r\n"

    async def read(size: int) -> list[bytes]:
        answer = LineReader(b"")
        answer.connection_made(_Transport())
        for at in range(0, len(sent), size):
            answer.data_received(sent[at : at + size])
        return [line async for line in answer.lines()]

    for size in (1, 7, 40, len(sent)):
        assert asyncio.run(read(size)) == lines


def test_of_several_rounds_the_least_counts() -> None:
    rounds = [{"two": {"done": 100.0}}, {"two": {"done": 99.0}}, {}]
    assert least_of("two", "done")(rounds) == 99
    assert least_of("three", "done")(rounds) is None
