"""The sides that read lines: our client over the bus, the same client directly, and a bare subscription.

``python -m benchmarks.bus.readers SIDE LOOP LOAD ARGUMENT``; prints a JSON object of figures. ARGUMENT is the
number of prompts, or a JSON object with the ids of the processes at the other end, as "writer" and "server".
"""

import asyncio
import gc
import json
import os
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from statistics import median
from threading import Thread
from time import perf_counter

import nats
from nats.aio.msg import Msg
from reactivex import Observable
from reactivex import operators as ops

from benchmarks.bus.load import MODEL, Load, run_side
from benchmarks.bus.processes import Used, used_by
from benchmarks.bus.writers import STAMP, STAMP_LENGTH
from benchmarks.clients.contract import OnToken
from benchmarks.paced import Recorder
from benchmarks.server import choose
from ollama_rx import Chunk, Client, ModelNotFoundError

_STREAMS = 20  # that are read before anything is measured; no more than a worker takes at a time
_LOOK = 0.05  # seconds between two looks for a worker
_LOOKS = 200


class _Streams:
    """Streams of a client; ``done`` and ``failed`` count how they have ended."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.done = 0
        self.failed = 0

    async def read(self, streams: int, on_token: OnToken) -> None:
        """Read so many to their ends."""
        self.done = self.failed = 0
        ended = asyncio.get_running_loop().create_future()

        def on_next(chunk: Chunk) -> None:
            if chunk.text:
                on_token(chunk.raw["created_at"])

        def on_completed() -> None:
            self.done += 1
            end()

        def on_error(error: Exception) -> None:
            if not self.failed:
                print(f"{type(error).__name__}: {error}", file=sys.stderr)
            self.failed += 1
            end()

        def end() -> None:
            if self.done + self.failed == streams:
                ended.set_result(None)

        for _ in range(streams):
            _prompt(self._client).subscribe(on_next, on_error, on_completed)
        await ended


def _prompt(client: Client) -> Observable[Chunk]:
    return client.generate("Hello", model=MODEL)


async def over_bus(argument: str, processes: str) -> dict[str, float]:
    """Read with our client over the bus."""
    load = Load.read(argument)
    client = _bus_client(load)
    choose(load.host, tokens=20)
    await _worker_of(client)
    await _warm_up(client)
    before = await _stored(load)
    figures = await _read_with(client, load, processes)
    events = await _stored(load) - before
    await client.aclose()
    return {**figures, "lines_per_event": load.streams * (load.tokens + 1) / events}


async def direct(argument: str, processes: str) -> dict[str, float]:
    """Read with our client from the host."""
    load = Load.read(argument)
    choose(load.host, tokens=20)
    async with Client(load.host) as client:
        await _warm_up(client)
        return {**await _read_with(client, load, processes), "lines_per_event": 0}


async def _warm_up(client: Client) -> None:
    await _Streams(client).read(_STREAMS, lambda _: None)


async def _read_with(client: Client, load: Load, processes: str) -> dict[str, float]:
    choose(load.host, tokens=load.tokens, rate=load.rate, gate=load.streams if load.rate else 0)
    streams = _Streams(client)
    figures = await _measured(load, processes, partial(streams.read, load.streams))
    return {**figures, "done": streams.done}


async def _stored(load: Load) -> int:
    """Return how many events there are."""
    async with await nats.connect(load.bus) as connection:
        stream = await connection.jetstream().stream_info(f"{load.namespace}_events")
    return stream.state.messages


async def bare(argument: str, processes: str) -> dict[str, float]:
    """Read with a JetStream subscription for each stream, and only look for the stamp and the end."""
    load = Load.read(argument)
    async with await nats.connect(load.bus) as connection:
        jetstream = connection.jetstream()
        done = 0

        async def read(on_token: OnToken) -> None:
            nonlocal done
            ended = asyncio.get_running_loop().create_future()

            async def on_message(message: Msg) -> None:
                nonlocal done
                line = message.data
                if line.endswith(b'"done":false}\n'):
                    at = line.index(STAMP) + len(STAMP)
                    on_token(line[at : at + STAMP_LENGTH].decode())
                    return
                done += 1
                if done == load.streams:
                    ended.set_result(None)

            for stream in range(load.streams):
                await jetstream.subscribe(load.lines(stream), cb=on_message, ordered_consumer=True)
            await connection.publish(load.go)
            await ended

        return {**await _measured(load, processes, read), "done": done, "lines_per_event": 1}


async def _measured(
    load: Load, processes: str, read: Callable[[OnToken], Awaitable[object]]
) -> dict[str, float]:
    """Measure from the first token, or from the prompt if the tokens come at once, to the last but two."""
    measured = {"reader": [os.getpid()], **json.loads(processes)}
    recorder: Recorder[Used] = Recorder(load.streams, load.tokens, partial(used_by, measured))
    gc.collect()
    before = used_by(measured)
    await read(recorder.on_token)
    first, last = recorder.first, recorder.last
    if first is None or last is None:
        raise ValueError(f"{recorder.arrived} of {recorder.expected} tokens arrived")
    begin = first if load.rate else before
    sides = measured.keys() - {"server"}
    us = {name: (last.cpu[name] - begin.cpu[name]) / recorder.counted * 1e6 for name in measured}
    kib = {name: (last.kib[name] - before.kib[name]) / load.streams for name in measured}
    p50, p99 = recorder.latency_ms()
    return {
        "expected": recorder.expected,
        "arrived": recorder.arrived,
        "us_per_line": sum(us[name] for name in sides),
        "reader_us": us["reader"],
        "writer_us": us.get("writer", 0),
        "server_us": us.get("server", 0),
        "open_us": sum(first.cpu[name] - before.cpu[name] for name in sides) / load.streams * 1e6,
        "late_p50_ms": p50,
        "late_p99_ms": p99,
        "reader_kib": kib["reader"],
        "writer_kib": kib.get("writer", 0),
        "lines_per_second": recorder.counted / (last.moment - begin.moment),
    }


async def first_over_bus(argument: str, prompts: str) -> dict[str, float]:
    """Measure a prompt's way to its first token over the bus, on a loop whose connection is open."""
    client = _bus_client(Load.read(argument))
    await _worker_of(client)
    return await _first(client, int(prompts))


