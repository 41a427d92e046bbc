"""What becomes of an exception that a subscriber raises at the last event."""

import asyncio
from typing import Any

import pytest

from ollama_rx.rx.event_loops import marked_as_internal
from ollama_rx.transport.terminal_event import send_terminal


def send(error: BaseException) -> list[dict[str, Any]]:
    """Send an event that raises; return what the loop was told."""

    def event() -> None:
        raise error

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: told.append(context))
        send_terminal(loop, event)

    told: list[dict[str, Any]] = []
    asyncio.run(main())
    return told


@pytest.mark.parametrize("error", [ValueError("mine"), asyncio.CancelledError()])
def test_an_exception_is_reported_by_the_loop(error: BaseException) -> None:
    [told] = send(error)
    assert told["exception"] is error


def test_an_exception_that_exits_ends_the_users_loop() -> None:
    with pytest.raises(SystemExit):
        send(SystemExit(1))


def test_an_exception_that_exits_does_nothing_on_a_thread_of_the_stream() -> None:
    with marked_as_internal():
        assert send(SystemExit(1)) == []
