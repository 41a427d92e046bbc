"""The events of a voice reach their subscribers on a thread that ends by itself."""

import threading

import pytest

from ollama_rx.speech import events
from ollama_rx.speech.audio import Word
from ollama_rx.speech.events import SpeechEvents

pytestmark = pytest.mark.usefixtures("no_thread_left")


def test_a_word_that_comes_after_the_end_of_a_delivery_leaves_no_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(events, "_IDLE_SECONDS", 0.01)
    voice = SpeechEvents()
    heard = threading.Semaphore(0)
    threads: list[threading.Thread] = []

    def hear(_: Word) -> None:
        threads.append(threading.current_thread())
        heard.release()

    voice.words.subscribe(hear)
    voice.emit_word(Word("one", 0.0, 0.1))
    assert heard.acquire(timeout=10)
    voice.flush()
    for _ in range(2):  # its thread has ended, so the next word needs another one
        voice.emit_word(Word("late", 0.1, 0.2))
        assert heard.acquire(timeout=10)
        threads[-1].join(10)
        assert not threads[-1].is_alive()
    assert len(threads) == len(set(threads)) == 3
