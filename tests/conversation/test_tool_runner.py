"""Tools run side by side, on the loop or on threads, after approval; the model is told what goes wrong."""

import asyncio
import dataclasses
import threading
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from datetime import date
from typing import Any

import pytest
from reactivex import Observable

from ollama_rx import ToolCall, ToolResult
from ollama_rx.conversation import Answer, Refuse
from ollama_rx.conversation.tool_runner import OnToolCall, ToolRunner, text_of_result
from tests.contracts.conftest import Door

SCHEMA = {"type": "function", "function": {"name": "search", "parameters": {"type": "object"}}}


def double(number: int) -> int:
    """Double a number."""
    return number * 2


async def triple(number: int) -> int:
    """Triple a number."""
    await asyncio.sleep(0)
    return number * 3


def call(name: str, /, **arguments: object) -> ToolCall:
    return ToolCall(name, arguments)


def run(runner: ToolRunner, *calls: ToolCall) -> list[ToolResult]:
    results: Observable[list[ToolResult]] = runner.run(calls).pipe(to_list())
    return results.run()


def to_list() -> Callable[[Observable[ToolResult]], Observable[list[ToolResult]]]:
    return lambda source: source.to_list()


def contents(runner: ToolRunner, *calls: ToolCall) -> list[str]:
    return [result.content for result in run(runner, *calls)]


def test_coroutines_are_awaited_and_other_functions_called() -> None:
    runner = ToolRunner([double, triple], None)
    assert contents(runner, call("triple", number=2), call("double", number=2)) == ["6", "4"]


def test_all_calls_start_before_the_first_one_ends_and_results_keep_the_order(door: Door) -> None:
    everyone = threading.Barrier(3)

    def meet(name: str) -> str:
        everyone.wait(5)
        return name

    seen = door.subscribe(ToolRunner([meet], None).run([call("meet", name=name) for name in "abc"])).wait()
    assert [result.content for result in seen.items] == ["a", "b", "c"]


def test_a_tool_sees_the_context_variables_of_the_subscriber(door: Door) -> None:
    user = ContextVar("user", default="nobody")

    def who() -> str:
        return user.get()

    async def who_async() -> str:
        return user.get()

    def subscribe() -> Any:
        user.set("Ada")
        return runner.run([call("who"), call("who_async")]).subscribe(got.append, on_completed=over.set)

    got: list[ToolResult] = []
    over = threading.Event()
    runner = ToolRunner([who, who_async], None)
    door.call(subscribe)
    assert over.wait(5)
    assert [result.content for result in got] == ["Ada", "Ada"]


def broken(reason: str) -> str:
    raise KeyError(reason)


def silent() -> None:
    raise ValueError


@pytest.mark.parametrize(
    ("wrong", "content", "kind"),
    [
        (call("broken", reason="mine"), "error: KeyError: 'mine'", KeyError),
        (call("silent"), "error: ValueError", ValueError),
        (
            call("nope"),
            "error: LookupError: there is no tool 'nope'; the tools are: broken, silent",
            LookupError,
        ),
        (
            ToolCall("broken", unreadable_arguments='{"x'),
            "error: ValueError: the arguments are not a JSON object",
            ValueError,
        ),
    ],
)
def test_what_goes_wrong_is_told_to_the_model(wrong: ToolCall, content: str, kind: type) -> None:
    (result,) = run(ToolRunner([broken, silent], None), wrong)
    assert (result.content, type(result.error)) == (content, kind)


def test_wrong_arguments_are_told_to_the_model() -> None:
    assert contents(ToolRunner([double], None), call("double", number="two")) == [
        "error: ValueError: number: expected int, got 'two'"
    ]


def test_arguments_are_converted_to_the_functions_types() -> None:
    def day(when: date) -> int:
        return when.day

    assert contents(
        ToolRunner([day, double], None), call("day", when="2026-11-27"), call("double", number="2")
    ) == [
        "27",
        "4",
    ]


def test_without_tools_every_call_is_unknown() -> None:
    assert contents(ToolRunner([], None), call("x")) == [
        "error: LookupError: there is no tool 'x'; the tools are: none"
    ]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # Ctrl-C is reported
@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_an_exception_that_exits_is_the_error_of_the_stream(kind: type[BaseException]) -> None:
    def leave() -> None:
        raise kind

    door = Door("threads")
    seen = door.subscribe(ToolRunner([leave], None).run([call("leave")])).wait()
    assert [type(error) for error in seen.errors] == [kind]


def test_what_a_tool_does_with_its_arguments_does_not_change_the_call() -> None:
    def clear(given: Any) -> str:
        given["list"].clear()
        return "done"

    asked = call("clear", given={"list": [1]})
    assert contents(ToolRunner([clear], None), asked) == ["done"]
    assert asked.arguments == {"given": {"list": [1]}}


# approval


DECISIONS = [
    (True, "4"),
    (False, "refused"),
    (Refuse("not today"), "refused: not today"),
    (Answer({"number": 5}), '{"number":5}'),
]


