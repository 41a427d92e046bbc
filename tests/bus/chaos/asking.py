"""Ask for a scripted answer over the bus, and note what comes of it."""

import asyncio
from typing import Literal

from ollama_rx import Client, OllamaError, iterate
from ollama_rx.bus import jetstream
from tests.bus.chaos.referee import Outcome
from tests.bus.chaos.scripted_host import MODEL
from tests.bus.chaos.scripted_prompt import ScriptedPrompt


def open_client(
    servers: str,
    namespace: str,
    *,
    on_restart: Literal["raise", "hold"] = "raise",
    detach: bool = False,
    grace: float = 10.0,
    busy_after: float | None = None,
) -> Client:
    """Return a client on the bus; without a limit for the time in the queue, which the killings fill."""
    transport = jetstream(
        servers,
        namespace=namespace,
        on_restart=on_restart,
        detach=detach,
        grace=grace,
        busy_after=busy_after,
    )
    return Client(transport=transport, model=MODEL, max_line_bytes=20_000_000)


async def ask(client: Client, prompt: ScriptedPrompt) -> Outcome:
    """Return what becomes of a prompt."""
    pieces: list[str] = []
    try:
        async for chunk in iterate(client.generate(prompt.to_text())):
            pieces.append(chunk.text)  # noqa: PERF401 - what came before an error counts
    except OllamaError as error:
        return Outcome.of("".join(pieces), error)
    return Outcome.of("".join(pieces), None)


async def attach(client: Client, run: str, *, after: int = 0, attempt: int = 1) -> Outcome:
    """Return what an attached reader receives of a run."""
    pieces: list[str] = []
    try:
        async for chunk in iterate(client.attach(run, after=after, attempt=attempt)):
            pieces.append(chunk.text)  # noqa: PERF401 - what came before an error counts
    except OllamaError as error:
        return Outcome.of("".join(pieces), error)
    return Outcome.of("".join(pieces), None)


async def moment(seconds: float) -> None:
    """Let a (random) time pass: the one place in which these tests wait for the clock."""
    await asyncio.sleep(seconds)
