"""An answer that a voice says, until a key is pressed."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from threading import Event, Thread

from ollama_rx.cli.ask.choose_voice import open_output
from ollama_rx.cli.ask.question import AnswerStream
from ollama_rx.cli.ask.spoken_answer import make_voice, speak_answer
from ollama_rx.cli.chat.answer_output import AnswerOutput, TurnTerminal, whole_text
from ollama_rx.cli.chat.held_keys import HeldKeys
from ollama_rx.speech import Speech, SpeechEngine


class VoicedAnswer(AnswerOutput):
    """Speaks an answer and prints it while it is said; the first key that is typed silences the voice."""

    given = "heard"

    def __init__(self, engine: SpeechEngine) -> None:
        self._engine = engine
        self._voice: Speech | None = None
        self.was_stopped = False

    @property
    def text(self) -> str:
        """What was heard."""
        return "" if self._voice is None else self._voice.interrupt()

    def give(self, answer: AnswerStream, terminal: TurnTerminal) -> None:
        """Speak the answer."""
        with open_output(None, terminal.status.echo) as output:
            voice = self._voice = make_voice(self._engine, output)
            with self._silenced_by(terminal.keys, voice):
                speak_answer(
                    answer,
                    whole_text(),
                    voice,
                    interrupt=terminal.interrupt,
                    file=sys.stdout,
                    status=terminal.status,
                )

    @contextmanager
    def _silenced_by(self, keys: HeldKeys, voice: Speech) -> Generator[None]:
        ended = Event()

        def watch() -> None:
            if keys.wait_for_key(ended):
                self.was_stopped = True
                voice.interrupt()

        watching = Thread(target=watch, name="ollama-rx-keys", daemon=True)
        watching.start()
        try:
            yield
        finally:
            ended.set()
            watching.join()