@pytest.mark.parametrize(("decision", "content"), DECISIONS)
def test_a_decision_of_a_function_is_carried_out(decision: Any, content: str) -> None:
    assert contents(ToolRunner([double], lambda _: decision), call("double", number=2)) == [content]


@pytest.mark.parametrize(("decision", "content"), DECISIONS)
def test_a_decision_of_a_coroutine_function_is_carried_out(decision: Any, content: str) -> None:
    async def decide(_: ToolCall) -> Any:
        await asyncio.sleep(0)
        return decision

    assert contents(ToolRunner([double], decide), call("double", number=2)) == [content]


def test_decisions_are_made_one_at_a_time_in_order() -> None:
    asked: list[object] = []
    busy = threading.Lock()

    def decide(asking: ToolCall) -> bool:
        assert busy.acquire(blocking=False)
        asked.append(asking.arguments["number"])
        busy.release()
        return True

    calls = [call("double", number=number) for number in range(5)]
    assert contents(ToolRunner([double], decide), *calls) == ["0", "2", "4", "6", "8"]
    assert asked == [0, 1, 2, 3, 4]


def test_an_allowed_call_runs_while_the_next_one_is_decided() -> None:
    has_run = threading.Event()

    def first() -> None:
        has_run.set()

    def decide(asking: ToolCall) -> bool:
        return asking.name == "first" or has_run.wait(5)

    assert contents(ToolRunner([first, double], decide), call("first"), call("double", number=1)) == [
        "null",
        "2",
    ]


def failing(_: ToolCall) -> bool:
    raise KeyError("mine")


def saying(*, decision: Any) -> OnToolCall:
    return lambda _: decision


@pytest.mark.parametrize(
    ("on_tool_call", "kind", "message"),
    [
        (failing, KeyError, "'mine'"),
        (saying(decision="yes"), TypeError, "on_tool_call: expected True, False, Refuse or Answer, got str"),
        (saying(decision=1), TypeError, "on_tool_call: expected True, False, Refuse or Answer, got int"),
        (
            saying(decision=True),
            TypeError,
            "on_tool_call: expected Refuse or Answer for 'search', which has no function",
        ),
    ],
)
def test_what_goes_wrong_in_the_approval_is_the_error_of_the_stream(
    on_tool_call: OnToolCall, kind: type, message: str
) -> None:
    door = Door("threads")
    seen = door.subscribe(ToolRunner([SCHEMA], on_tool_call).run([call("search")])).wait()
    assert [(type(error), str(error)) for error in seen.errors] == [(kind, message)]


def test_the_approval_sees_unknown_names_too() -> None:
    assert contents(ToolRunner([], lambda _: Answer("done")), call("mine")) == ["done"]


# what is refused when it is built


async def numbers() -> AsyncIterator[int]:
    yield 1


@pytest.mark.parametrize(
    ("tools", "on_tool_call", "kind", "message"),
    [
        ([double, double], None, ValueError, "tools: expected different names, got 'double' twice"),
        (
            [SCHEMA],
            None,
            ValueError,
            "tools: expected a function for 'search', got a JSON schema, which needs on_tool_call",
        ),
        (
            [{"name": "x"}],
            failing,
            ValueError,
            "tools: expected a JSON schema with {'function': {'name': ...}}, got {'name': 'x'}",
        ),
        (["double"], None, TypeError, "tools: expected a JSON schema or a function, got str"),
        (
            [numbers],
            None,
            TypeError,
            "tools: expected a function without `yield`, got an asynchronous generator",
        ),
        ([double], "yes", TypeError, "on_tool_call: expected a function, got str"),
        (
            [double],
            numbers,
            TypeError,
            "on_tool_call: expected a function without `yield`, got an asynchronous generator",
        ),
    ],
)
def test_wrong_tools_are_refused(tools: Any, on_tool_call: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind) as caught:
        ToolRunner(tools, on_tool_call)
    assert str(caught.value) == message


def test_wrong_reasons_are_refused() -> None:
    with pytest.raises(TypeError, match=r"^Refuse: expected text, got int$"):
        Refuse(1)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


# results as text


@dataclasses.dataclass
class City:
    name: str


class Dumped:
    def model_dump(self, *, mode: str) -> dict[str, str]:
        return {"mode": mode}


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("as it is", "as it is"),
        (["\ud83d"], r"['\ud83d']"),
        (None, "null"),
        (True, "true"),
        ([1, "two"], '[1,"two"]'),
        ({1: date(2026, 11, 27)}, '{"1":"2026-11-27"}'),
        (City("Ulm"), '{"name":"Ulm"}'),
        ([Dumped()], '[{"mode":"json"}]'),
        ([1j], '["1j"]'),
        (b"raw", "b'raw'"),
        (2**70, str(2**70)),
    ],
)
def test_a_result_is_text_or_else_json_or_else_its_str(result: object, text: str) -> None:
    assert text_of_result(result) == text
