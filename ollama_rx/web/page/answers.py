"""The answers that are being written: each is requested once, shown to any number of tabs, and saved."""

import asyncio
import logging
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from reactivex import Observable, of

from ollama_rx import operators as op
from ollama_rx.chunks import Chunk, Message
from ollama_rx.client import Client
from ollama_rx.conversation import Conversation
from ollama_rx.errors import OllamaError
from ollama_rx.protocol.json_fields import JsonObject
from ollama_rx.web.page.conversation_store import ConversationStore, StoredMessage, StoredTurn, StoreError
from ollama_rx.web.page.page_events import ShownAnswer, page_events
from ollama_rx.web.replay import Replay
from ollama_rx.web.web_event import WebEvent

_log = logging.getLogger(__name__)

_SAVE_EVERY = 1.0  # seconds
_CLOSING_SECONDS = 0.5  # for the last save
_MOST_EVENTS = 100_000  # a tab that resumes may ask for all of them: an answer of hours
_TAG = "<think>"

SpeakAnswer = Callable[["RunningAnswer", Observable[str]], object]
"""Called with an answer that begins, and its text."""


class AnswerRunsError(OllamaError):
    """A prompt came while an answer was being written."""

    def __init__(self) -> None:
        super().__init__("An answer is being written; stop it first, or wait for its end.")


class TooManyAnswersError(OllamaError):
    """So many answers are being written that another one must wait."""

    retryable = True

    def __init__(self) -> None:
        super().__init__("Too many answers are being written; try again in a moment.")


class RunningAnswer:
    """One turn of a conversation, from its prompt to the last save.

    The page's events come from ``replay``. What they add up to is kept in ``shown``, so that a page that is
    loaded in the middle begins with that, and goes on with the events after it. If nobody reads for ``grace``
    seconds, the model is stopped.
    """

    def __init__(
        self, store: ConversationStore, turn: StoredTurn, talk: Conversation, model: str, grace: float
    ) -> None:
        self.turn = turn
        self.model = model
        self.replay = Replay(max_events=_MOST_EVENTS, grace=None)
        self.shown = ShownAnswer(self.replay.last_id)
        self._store = store
        self._talk = talk
        self._before = len(talk.messages)
        self._grace = grace
        self._readers = 0
        self._leaving: asyncio.TimerHandle | None = None
        self._saving: asyncio.Task[None] | None = None
        self._saved_at = 0.0
        self._has_changed = False  # since the last save began
        self._unheard = ""  # after an interruption of the voice
        self._stats: JsonObject | None = None  # from the end on
        self._task: asyncio.Task[None]  # from `start` on

    @property
    def text(self) -> str:
        """The answer so far, in Markdown."""
        answers = self._talk.messages[self._before + 1 :]
        return "\n\n".join(answer.content for answer in answers if answer.role == "assistant")

    def start(self, events: Observable[WebEvent], on_end: Callable[[], object]) -> None:
        """Request the answer, on the running event loop; ``on_end`` is called after the last save."""
        self._saved_at = time.monotonic()
        self._task = asyncio.create_task(self._run(events, on_end))
        self._wait_for_readers()

    def stop(self) -> None:
        """Close the request; what has arrived is kept."""
        self.replay.stop()

    def note_stats(self, stats: JsonObject) -> None:
        """Take the statistics of the answer, when it has ended; the page's own figures are a little older."""
        self._stats = stats

    async def end(self) -> None:
        """Wait until the answer has ended and is saved."""
        await asyncio.shield(self._task)

    async def heard(self, text: str) -> None:
        """Tell the model only this much of the answer, because the user has interrupted the voice.

        The answer ends. What was not heard is saved beside it: the user may have read it, or want to.
        """
        written = self.text
        self._talk.heard(text)
        kept = self.text
        unheard = written[len(kept) :] if written.startswith(kept) else ""
        self._unheard = unheard if unheard.strip() else ""
        if self._task.done():
            await self._save()
        else:
            await self.end()

    @contextmanager
    def reading(self) -> Generator[None]:
        """Keep the model writing meanwhile."""
        self._readers += 1
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None
        try:
            yield
        finally:
            self._readers -= 1
            self._wait_for_readers()

    def _wait_for_readers(self) -> None:
        if not self._readers and not self.replay.is_over:
            self._leaving = asyncio.get_running_loop().call_later(self._grace, self.stop)

    async def _run(self, events: Observable[WebEvent], on_end: Callable[[], object]) -> None:
        try:
            async with self.replay.join() as reader:
                self.replay.start(events)
                while (new := await reader.read(_SAVE_EVERY)) != ():
                    for logged in new or ():
                        self.shown.add(logged.event, logged.id)
                        self._has_changed = True
                    self._save_now_and_then()
        finally:
            if self._leaving is not None:
                self._leaving.cancel()
            try:
                if self._saving is not None:
                    await self._saving
                await self._save()
            finally:
                on_end()  # before the task is done, so that what waits for that finds it gone

    def _save_now_and_then(self) -> None:
        now = time.monotonic()
        is_due = self._has_changed and now - self._saved_at >= _SAVE_EVERY
        if is_due and (self._saving is None or self._saving.done()):
            self._saved_at = now
            self._has_changed = False
            self._saving = asyncio.create_task(self._save())

    async def _save(self) -> None:
        turn = self._talk.messages[self._before + 1 :]
        try:
            is_current = await asyncio.to_thread(
                self._save_blocking, turn, self._stats or self.shown.stats, self.shown.error
            )
        except StoreError as error:
            _log.warning("an answer cannot be saved: %s", error)
            return
        if not is_current:  # the conversation was deleted or goes on elsewhere
            self.stop()

    def _save_blocking(self, turn: Sequence[Message], stats: JsonObject | None, error: str | None) -> bool:
        *earlier, last = [_without_tags(message) for message in turn] or [Message("assistant", cut=True)]
        if last.role != "assistant":
            earlier, last = [*earlier, last], Message("assistant", cut=True)
        messages = [StoredMessage(message, self.model) for message in earlier]
        if turn or error:
            messages.append(StoredMessage(last, self.model, stats, error, self._unheard))
        return self._store.save_turn(self.turn, messages)


