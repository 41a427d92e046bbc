"""`tool_calls` emits each tool call once, whichever chunk carries it."""

from typing import Any

import pytest

from ollama_rx import Chunk, ToolCall
from ollama_rx.operators import tool_calls
from ollama_rx.testing import check
from tests.operators.text_pieces import run


def call(name: str, call_id: str | None = None) -> dict[str, Any]:
    function = {"function": {"name": name, "arguments": {"n": 1}}}
    return function if call_id is None else {"id": call_id, **function}


def message(*calls: dict[str, Any], done: bool = False) -> Chunk:
    return Chunk({"message": {"role": "assistant", "content": "", "tool_calls": list(calls)}, "done": done})


TWO, NONE, ONE = message(call("x"), call("y")), message(), message(call("z"), done=True)
X, Y, Z = (ToolCall(name, {"n": 1}) for name in "xyz")


def test_each_tool_call_is_emitted_in_the_order_of_arrival() -> None:
    check(
        tool_calls(),
        source="-a   -b-(c|)",
        expect="-(xy)---(z|)",
        a=TWO,
        b=NONE,
        c=ONE,
        x=X,
        y=Y,
        z=Z,
    )


def test_an_error_passes() -> None:
    check(tool_calls(), source="-a---#", expect="-(xy)---#", a=TWO, x=X, y=Y, life="^----!")


def test_cancel_reaches_the_source() -> None:
    check(tool_calls(), source="-a---c|", expect="-(xy)-!", a=TWO, c=ONE, x=X, y=Y, life="^--!")


@pytest.mark.parametrize(
    "chunks",
    [
        [message(call("a")), message(call("b")), message(done=True)],
        [message(call("a"), call("b")), message(done=True)],
        [message(), message(call("a"), call("b"), done=True)],
    ],
    ids=["one per chunk", "all in one", "on the last"],
)
def test_servers_may_send_the_calls_in_one_chunk_or_in_several(chunks: list[Chunk]) -> None:
    assert run(tool_calls(), chunks) == [ToolCall("a", {"n": 1}), ToolCall("b", {"n": 1})]


def test_a_repeated_id_is_the_same_call_within_one_answer() -> None:
    chunks = [message(call("a", "call_1")), message(call("a", "call_1"), call("b", "call_2"), done=True)]
    assert [found.id for found in run(tool_calls(), chunks)] == ["call_1", "call_2"]
    assert len(run(tool_calls(), chunks + chunks)) == 4


def test_equal_calls_without_an_id_are_two_calls() -> None:
    assert len(run(tool_calls(), [message(call("a"), call("a"))])) == 2
