"""One request of a benchmark: its answer, measured."""

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from reactivex import Observable, abc, defer

from ollama_rx import Chunk
from ollama_rx import operators as op
from ollama_rx.errors import OllamaError
from ollama_rx.rx import Emitter, through
from ollama_rx.stats import Stats


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestResult:
    """What was measured of one request; times in seconds."""

    request: int
    """Which request of its level it is, from 0."""
    started: float
    """When it was sent, by a clock that all requests share."""
    first_token: float | None
    """From then to the first chunk with text or thinking; None if none has come."""
    first_text: float | None
    """The same for the first chunk with text."""
    token_gaps: Sequence[float]
    """The times between two chunks with text or thinking."""
    has_thinking: bool
    stats: Stats
    error: OllamaError | None = None
    """Why the request failed; None if the answer is complete."""

    @property
    def ended(self) -> float:
        """When it was over, by the clock of ``started``."""
        return self.started + self.stats.duration

    @property
    def tokens(self) -> int:
        """How many tokens were generated: as the server counts, else one for each chunk that has some."""
        counted = self.stats.metrics.eval_count if self.stats.metrics else None
        return counted or (len(self.token_gaps) + (self.first_token is not None))

    @property
    def time_per_token(self) -> float | None:
        """The mean time of a token after the first one (TPOT)."""
        if self.tokens < 2 or not self.token_gaps:  # noqa: PLR2004 - the first one and another
            return None
        return sum(self.token_gaps) / (self.tokens - 1)

    @property
    def tokens_per_second(self) -> float | None:
        """The tokens through the whole time of the request."""
        return self.tokens / self.stats.duration if self.stats.duration else None


def measure_request(
    request: int, *, on_begin: Callable[[], object], on_token: Callable[[], object]
) -> Callable[[Observable[Chunk]], Observable[RequestResult]]:
    """Emit one result for an answer, also for one that fails.

    ::

        chunks  --a-b-|      --a-#
        result  ------(x|)   ----(x|)   the second x has an error

    ``on_begin`` is called when the request is sent, ``on_token`` for each chunk with text or thinking. Errors
    that are not of this package are defects, and remain errors of the stream.
    """

    def operator(chunks: Observable[Chunk]) -> Observable[RequestResult]:
        def subscribed(_: abc.SchedulerBase) -> Observable[RequestResult]:
            stats: list[Stats] = []

            def machine(out: Emitter[RequestResult]) -> _Measurement:
                on_begin()
                return _Measurement(out, request, stats, on_token)

            return chunks.pipe(op.gather_stats(stats.append), through(machine))

        return defer(subscribed)

    return operator


class _Measurement:
    def __init__(
        self, out: Emitter[RequestResult], request: int, stats: list[Stats], on_token: Callable[[], object]
    ) -> None:
        self._out = out
        self._request = request
        self._stats = stats
        self._on_token = on_token
        self._started = out.now()
        self._times = array("d")
        self._first_text: float | None = None
        self._has_thinking = False

    def feed(self, chunk: Chunk, /) -> None:
        text, thinking = chunk.text, chunk.thinking
        if text or thinking:
            now = self._out.now()
            self._times.append(now)
            if text and self._first_text is None:
                self._first_text = now - self._started
            self._has_thinking = self._has_thinking or bool(thinking)
            self._on_token()

    def flush(self) -> None:
        self._emit(None)

    def fail(self, error: Exception) -> None:
        if isinstance(error, OllamaError):
            self._emit(error)
            self._out.complete()

    def _emit(self, error: OllamaError | None) -> None:
        self._out.emit(
            RequestResult(
                request=self._request,
                started=self._started,
                first_token=self._times[0] - self._started if self._times else None,
                first_text=self._first_text,
                token_gaps=array("d", (later - earlier for earlier, later in pairwise(self._times))),
                has_thinking=self._has_thinking,
                stats=self._stats[-1],
                error=error,
            )
        )