class Answers:
    """The answers that are being written, at most one for each conversation.

    Args:
        store: keeps the conversations.
        client: asks the models.
        system: the system message of all conversations.
        grace: seconds without a reader after which a model is stopped.
        most: how many answers may be written at the same time.
    """

    def __init__(
        self,
        store: ConversationStore,
        client: Client,
        *,
        system: str | None = None,
        grace: float = 120.0,
        most: int = 32,
    ) -> None:
        self._store = store
        self._client = client
        self._system = system
        self._grace = grace
        self._most = most
        self._running: dict[str, RunningAnswer] = {}
        self._beginning = asyncio.Lock()
        self._is_closed = False
        self._voices: dict[str, list[SpeakAnswer]] = {}

    def get(self, conversation: str) -> RunningAnswer | None:
        """Return the answer that is being written in a conversation, if there is one."""
        return self._running.get(conversation)

    async def begin(
        self,
        conversation: str,
        user: Message,
        *,
        position: int,
        model: str,
        think: bool = False,
        version: str | None = None,
    ) -> StoredTurn:
        """Put the user's message into a conversation and request the answer; see `begin_turn` of the store.

        Raises:
            AnswerRunsError: one is being written in this conversation.
            TooManyAnswersError: too many are being written.
            UnknownConversationError, ChangedElsewhereError, StoreError: as from the store.
        """
        async with self._beginning:
            earlier = self._running.get(conversation)
            if earlier is not None and not earlier.replay.is_over:
                raise AnswerRunsError
            if earlier is not None:
                await earlier.end()  # it is being saved
            if self._is_closed or len(self._running) >= self._most:
                raise TooManyAnswersError
            turn = await asyncio.to_thread(
                self._store.begin_turn, conversation, user, position=position, model=model, version=version
            )
            self._start(turn, user, model, think=think)
            return turn

    def _start(self, turn: StoredTurn, user: Message, model: str, *, think: bool) -> None:
        talk = Conversation(self._client, model=model, system=self._system, messages=_history(turn.before))
        answer = RunningAnswer(self._store, turn, talk, model, self._grace)
        chunks = talk.say(user.content, images=user.images or None, think=think)
        listeners = [partial(speak, answer) for speak in self._voices.get(turn.conversation, ())]
        self._running[turn.conversation] = answer
        events = page_events(chunks, listeners, answer.note_stats)
        answer.start(events, lambda: self._running.pop(turn.conversation))

    async def stop(self, conversation: str) -> None:
        """Stop the answer of a conversation if there is one, and wait until what has arrived is saved."""
        if answer := self._running.get(conversation):
            answer.stop()
            await answer.end()

    @contextmanager
    def speaking(self, conversation: str, speak: SpeakAnswer) -> Generator[None]:
        """Let a voice speak the answers that begin in a conversation meanwhile."""
        voices = self._voices.setdefault(conversation, [])
        voices.append(speak)
        try:
            yield
        finally:
            voices.remove(speak)
            if not voices:
                self._voices.pop(conversation, None)

    async def close(self) -> None:
        """Stop all answers, wait until they are saved, and begin no more.

        If another process holds the file of conversations, they are not saved: a server has to end soon.
        """
        self._is_closed = True
        ends = [asyncio.create_task(answer.end()) for answer in self._running.values()]
        for answer in tuple(self._running.values()):
            answer.stop()
        if ends and (await asyncio.wait(ends, timeout=_CLOSING_SECONDS))[1]:
            self._store.hurry()
        await asyncio.gather(*ends)


def _history(stored: Iterable[StoredMessage]) -> list[Message]:
    """Return what the model is told; an answer that failed before it began is left out."""
    return [one.message for one in stored if one.error is None or one.message.content]


def _without_tags(message: Message) -> Message:
    """Move thinking that the model has written into the text, between tags, to where it belongs."""
    if message.role != "assistant" or _TAG not in message.content:
        return message
    pieces: list[Chunk] = []
    of(Chunk({"response": message.content, "done": True})).pipe(op.split_thinking()).subscribe(pieces.append)
    thinking = message.thinking + "".join(piece.thinking for piece in pieces)
    return replace(message, content="".join(piece.text for piece in pieces), thinking=thinking)
