"""A voice: a sink that speaks sentences and can be interrupted."""

from collections.abc import Mapping, Sequence
from threading import Lock, current_thread
from typing import Literal, Self

from reactivex import Observable

from ollama_rx.arguments import (
    check_flag,
    check_instance,
    check_seconds,
    check_whole,
)
from ollama_rx.operators import speakable
from ollama_rx.operators._voice_tags import checked_tag_names
from ollama_rx.sinks import Sink
from ollama_rx.speech.audio import Word
from ollama_rx.speech.engines._speech_engine import SpeechEngine
from ollama_rx.speech.engines.hibari import Hibari
from ollama_rx.speech.events import SpeechEvent, SpeechEvents
from ollama_rx.speech.outputs.loudspeaker import Loudspeaker
from ollama_rx.speech.outputs.output_for import Target, output_for
from ollama_rx.speech.speech_run import SpeechRun, SpeechSettings, speech_error
from ollama_rx.speech.speech_stats import SpeechStats

_CLOSING_SECONDS = 5.0  # how long a delivery waits for the one before, which was interrupted


class Speech(Sink[str]):
    """Speaks sentences; while one is played, the next is synthesised.

    ::

        voice = Speech()  # hibari, an English voice, on the loudspeaker
        answer = client.generate("Tell me a story.")
        deliver(answer, Console(), voice.after(op.text(), op.split_sentences(first_fragment=True))).wait()

    Takes whole sentences, with their Markdown: it makes them speakable itself (see `speakable`), and so knows
    both what was written and what was said. A sentence of which nothing is said, such as code, is skipped.

    When ``ahead`` sentences wait, the model is paused. The delivery ends when everything was heard. If the
    stream fails, the sentences that have arrived are still said. If the engine or the output fails, this sink
    fails with a `SpeechError`; with ``deliver(..., on_sink_error="continue")`` the other sinks go on. A voice
    may serve any number of deliveries, one after the other; its engine is loaded once.

    Args:
        engine: what turns text into audio; by default `Hibari`, an English voice.
        output: where the audio goes: the path of a WAV file, a binary file that takes raw samples, a function
            that is called with them, any `SpeechOutput`; by default the `Loudspeaker`.
        code: what to say in place of a block of code, as in `speakable`.
        urls: what to say of an address, as in `speakable`.
        pronounce: what to say instead of words, such as ``{"SQL": "sequel"}``, as in `speakable`.
        tags: names of tags of a voice's markup, such as ("spell", "break"), which the model was told to use.
            Those that the engine knows are handed to it, the others are left out. Give the same to
            `split_sentences`.
        ahead: how many sentences may wait before the model is paused, besides those that are being played
            and synthesised; about three seconds of audio are synthesised in advance.
        pause: seconds of silence after a sentence, less after a clause; silence before them is removed. None
            leaves the silence that the engine gives.
        timeout: seconds without audio after which an engine has failed; None sets no limit.

    Raises:
        ImportError: the engine, the output or `speakable` needs an extra that is not installed; the message
            has the command.
    """

    blocking = True
    takes_sentences = True
    max_waiting = 1  # sentences wait in the voice itself, which can drop them

    def __init__(
        self,
        engine: SpeechEngine | None = None,
        output: Target | None = None,
        *,
        code: str | None = None,
        urls: Literal["host", "skip", "full"] = "host",
        pronounce: Mapping[str, str] | None = None,
        tags: Sequence[str] = (),
        ahead: int = 2,
        pause: float | None = 0.4,
        timeout: float | None = 60.0,
    ) -> None:
        if engine is not None:
            check_instance("engine", engine, SpeechEngine)
        check_whole("ahead", ahead, least=1)
        if pause is not None:
            check_seconds("pause", pause, zero=True)
        if timeout is not None:
            check_seconds("timeout", timeout)
        tags = checked_tag_names("tags", tags)
        engine = engine or Hibari()
        known = tuple(tag for tag in tags if tag in engine.tags)
        unknown = tuple(tag for tag in tags if tag not in engine.tags)
        self._settings = SpeechSettings(
            engine=engine,
            output=Loudspeaker() if output is None else output_for(output),
            speak=speakable(code=code, urls=urls, pronounce=pronounce, tags=known, drop_tags=unknown),
            tags=known,
            max_sentences=ahead,
            pause=pause,
            timeout=timeout,
        )
        self._events = SpeechEvents()
        self._opening = Lock()
        self._run: SpeechRun | None = None

    @classmethod
    def from_uri(cls, argument: str) -> Self:
        """Return the voice for ``speech:answer.wav``, a WAV file, or ``speech``, the loudspeaker.

        Raises:
            OSError: the file cannot be written, or there is no loudspeaker.
        """
        unavailable = None if argument else Loudspeaker.unavailable()
        if unavailable:  # the model need not be asked
            raise OSError(f"{unavailable}; speech:answer.wav writes a file instead")
        return cls(output=argument or None)

    @property
    def events(self) -> Observable[SpeechEvent]:
        """What happens, for all deliveries; never completes.

        Subscribers are called on a thread of their own, when what an event tells of is heard.
        """
        return self._events.events

    @property
    def words(self) -> Observable[Word]:
        """Each word when it is said, if the engine tells when; in seconds of the delivery's audio."""
        return self._events.words

    @property
    def stats(self) -> SpeechStats | None:
        """The figures of the delivery that runs, or of the last one; None before the first."""
        return None if self._run is None else self._run.stats

    def load(self) -> None:
        """Load the engine now, and not with the first delivery; wait while another voice uses it.

        Raises:
            SpeechError: the engine has failed.
        """
        engine = self._settings.engine
        with engine.in_use:
            try:
                engine.load()
            except Exception as error:
                raise speech_error(engine, error) from error

    def interrupt(self, played: float | None = None, *, resume: bool = False) -> str:
        """Be silent within 50 ms, drop what waits, and return what was heard; from any thread.

        The text is as it was written: whole sentences, and of the last one whole words. It is what
        `Conversation.heard` takes. Where the engine tells when each word is said, it is right to the word;
        else it is estimated from the share of the characters. After the end of a delivery this returns what
        was heard in it.

        Args:
            played: seconds of audio since the delivery began that the listener has really heard, if the audio
                goes elsewhere, such as to a browser; by default what the output has played.
            resume: go on with the next sentence, as after a false alarm: only the rest of the one that is
                being said is dropped. By default the delivery is cancelled, and so is the request.
        """
        if played is not None:
            check_seconds("played", played, zero=True)
        check_flag("resume", resume)
        run = self._run
        opened_for = None if run is None else run.cancel_delivery  # read first: `close` forgets it last
        next_one = self.cancel_delivery
        if next_one is not None and next_one != opened_for and (run is None or run.is_over):
            if not resume:
                next_one()  # a delivery whose thread has not opened this voice yet
            return ""
        return "" if run is None else run.interrupt(played, resume=resume)

    def open(self) -> None:
        """Start the threads, and load the engine while the model answers.

        Raises:
            RuntimeError: the voice still speaks.
            SpeechError: the engine or the output still hangs in the delivery before.
        """
        with self._opening:
            previous = self._run
            if previous is not None:
                if not previous.is_over:
                    raise RuntimeError("this voice still speaks; wait for its delivery, or interrupt it")
                previous.wait_until_ended(_CLOSING_SECONDS)
            self._run = SpeechRun(self._settings, self._events, self.cancel_delivery)
        self._run.start()

    def on_next(self, value: str) -> None:
        """Queue a sentence."""
        self._opened_run().say(value)

    def on_completed(self) -> None:
        """Wait until everything was heard."""
        self._opened_run().finish()

    def on_error(self, error: Exception) -> None:  # noqa: ARG002 - `deliver` reports it
        """Wait until the sentences that have arrived were heard."""
        self._opened_run().finish()

    def close(self) -> None:
        """End the delivery's threads."""
        run = self._run
        if run is not None and run.thread is current_thread():  # not of a delivery that was refused
            if self.cancel_delivery == run.cancel_delivery:  # else it is that of the next delivery
                self.cancel_delivery = None
            run.close()

    def _opened_run(self) -> SpeechRun:
        run = self._run
        if run is None or run.thread is not current_thread():
            raise RuntimeError("a voice speaks what `deliver` gives it: deliver(stream, voice)")
        return run
