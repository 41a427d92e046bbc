"""A function receives the samples."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from ollama_rx.speech import PcmCallback


def test_the_function_is_called_with_each_block() -> None:
    blocks: list[bytes] = []
    output = PcmCallback(blocks.append)
    output.write(b"ab")
    output.write(b"cd")
    assert blocks == [b"ab", b"cd"]


def test_the_length_of_a_block_can_be_chosen() -> None:
    assert PcmCallback(print).block == 0.04
    assert PcmCallback(print, block=0.1).block == 0.1


def test_what_the_function_raises_fails_the_output() -> None:
    def fail(_: bytes) -> None:
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError, match=r"^gone$"):
        PcmCallback(fail).write(b"ab")


async def send(_: bytes) -> None: ...


async def send_parts(pcm: bytes) -> AsyncIterator[bytes]:
    yield pcm


@pytest.mark.parametrize("function", [send, partial(send)])
def test_a_coroutine_function_is_refused_with_advice(function: Any) -> None:
    with pytest.raises(TypeError, match=r"^function: .* coroutine function; .* output = PcmObservable\(\)$"):
        PcmCallback(function)


def test_a_coroutine_is_refused_with_advice() -> None:
    output = PcmCallback(lambda pcm: send(pcm))  # noqa: PLW0108 - that is the mistake
    with pytest.raises(
        TypeError, match=r"^function: it returned a coroutine, .* output = PcmObservable\(\)$"
    ):
        output.write(b"ab")


def test_other_wrong_arguments_are_refused() -> None:
    with pytest.raises(TypeError, match=r"^function: expected a function, got str$"):
        PcmCallback("send")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match=r"^function: .* got an asynchronous generator$"):
        PcmCallback(send_parts)
    with pytest.raises(ValueError, match=r"^block: expected a number of seconds above 0, got 0$"):
        PcmCallback(print, block=0)
