"""A chat that remembers: history, tool rounds, interruptions."""

import os
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Literal, Self, Unpack, cast, overload

from reactivex import Observable

from ollama_rx.arguments import (
    as_dict,
    as_items,
    check_callable,
    check_flag,
    check_instance,
    check_text,
    check_whole,
    is_coroutine_function,
    wrong_value,
)
from ollama_rx.chunks import Chunk, Message, ToolCall
from ollama_rx.client import Client
from ollama_rx.client.bodies import Tool
from ollama_rx.client.messages import Image, MessageLike, images_field
from ollama_rx.conversation.chat_arguments import ChatArguments
from ollama_rx.conversation.history import History
from ollama_rx.conversation.saved_file import SavedConversation, read_saved, write_saved
from ollama_rx.conversation.token_count import TokenCount
from ollama_rx.conversation.tokens_limit import TokensLimit
from ollama_rx.conversation.tool_result import ToolResult
from ollama_rx.conversation.tool_runner import OnToolCall, ToolRunner
from ollama_rx.conversation.trimming import Trim
from ollama_rx.conversation.turn import TurnPlan, TurnStream

_OWN = frozenset({"model", "messages", "tools"})  # arguments of `Client.chat` that a conversation fills in


class Conversation:
    """A chat with its history.

    ::

        talk = Conversation(client, system="You are brief.")
        deliver(talk.say("My name is Ada."), Console()).wait()
        deliver(talk.say("What is my name?"), Console()).wait()     # the history goes with it

    One turn runs at a time; a second ``say`` meanwhile fails. Any thread may use a conversation, and any
    number of conversations may share a client.

    Args:
        client: sends the requests.
        model: by default the client's.
        system: the system message, first in the history.
        tools: functions that the model may call, with their types and docstrings as the description; or JSON
            schemas, which need ``on_tool_call`` to answer them. Coroutine functions are awaited, others are
            called on a worker thread; the calls of one answer run side by side. What a function returns goes
            back to the model as text, or else as JSON; what it raises, as text too.
        messages: an earlier history.
        max_rounds: how many rounds of tool calls may run in one turn.
        on_tool_call: sees each call before it runs, one at a time, and returns True to run it, False or
            `Refuse` not to, or `Answer` to give its result. A coroutine function, or one that may block.
        trim: takes the history and returns what of it is sent with a request, for instance `keep_last`. The
            history itself stays whole.
        **chat_arguments: arguments of `Client.chat` for all turns, such as ``options`` and ``think``.

    Raises:
        ValueError: no model, a system message in both ``system`` and ``messages``, two tools of one name, a
            JSON schema as a tool without ``on_tool_call``, or a value that `Client.chat` refuses.
        TypeError: an argument of a wrong type, or one that is unknown.
    """

    def __init__(
        self,
        client: Client,
        *,
        model: str | None = None,
        system: str | None = None,
        tools: Sequence[Tool] = (),
        messages: Sequence[MessageLike] = (),
        max_rounds: int = 8,
        on_tool_call: OnToolCall | None = None,
        trim: Trim | None = None,
        **chat_arguments: Unpack[ChatArguments],
    ) -> None:
        check_instance("client", client, Client)
        check_whole("max_rounds", max_rounds, least=1)
        if trim is not None:
            check_callable("trim", trim)
            if is_coroutine_function(trim):
                raise TypeError("trim: expected a function that returns messages, got a coroutine function")
        history = _first_messages(system, messages)
        runner = ToolRunner(as_items("tools", tools), on_tool_call)
        self._settings = _Settings(client.sticky(), model, runner, max_rounds, trim, chat_arguments)
        self._settings.ask(history)  # so that wrong arguments are refused here
        self._history = History(history)
        self._tokens = TokenCount()
        self._tokens_limit = TokensLimit(client, chat_arguments.get("options"))

    @overload
    def say(
        self,
        text: str,
        *,
        images: Sequence[Image] | None = None,
        tool_results: Literal[False] = False,
        **chat_arguments: Unpack[ChatArguments],
    ) -> Observable[Chunk]: ...
    @overload
    def say(
        self,
        text: str,
        *,
        images: Sequence[Image] | None = None,
        tool_results: Literal[True],
        **chat_arguments: Unpack[ChatArguments],
    ) -> Observable[Chunk | ToolResult]: ...
    def say(
        self,
        text: str,
        *,
        images: Sequence[Image] | None = None,
        tool_results: bool = False,
        **chat_arguments: Unpack[ChatArguments],
    ) -> Observable[Chunk] | Observable[Chunk | ToolResult]:
        """Return the next turn: the chunks of the answer, or of several answers with tool calls between them.

        ::

            say  ^--a--b-|              a="It is", b=" late"
            say  ^--c-.....--a--b-|     c calls a tool, which runs at the dots
            say  ^--c-.....r-a--b-|     tool_results=True: r is the ToolResult

        Between the texts of two answers comes a chunk with a blank line, which is not in the history.

        The turn begins when it is subscribed to; subscribed to twice, it is two turns. The answer is in the
        history before the subscriber learns that the stream has ended. One that is cut off, because the
        stream was disposed or has failed, is in the history as far as it has arrived, with ``cut`` set. If
        nothing has arrived, the history stays as it was: the user's message is not in it either.

        Args:
            text: what the user says.
            images: bytes, paths or base64 texts, for a model that sees; files are read now.
            tool_results: whether to emit the `ToolResult` of each call too.
            **chat_arguments: arguments of `Client.chat` for this turn; they win over the conversation's.

        Raises:
            OllamaError: in the stream, as from `Client.chat`; a `ToolRoundsError` if the model still calls
                tools after ``max_rounds``.
            RuntimeError: in the stream, if another turn runs.
        """
        check_text("text", text)
        check_flag("tool_results", tool_results)
        settings = self._settings.with_arguments(chat_arguments)
        settings.ask([Message("user", text)])  # so that wrong arguments are refused here
        user = Message("user", text, images=images_field(images) or ())
        stream = TurnStream(
            TurnPlan(
                history=self._history,
                user=user,
                trim=settings.trimmed,
                ask=settings.ask,
                tokens=self._tokens,
                tokens_limit=self._tokens_limit,
                tools=settings.tools,
                max_rounds=settings.max_rounds,
                with_results=tool_results,
            )
        )
        return cast("Observable[Chunk | ToolResult]", stream)

    @property
    def messages(self) -> tuple[Message, ...]:
        """The history; while a turn runs, what it would be if the turn ended now."""
        return self._history.messages

    @property
    def tokens_used(self) -> int | None:
        """How many tokens the last prompt and its answer had; None before the first answer."""
        return self._tokens.used

    @property
    def tokens_limit(self) -> int | None:
        """How many tokens the model takes: ``num_ctx`` of the conversation's options, or the server's figure.

        The server is asked once, while it answers. Before that, and if it does not tell, this is None.
        """
        return self._tokens_limit.value

    @property
    def cut_by_server(self) -> bool:
        """Whether the server has left old messages out of the last prompt, because all would not fit.

        It does not say so; but then the prompt had fewer tokens than an earlier one, although the history
        had grown.
        """
        return self._tokens.cut_by_server

    def heard(self, text: str) -> None:
        """Keep only this much of the last answer in the history, because the user has interrupted it.

        A turn that still runs ends: its request is closed and its stream completes. The answer stays in the
        history, with ``cut`` set, also if ``text`` is empty: the model then sees that it was interrupted,
        and user and assistant still take turns.

        In a turn with tool calls ``text`` is that of the whole turn or that of its last answer; if it ends in
        an earlier answer, the later ones stay without text, because their tools have run.

        After a turn that has left nothing, only an empty ``text`` makes sense, and changes nothing.

        Raises:
            RuntimeError: there is no answer yet.
        """
        check_text("text", text)
        self._history.hear(text)

    def undo(self) -> tuple[Message, ...]:
        """Remove the last turn, from the user's message on, and return it; () if there is none.

        Raises:
            RuntimeError: a turn runs.
        """
        return self._history.undo()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the history to a file, whole or not at all; docs/conversations.md describes the file.

        While a turn runs, what the history would be if it ended now is written.

        Raises:
            OSError: the file cannot be written; an old one is unchanged.
        """
        write_saved(path, SavedConversation(self.messages, self._settings.model, self.tokens_used))

    @classmethod
    def load(
        cls,
        client: Client,
        path: str | os.PathLike[str],
        *,
        model: str | None = None,
        tools: Sequence[Tool] = (),
        max_rounds: int = 8,
        on_tool_call: OnToolCall | None = None,
        trim: Trim | None = None,
        **chat_arguments: Unpack[ChatArguments],
    ) -> Self:
        """Return the conversation of a file, with the model that it was saved with if none is given.

        The file has the messages, also the system message; tools and other arguments are given anew.

        Raises:
            OSError: the file cannot be read.
            ValueError: it does not hold a conversation, is damaged, or was written by a newer version.
        """
        saved = read_saved(path)
        talk = cls(
            client,
            model=saved.model if model is None else model,
            tools=tools,
            messages=saved.messages,
            max_rounds=max_rounds,
            on_tool_call=on_tool_call,
            trim=trim,
            **chat_arguments,
        )
        talk._tokens = TokenCount(saved.tokens_used)
        return talk

    def fork(self) -> Self:
        """Return a second conversation with the same settings and history; the two go separate ways."""
        fork = copy(self)
        client = self._settings.client.sticky()  # the two may go on at different hosts
        fork._settings = replace(self._settings, client=client)  # noqa: SLF001 - its own class
        fork._history = History(self.messages)  # noqa: SLF001
        fork._tokens = copy(self._tokens)  # noqa: SLF001
        return fork


@dataclass(frozen=True, slots=True)
class _Settings:
    """How a conversation makes its requests."""

    client: Client
    model: str | None
    tools: ToolRunner
    max_rounds: int
    trim: Trim | None
    chat_arguments: ChatArguments

    def with_arguments(self, chat_arguments: ChatArguments) -> "_Settings":
        """Return the settings of a turn with arguments of its own."""
        for name in _OWN.intersection(chat_arguments):
            raise TypeError(f"say: `{name}` is an argument of the conversation, not of one turn")
        return replace(self, chat_arguments={**self.chat_arguments, **chat_arguments})

    def ask(self, messages: Sequence[Message]) -> Observable[Chunk]:
        """Return the request for the next answer; built now, and sent when it is subscribed to."""
        return self.client.chat(
            messages, model=self.model, tools=self.tools.schemas or None, **self.chat_arguments
        )

    def trimmed(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Return what of the messages is sent, after checking what ``trim`` has returned."""
        if self.trim is None:
            return messages
        kept = as_items("trim", self.trim(messages), "a list of messages from the function")
        for message in kept:
            check_instance("trim", message, Message)
        if not kept:
            raise ValueError("trim: expected at least one message from the function, got none")
        return kept


