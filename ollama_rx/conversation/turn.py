"""One turn of a conversation as an Observable: answer, tool results, answer, and so on."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any

from reactivex import Observable, abc
from reactivex.scheduler.eventloop import AsyncIOScheduler

from ollama_rx.chunks import Chunk, Message, ToolCall
from ollama_rx.conversation.history import History
from ollama_rx.conversation.token_count import TokenCount
from ollama_rx.conversation.tokens_limit import TokensLimit
from ollama_rx.conversation.tool_result import ToolResult
from ollama_rx.conversation.tool_runner import ToolRunner
from ollama_rx.errors import ToolRoundsError
from ollama_rx.rx.backpressure import pausable
from ollama_rx.rx.event_loops import user_loop
from ollama_rx.rx.operator import ChainedObservable
from ollama_rx.rx.serial_source import SerialSource
from ollama_rx.rx.subscriber import ChainObserver
from ollama_rx.rx.subscription import ChainSubscription

Item = Chunk | ToolResult


@dataclass(frozen=True, slots=True)
class TurnPlan:
    """What a turn is made of."""

    history: History
    user: Message
    trim: Callable[[Sequence[Message]], Sequence[Message]]
    """Returns what of the messages is sent."""
    ask: Callable[[Sequence[Message]], Observable[Chunk]]
    """Returns the request for the next answer."""
    tokens: TokenCount
    tokens_limit: TokensLimit
    tools: ToolRunner
    max_rounds: int
    with_results: bool
    """Whether the subscriber receives the `ToolResult` items too."""


class TurnStream(ChainedObservable[Item]):
    """Begins a turn with each subscription."""

    def __init__(self, plan: TurnPlan) -> None:
        super().__init__()
        self.item_type = None if plan.with_results else Chunk
        self._plan = plan

    def subscribe_chained(self, observer: ChainObserver[Item], subscription: ChainSubscription) -> None:
        """Begin the turn; RuntimeError if another one runs."""
        _Turn(self._plan, observer, subscription).begin()


class _Turn:
    """A turn that runs. Each event is recorded before the subscriber receives it."""

    def __init__(
        self, plan: TurnPlan, observer: ChainObserver[Item], subscription: ChainSubscription
    ) -> None:
        self._plan = plan
        self._lock = plan.history.lock
        self._observer = observer
        self._forward = observer.on_next
        self._subscription = subscription
        self._loop = _loop_of(subscription.scheduler)
        self._is_answering = True  # False while tools run
        self._is_first = True  # no chunk has arrived
        self._rounds = 0  # of tool calls, so far
        self._separator: Chunk | None = None  # between the text so far and that of the next answer
        self._sources = SerialSource[Any](subscription, self._on_next, subscription.fail, self._on_completed)

    def begin(self) -> None:
        """Claim the history, and ask for the first answer."""
        history, subscription, observer = self._plan.history, self._subscription, self._observer
        subscription.set_terminal_handlers(observer.on_error, observer.on_completed)
        self._record = history.begin(self._plan.user, self._stop)
        subscription.set_terminal_handlers(self._failed, self._completed)
        subscription.add_teardown(self._end)
        self._sources.follow_with(self._request())

    def _failed(self, error: Exception) -> None:
        self._end()
        self._observer.on_error(error)

    def _completed(self) -> None:
        self._end()
        self._observer.on_completed()

    def _end(self) -> None:
        """Keep what was recorded in the history: before the subscriber learns that the turn is over."""
        self._plan.history.end(self._record)

    def _on_next(self, item: Item) -> None:
        with self._lock:
            if self._record.has_ended:
                return  # what was heard is in the history already
            if isinstance(item, ToolResult):
                self._record.add_result(item)
            else:
                self._record.add_chunk(item)
        if self._separator is not None and isinstance(item, Chunk) and item.text:
            separator, self._separator = self._separator, None
            self._forward(separator)
        if self._is_answering or self._plan.with_results:
            self._forward(item)
        if self._is_first and isinstance(item, Chunk):
            self._is_first = False
            # The model is in memory now, and the chunk is on its way already.
            self._subscription.add_teardown(self._plan.tokens_limit.ask(item.model).dispose)

    def _on_completed(self) -> None:
        try:
            following = self._following()
        except Exception as error:  # noqa: BLE001 - a stream turns it into on_error
            self._subscription.fail(error)
            return
        if following is None:
            self._subscription.complete()
        else:
            self._sources.follow_with(following)

    def _following(self) -> Observable[Any] | None:
        """Return what follows the answer, or the tools, that have just ended; None at the end of the turn."""
        if not self._is_answering:
            return self._request()
        calls = self._end_answer()
        if not calls:
            return None
        if self._rounds == self._plan.max_rounds:
            raise ToolRoundsError(self._rounds)
        self._rounds += 1
        self._is_answering = False
        return self._plan.tools.run(calls)

    def _request(self) -> Observable[Chunk]:
        self._is_answering = True
        self._sent = self._plan.trim(self._record.request)
        return self._plan.ask(self._sent)

    def _end_answer(self) -> Sequence[ToolCall]:
        """Record that an answer is complete, and return its calls."""
        with self._lock:
            if self._record.has_ended:
                return ()
            answer = self._record.end_answer()
            self._plan.tokens.add(self._sent, answer.metrics, first_round=self._rounds == 0)
        if answer.text and not answer.text.endswith("\n"):
            self._separator = _blank_line(answer.model)
        return answer.tool_calls

    def _stop(self) -> None:
        """Close the request and complete, soon: the subscriber may be in the middle of an item."""
        self._sources.close()
        if self._loop is None:
            run = copy_context().run
            arguments = (self._subscription.complete,)
            threading.Thread(target=run, args=arguments, name="ollama-rx-heard", daemon=True).start()
        else:
            with suppress(RuntimeError):  # the loop is closed, and its streams have ended with it
                self._loop.call_soon_threadsafe(self._subscription.complete)


def _blank_line(model: str) -> Chunk:
    """Return a chunk that keeps the texts of two answers apart, for whoever prints or speaks them."""
    return Chunk({"model": model, "message": {"role": "assistant", "content": "\n\n"}, "done": False})


def _loop_of(scheduler: abc.SchedulerBase | None) -> asyncio.AbstractEventLoop | None:
    """Return the event loop on which the subscriber receives its events, unless that is an internal one."""
    return pausable(scheduler).loop if isinstance(scheduler, AsyncIOScheduler) else user_loop()
