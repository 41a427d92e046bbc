"""A host that answers `ScriptedPrompt`s, and tells what it has observed of each of its generations."""

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import count
from secrets import token_hex

from ollama_rx.testing import FakeOllama, Reply, Request, answer, json_reply, pause
from ollama_rx.testing.server.steps import Step
from tests.bus.chaos.scripted_prompt import ScriptedPrompt

OBSERVED_PATH = "/observed"
MODEL = "chaos:latest"

_TAGS: dict[str, object] = {
    "models": [{"name": MODEL, "model": MODEL, "size": 1, "digest": "0" * 64, "details": {}}]
}


@dataclass(frozen=True, slots=True)
class Generation:
    """One answer of a host, as the host has seen it; times by `time.monotonic`, the same in all processes."""

    prompt: str
    id: str
    began_at: float
    lines: int
    answered_at: float | None
    disconnected_at: float | None

    @property
    def is_running(self) -> bool:
        """Whether the host is still at work."""
        return self.answered_at is None and self.disconnected_at is None


def scripted_host(*, port: int = 0) -> FakeOllama:
    """Return a host that is not started yet; it has one model."""
    generations: dict[int, tuple[str, str]] = {}  # ids of prompt and generation by identity of the request
    numbers = count()
    name = token_hex(3)

    def reply(request: Request) -> Reply:
        prompt = ScriptedPrompt.of_text(str(request.json["prompt"]))
        generation = f"{name}-{next(numbers)}"
        generations[id(request)] = prompt.id, generation  # the host keeps all requests
        words = prompt.answer(generation)
        steps = [step for word in words for step in (word, pause(prompt.every))]
        scripted = answer(pause(prompt.prefill), *steps, metrics=False)
        return scripted if prompt.dies_at is None else scripted.sent(_die_after(prompt.dies_at))

    def observed(_: Request) -> Reply:
        found = [
            Generation(
                *generations[id(exchange.request)],
                exchange.request.at,
                exchange.lines_written,
                exchange.answered_at,
                exchange.disconnected_at,
            )
            for exchange in fake.exchanges
            if id(exchange.request) in generations
        ]
        return json_reply([asdict(generation) for generation in found])

    fake = FakeOllama(reply, on={OBSERVED_PATH: observed, "/api/tags": json_reply(_TAGS)}, port=port)
    return fake


def _die_after(words: int) -> Callable[[Iterable[Step]], Iterator[Step]]:
    """Kill this process when so many words have been sent."""

    def steps_until_death(steps: Iterable[Step]) -> Iterator[Step]:
        sent = 0
        for step in steps:
            if isinstance(step, bytes):
                if sent == words:
                    yield pause(0.02)  # what was sent before leaves the process
                    os.kill(os.getpid(), signal.SIGKILL)
                sent += 1
            yield step

    return steps_until_death