async def first_direct(argument: str, prompts: str) -> dict[str, float]:
    """Measure the same from the host."""
    return await _first(Client(Load.read(argument).host), int(prompts))


async def _first(client: Client, prompts: int) -> dict[str, float]:
    for _ in range(_STREAMS):
        await _first_token(client)
    ms = [await _first_token(client) for _ in range(prompts)]
    await client.aclose()
    return {"ms": median(ms)}


async def _first_token(client: Client) -> float:
    came: list[float] = []
    ended = asyncio.get_running_loop().create_future()
    begin = perf_counter()
    _prompt(client).subscribe(
        lambda _: came.append(perf_counter()), ended.set_exception, partial(ended.set_result, None)
    )
    await ended
    return (came[0] - begin) * 1e3


async def fresh_over_bus(argument: str, prompts: str) -> dict[str, float]:
    """Measure a prompt's way to its first token over the bus, each with ``run()`` in a thread of its own."""
    client = _bus_client(Load.read(argument))
    await _worker_of(client)
    return await asyncio.to_thread(_fresh, client, int(prompts))


async def fresh_direct(argument: str, prompts: str) -> dict[str, float]:
    """Measure the same from the host."""
    return await asyncio.to_thread(_fresh, Client(Load.read(argument).host), int(prompts))


def _fresh(client: Client, prompts: int) -> dict[str, float]:
    found: list[float] = []

    def ask() -> None:
        came: list[float] = []
        begin = perf_counter()
        _prompt(client).pipe(ops.do_action(lambda _: came.append(perf_counter()))).run()
        found.append((came[0] - begin) * 1e3)

    for _ in range(_STREAMS + prompts):
        thread = Thread(target=ask)
        thread.start()
        thread.join()
    client.close()
    return {"ms": median(found[_STREAMS:])}


def _bus_client(load: Load) -> Client:
    from ollama_rx.bus import jetstream  # noqa: PLC0415 - the other sides do not have it in memory

    return Client(transport=jetstream(load.bus, namespace=load.namespace))


async def _worker_of(client: Client) -> None:
    """Wait until a worker is registered."""
    for _ in range(_LOOKS):
        try:
            await _first_token(client)
        except ModelNotFoundError:
            await asyncio.sleep(_LOOK)
        else:
            return
    raise TimeoutError("no worker has come")


if __name__ == "__main__":
    run_side(
        {
            "bus": over_bus,
            "direct": direct,
            "bare": bare,
            "first, bus": first_over_bus,
            "first, direct": first_direct,
            "fresh, bus": fresh_over_bus,
            "fresh, direct": fresh_direct,
        }
    )
