"""One request's way through the engine, with an engine that misbehaves."""

import asyncio
from collections.abc import Callable, Mapping
from typing import cast

import pytest

from ollama_rx.embedded.answering import answer
from ollama_rx.embedded.jobs import Job
from ollama_rx.embedded.pipe import Pipe
from ollama_rx.embedded.refusal import Refusal
from ollama_rx.embedded.requests import Plan, read_generate
from ollama_rx.embedded.residence import Residence
from ollama_rx.embedded.tenancy import GaveUpError, Tenancy


class MuteEngine:
    """Says nothing at all."""

    def render(self, messages: object) -> str:
        return str(messages)

    def tokenize(self, text: str, *, start: bool, special: bool) -> list[int]:
        assert special >= start
        return list(map(ord, text))

    def complete(self, request: Mapping[str, object], on_event: Callable[[object], bool]) -> None:
        assert request
        assert callable(on_event)


class MuteResidence:
    def __init__(self) -> None:
        self.left: list[float | None] = []

    def enter(self, gave_up: Callable[[], bool]) -> MuteEngine:
        assert not gave_up()
        return MuteEngine()

    def leave(self, keep_alive: float | None) -> None:
        self.left.append(keep_alive)


class Claim:
    """A claim on the weights with a given result."""

    def __init__(self, found: object) -> None:
        self._found = found

    def residence(self, gave_up: Callable[[], bool]) -> Residence:
        assert not gave_up()
        if isinstance(self._found, Exception):
            raise self._found
        return cast(Residence, self._found)


def plan() -> Plan:
    return read_generate(b'{"prompt":"Hi","keep_alive":5}', "tiny", {})


async def first_block(tenancy: Claim) -> bytes | None:
    def work(pipe: Pipe) -> None:
        answer(plan(), "tiny", cast(Tenancy, tenancy), pipe)

    return await Job(work).pipe.get()


def test_a_request_that_gave_up_waiting_for_the_weights_says_nothing() -> None:
    assert asyncio.run(first_block(Claim(GaveUpError()))) is None


def test_an_engine_that_ends_without_its_last_event_is_an_error_and_its_slot_is_given_back() -> None:
    residence = MuteResidence()
    with pytest.raises(Refusal, match="stopped without a reason"):
        asyncio.run(first_block(Claim(residence)))
    assert residence.left == [5.0]
