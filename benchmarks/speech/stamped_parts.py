"""Parts of a voice that note when something happens, on the clock of `time.monotonic`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import wraps
from pathlib import Path
from threading import Event, Lock
from time import monotonic
from typing import Any, ParamSpec, TypeVar

from ollama_rx import Client
from ollama_rx.embedded import embedded, find_weights
from ollama_rx.embedded.engine import Engine, EngineEvent
from ollama_rx.embedded.model_cache import acquire_model
from ollama_rx.speech import Audio, Hibari, SpeechOutput
from ollama_rx.speech.audio import BYTES_PER_SAMPLE

P = ParamSpec("P")
T = TypeVar("T")


class StampedModel:
    """The embedded model: when it was first asked, and when it gave each piece of text."""

    def __init__(self) -> None:
        self.began: float | None = None
        self._pieces: list[tuple[float, int]] = []  # when, and how many characters there were then
        self.computes = Lock()
        """Held while an answer is computed."""
        weights = find_weights()
        if weights is None:
            raise SystemExit("no weights: run `ollama-rx embedded`")
        shared: Any = acquire_model(weights)  # by all transports
        shared._load = self._load  # noqa: SLF001 - there is no public way
        self.client = Client(transport=embedded())

    def reset(self) -> None:
        """Forget everything, after the end of an answer that was cancelled."""
        with self.computes:
            self.began = None
            self._pieces.clear()

    def begin(self) -> None:
        """Note the first call of a request."""
        if self.began is None:
            self.began = monotonic()

    def note(self, event: EngineEvent) -> None:
        """Note a piece of text."""
        choices: Any = event.get("choices")
        if choices and choices[0]["text"]:
            before = self._pieces[-1][1] if self._pieces else 0
            self._pieces.append((monotonic(), before + len(choices[0]["text"])))

    def when(self, characters: int) -> float:
        """Return when the model had given so many characters."""
        return next(when for when, count in self._pieces if count >= characters)

    def _load(self, path: Path) -> Engine:
        return _StampedEngine(path, self)


class _StampedEngine(Engine):
    def __init__(self, path: Path, stamps: StampedModel) -> None:
        self._stamps = stamps
        super().__init__(path)

    def render(self, messages: Sequence[Mapping[str, object]]) -> str:
        self._stamps.begin()
        return super().render(messages)

    def complete(self, request: Mapping[str, object], on_event: Callable[[EngineEvent], bool]) -> None:
        def noted(event: EngineEvent) -> bool:
            self._stamps.note(event)
            return on_event(event)

        self._stamps.begin()
        with self._stamps.computes:
            super().complete(request, noted)


class StampedHibari(Hibari):
    """hibari: when the first text came, when its first audio was there, and how long hibari itself took."""

    def __init__(self) -> None:
        super().__init__()
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self.began: float | None = None
        self.first_audio: Audio | None = None
        self.ended = 0.0
        self.own_seconds = 0.0
        """hibari's own time for the first audio, without ours for the times of words."""
        self._text = ""

    def load(self) -> None:
        """Load the voice, and measure hibari's functions from now on."""
        super().load()
        hibari: Any = self._voice._hibari  # type: ignore[union-attr]  # noqa: SLF001 - what is ours, and what its
        if not hasattr(hibari.phonemize, "__wrapped__"):
            hibari.phonemize = self._timed(hibari.phonemize, lambda text: text == self._text)
            hibari.from_phonemes = self._timed(hibari.from_phonemes, lambda _: True)

    def synthesize(self, text: str, /) -> Iterator[Audio]:
        """Synthesise a text."""
        if self.began is None:
            self.began = monotonic()
            self._text = text
        for audio in super().synthesize(text):
            if self.first_audio is None:
                self.ended = monotonic()
                self.first_audio = audio
            yield audio

    def _timed(self, function: Callable[P, T], counts: Callable[[str], bool]) -> Callable[P, T]:
        """Measure the calls until the first audio that count; others are for the times of words."""

        @wraps(function)
        def timed(*arguments: P.args, **named: P.kwargs) -> T:
            began = monotonic()
            try:
                return function(*arguments, **named)
            finally:
                if self.first_audio is None and counts(str(arguments[0])):
                    self.own_seconds += monotonic() - began

        return timed


class Recorder(SpeechOutput):
    """An output that takes everything at once, and notes what and when."""

    def __init__(self) -> None:
        self.has_begun = Event()
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self.blocks: list[tuple[float, float]] = []
        """When each block came, and its seconds."""
        self.stops: list[float] = []
        self.pcm = bytearray()
        self._rate = 0
        self.has_begun.clear()

    def start(self, rate: int) -> None:
        """Note the rate."""
        self._rate = rate

    def write(self, pcm: bytes, /) -> None:
        """Note a block."""
        self.blocks.append((monotonic(), len(pcm) / BYTES_PER_SAMPLE / self._rate))
        self.pcm += pcm
        self.has_begun.set()

    def stop(self) -> None:
        """Note that what was not heard yet is dropped."""
        self.stops.append(monotonic())
