"""The events of one answer as the page shows it: thinking, blocks as HTML, figures."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from reactivex import Observable, compose, defer, from_iterable, of
from reactivex import operators as rx
from reactivex.scheduler import ImmediateScheduler

from ollama_rx import operators as op
from ollama_rx.blocks import Block
from ollama_rx.chunks import Chunk
from ollama_rx.protocol.json_fields import JsonObject
from ollama_rx.rx import Emitter, through
from ollama_rx.stats import Stats
from ollama_rx.web.page.markdown_html import complete_block_html, markdown_html
from ollama_rx.web.web_event import WebEvent

_DRAW_EVERY = 0.1  # seconds
_FIGURES_EVERY = 0.25  # seconds
_REST = 9  # times as long as drawing took: one long block must not keep the event loop from all else
_QUICK = 0.005  # seconds; drawing that takes less needs no rest


def page_events(
    chunks: Observable[Chunk],
    listeners: Iterable[Callable[[Observable[str]], object]] = (),
    note_stats: Callable[[JsonObject], object] | None = None,
) -> Observable[WebEvent]:
    """Return the events of an answer; the chunks are requested once.

    - "thinking" {text}: a piece of it.
    - "block" {number, html, complete}: a block of the answer, in the place of the one with this number.
    - "figures" {tokens, seconds, time_to_first_text}: four times a second.
    - "stats" {...}: the last event of an answer that is complete.

    Each listener is called with the text when the answer is requested, and subscribes at once. It does not
    matter to the answer when it leaves. ``note_stats`` is called with the statistics however the answer ends,
    also if it is stopped.
    """
    return defer(lambda _: _page_events(chunks, listeners, note_stats))


def _page_events(
    chunks: Observable[Chunk],
    listeners: Iterable[Callable[[Observable[str]], object]],
    note_stats: Callable[[JsonObject], object] | None,
) -> Observable[WebEvent]:
    measured: list[JsonObject] = []

    def note(stats: Stats) -> None:
        measured.append(_stats_json(stats))
        if note_stats is not None:
            note_stats(measured[0])

    def events(shared: Observable[Chunk]) -> Observable[WebEvent]:
        for listen in listeners:
            listen(shared.pipe(op.text()))
        branches = (
            shared.pipe(through(_Figures), op.throttle_latest(_FIGURES_EVERY)),
            shared.pipe(op.thinking(), rx.map(lambda text: WebEvent("thinking", {"text": text}))),
            shared.pipe(op.text(), draw_markdown()),
        )
        # `merge` would subscribe a moment later, when a source that is quick has sent everything already.
        return from_iterable(branches, ImmediateScheduler.singleton()).pipe(rx.merge_all())

    stats = defer(lambda _: of(WebEvent("stats", measured[0])))
    measured_chunks = chunks.pipe(op.gather_stats(note), op.split_thinking())
    return measured_chunks.pipe(rx.publish(events), rx.concat(stats))


def _stats_json(stats: Stats) -> JsonObject:
    metrics = stats.metrics
    counted = None if metrics is None else metrics.eval_count
    return {
        "model": stats.model,
        "ended_by": stats.ended_by,
        "tokens": stats.chunks if counted is None else counted,
        "prompt_tokens": None if metrics is None else metrics.prompt_eval_count,
        "seconds": stats.duration,
        "time_to_first_text": stats.time_to_first_text,
        "tokens_per_second": stats.tokens_per_second,
    }


class _Figures:
    """Counts tokens and measures times; a chunk is about a token."""

    def __init__(self, out: Emitter[WebEvent]) -> None:
        self._emit = out.emit
        self._now = out.now
        self._start = out.now()
        self._tokens = 0
        self._first_text: float | None = None

    def feed(self, chunk: Chunk, /) -> None:
        text = chunk.text
        if not (text or chunk.thinking):
            return
        self._tokens += 1
        seconds = self._now() - self._start
        if text and self._first_text is None:
            self._first_text = seconds
        figures = {"tokens": self._tokens, "seconds": seconds, "time_to_first_text": self._first_text}
        self._emit(WebEvent("figures", figures))


def draw_markdown() -> Callable[[Observable[str]], Observable[WebEvent]]:
    """Turn text into "block" events, as `page_events` does."""
    return compose(op.markdown_blocks(every=_DRAW_EVERY), through(_Drawing))


class _Drawing:
    """Draws blocks; an open one that takes long is drawn less often, the newest state of it."""

    def __init__(self, out: Emitter[WebEvent]) -> None:
        self._emit = out.emit
        self._now = out.now
        self._later = out.later
        self._waiting: Block | None = None  # an open block, while this rests
        self._rests = False

    def feed(self, block: Block, /) -> None:
        if self._rests and not block.complete:
            self._waiting = block
        else:
            self._draw(block)

    def _draw(self, block: Block) -> None:
        self._waiting = None
        start = self._now()
        html = complete_block_html(block.text) if block.complete else markdown_html(block.text)
        seconds = self._now() - start
        self._emit(WebEvent("block", {"number": block.number, "html": html, "complete": block.complete}))
        if seconds > _QUICK and not self._rests:
            self._rests = True
            self._later(seconds * _REST, self._go_on)

    def _go_on(self) -> None:
        self._rests = False
        if self._waiting is not None:
            self._draw(self._waiting)


@dataclass(slots=True)
class ShownAnswer:
    """What a page shows that has received the events so far."""

    after: str
    """The id of the last event."""
    blocks: list[str] = field(default_factory=list[str])
    """HTML."""
    stats: JsonObject | None = None
    """The figures so far, and the statistics at the end."""
    error: str | None = None
    is_stopped: bool = False
    _thinking: list[str] = field(default_factory=list[str])

    @property
    def thinking(self) -> str:
        """The model's thinking."""
        return "".join(self._thinking)

    def add(self, event: WebEvent, id_: str | None) -> None:
        """Show one more event."""
        self.after = self.after if id_ is None else id_
        data = event.data
        if event.type == "thinking":
            self._thinking.append(str(data["text"]))
        elif event.type == "block":
            self.blocks[data["number"] :] = [data["html"]]
        elif event.type in {"figures", "stats"}:
            self.stats = data
        elif event.type == "error":
            self.error = str(data["message"])
        elif event.type == "done":
            self.is_stopped = data["reason"] == "stopped"