def _first_messages(system: str | None, messages: Sequence[MessageLike]) -> tuple[Message, ...]:
    """Return the history that a conversation begins with."""
    history = tuple(map(_message_of, as_items("messages", messages)))
    if system is None:
        return history
    check_text("system", system)
    if history and history[0].role == "system":
        raise wrong_value("system", "None beside messages that begin with a system message", system)
    return (Message("system", system), *history)


def _message_of(value: MessageLike) -> Message:
    """Return a message of an earlier history; its images are read now, as those of ``say`` are."""
    if isinstance(value, Message):
        return replace(value, images=_read(value.images))
    fields = as_dict("messages", value, "a Message or a mapping")
    calls = as_items("messages", fields.get("tool_calls") or (), "a list for 'tool_calls'")
    expected = "a ToolCall or a mapping in 'tool_calls'"
    return Message(
        fields.get("role", ""),
        fields.get("content") or "",
        fields.get("thinking") or "",
        images=_read(fields.get("images") or ()),
        tool_calls=tuple(
            call if isinstance(call, ToolCall) else ToolCall.of(as_dict("messages", call, expected))
            for call in calls
        ),
        tool_name=fields.get("tool_name"),
        tool_call_id=fields.get("tool_call_id"),
    )


def _read(images: Sequence[Image]) -> Sequence[str]:
    return images_field(images, argument="messages") or ()
