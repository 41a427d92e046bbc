"""Functions as sinks."""

import asyncio
from typing import Any, cast

import pytest
import reactivex
from reactivex import of

from ollama_rx import deliver
from ollama_rx.sinks import Callback


def recording(calls: list[object], *, blocking: bool) -> Callback[int]:
    return Callback(
        calls.append,
        on_completed=lambda: calls.append("completed"),
        on_error=calls.append,
        on_close=lambda: calls.append("close"),
        blocking=blocking,
    )


@pytest.mark.parametrize("blocking", [False, True])
def test_the_functions_are_called_in_order(blocking: bool) -> None:  # noqa: FBT001
    calls: list[object] = []
    deliver(of(1, 2), recording(calls, blocking=blocking)).wait(5)
    assert calls == [1, 2, "completed", "close"]


@pytest.mark.parametrize("blocking", [False, True])
def test_on_error_is_called_with_the_error(blocking: bool) -> None:  # noqa: FBT001
    calls: list[object] = []
    error = ValueError("no")
    with pytest.raises(ValueError, match="no"):
        deliver(reactivex.throw(error), recording(calls, blocking=blocking)).wait(5)
    assert calls == [error, "close"]


def test_only_on_next_is_required() -> None:
    calls: list[int] = []
    deliver(of(1), Callback(calls.append)).wait(5)
    with pytest.raises(ValueError, match="no"):
        deliver(reactivex.throw(ValueError("no")), Callback(calls.append)).wait(5)
    assert calls == [1]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"max_waiting": 0}, ValueError, "max_waiting: expected a whole number of at least 1, got 0"),
        ({"when_full": "explode"}, ValueError, "when_full: expected one of .*, got 'explode'"),
        ({"blocking": "yes"}, TypeError, "blocking: expected True or False, got str"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^{message}$"):
        Callback(print, **arguments)


@pytest.mark.parametrize("name", ["on_next", "on_completed", "on_error", "on_close"])
def test_a_value_that_is_not_a_function_is_refused_at_once(name: str) -> None:
    given: dict[str, Any] = {"on_next": print, name: 5}
    with pytest.raises(TypeError, match=f"^{name}: expected a function, got int"):
        Callback[int](**given)
    with pytest.raises(TypeError, match=r"^on_next: expected a function, got NoneType"):
        Callback[int](cast(Any, None))


def test_coroutine_functions_are_awaited() -> None:
    calls: list[object] = []

    async def record(call: object = "end") -> None:
        await asyncio.sleep(0)
        calls.append(call)

    async def main() -> None:
        await deliver(of(1, 2), Callback(record, on_completed=record, on_close=record))

    deliver(of(1, 2), Callback(record, on_completed=record, on_close=record)).wait(5)
    asyncio.run(main())
    assert calls == [1, 2, "end", "end"] * 2


@pytest.mark.parametrize("name", ["on_next", "on_completed", "on_error", "on_close"])
def test_a_coroutine_function_is_refused_if_the_functions_are_called_on_a_thread(name: str) -> None:
    async def never(*_: object) -> None:
        raise NotImplementedError

    given: dict[str, Any] = {"on_next": print, name: never}
    with pytest.raises(TypeError, match=r"^Callback: expected `def` functions for a blocking sink"):
        Callback[int](blocking=True, **given)
