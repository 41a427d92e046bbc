"""Run the tool calls of an answer: ask for approval, call the functions side by side, word the results."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

import orjson
from reactivex import Observable, of

from ollama_rx.arguments import check_callable, refuse_async_generator, wrong_type, wrong_value
from ollama_rx.chunks import ToolCall
from ollama_rx.client.bodies import Tool, tools_field
from ollama_rx.client.tool_arguments import ToolArguments
from ollama_rx.conversation.tool_result import Answer, Decision, Refuse, ToolResult
from ollama_rx.operators import map_async
from ollama_rx.protocol.json_fields import object_of, text_of
from ollama_rx.rx.worker_thread import as_coroutine_function

OnToolCall = Callable[[ToolCall], Decision | Awaitable[Decision]]
"""Sees each call before it runs, one at a time; a coroutine function, or a function that may block."""


class ToolRunner:
    """The tools of a conversation, and how their calls are approved and run."""

    def __init__(self, tools: Sequence[Tool], on_tool_call: OnToolCall | None) -> None:
        if on_tool_call is not None:
            check_callable("on_tool_call", on_tool_call)
            refuse_async_generator("on_tool_call", on_tool_call)
        self.schemas = tools_field(tools) or []
        self._functions: dict[str, _Function | None] = {}  # None: only its JSON schema was given
        for tool, schema in zip(tools, self.schemas, strict=True):
            name = _name_in(schema)
            if name in self._functions:
                raise ValueError(f"tools: expected different names, got {name!r} twice")
            if not callable(tool) and on_tool_call is None:
                raise ValueError(
                    f"tools: expected a function for {name!r}, got a JSON schema, which needs on_tool_call"
                )
            self._functions[name] = _Function(tool) if callable(tool) else None
        self._decide = None if on_tool_call is None else _with_call(on_tool_call)

    def run(self, calls: Sequence[ToolCall]) -> Observable[ToolResult]:
        """Run the calls when subscribed to; results come in the order of the calls.

        Decisions are made one after another, and a call that is allowed begins at once.
        """
        if self._decide is None:
            return of(*calls).pipe(map_async(self._call, max_concurrent=len(calls)))
        return of(*calls).pipe(map_async(self._decide), map_async(self._carry_out, max_concurrent=len(calls)))

    async def _carry_out(self, decided: tuple[ToolCall, object]) -> ToolResult:
        call, decision = decided
        match decision:
            case True:
                return await self._call(call)
            case False:
                return ToolResult(call, "refused")
            case Refuse(reason):
                return ToolResult(call, f"refused: {reason}")
            case Answer(content):
                return ToolResult(call, text_of_result(content))
            case _:
                raise wrong_type("on_tool_call", "True, False, Refuse or Answer", decision)

    async def _call(self, call: ToolCall) -> ToolResult:
        if self._functions.get(call.name, self) is None:
            raise TypeError(
                f"on_tool_call: expected Refuse or Answer for {call.name!r}, which has no function"
            )
        try:
            return ToolResult(call, await self._result(call))
        except Exception as error:  # noqa: BLE001 - the model is told, and can correct itself
            return ToolResult(call, f"error: {_described(error)}", error)

    async def _result(self, call: ToolCall) -> str:
        function = self._functions.get(call.name)
        if function is None:
            known = ", ".join(self._functions) or "none"
            raise LookupError(f"there is no tool {call.name!r}; the tools are: {known}")
        if call.unreadable_arguments is not None:
            raise ValueError("the arguments are not a JSON object")
        return text_of_result(await function.call(call.arguments))


class _Function:
    """One function that the model may call."""

    def __init__(self, function: Callable[..., object]) -> None:
        refuse_async_generator("tools", function)
        self._arguments = ToolArguments(function)
        self._call = as_coroutine_function(function)

    async def call(self, arguments: Mapping[str, object]) -> object:
        """Call the function with the arguments that the model gives, converted to its types.

        The function gets copies that it may change: the arguments themselves are in the history.
        """
        return await self._call(**self._arguments.bind(deepcopy(arguments)))


def _with_call(on_tool_call: OnToolCall) -> Callable[[ToolCall], Awaitable[tuple[ToolCall, object]]]:
    ask = as_coroutine_function(on_tool_call)

    async def decide(call: ToolCall) -> tuple[ToolCall, object]:
        return call, await ask(call)

    return decide


def _name_in(schema: dict[str, Any]) -> str:
    """Return the name of a function in its JSON schema."""
    name = text_of(object_of(schema.get("function")).get("name"))
    if not name:
        raise wrong_value("tools", "a JSON schema with {'function': {'name': ...}}", schema)
    return name


def _described(error: Exception) -> str:
    """Return an error's message with its type, which says more to a model than ``'city'`` alone."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def text_of_result(result: object) -> str:
    """Return a tool's result as text: text as it is, else JSON, else what ``str`` makes of it.

    >>> text_of_result("rain"), text_of_result({"celsius": 9}), text_of_result(1j)
    ('rain', '{"celsius":9}', '1j')
    """

    def dumped(value: object) -> object:
        dump = getattr(value, "model_dump", None)  # as pydantic's models have it
        if callable(dump):
            return dump(mode="json")
        if value is result:
            raise TypeError  # as text it needs no quotation marks
        return str(value)

    if not isinstance(result, str):
        try:
            return orjson.dumps(result, dumped, orjson.OPT_NON_STR_KEYS).decode()
        except TypeError:
            return str(result)
    return result
