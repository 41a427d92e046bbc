"""A process that has loaded nothing: how long until the first audio, or until one of its parts; prints JSON.

``python -m benchmarks.speech.cold_start both|model|voice``

The clock starts when ollama_rx is imported, which takes the same time for all. The processor time is that of
all threads.
"""

import json
import sys
from threading import Event
from time import monotonic, process_time

from benchmarks.speech.stamped_parts import Recorder
from ollama_rx import Client, deliver
from ollama_rx import operators as op
from ollama_rx.embedded import embedded
from ollama_rx.speech import Hibari, Pacer, Speech

SECONDS = 60.0
PROMPT = "Tell me a story about a dog."
OPTIONS = {"seed": 1, "temperature": 0, "num_predict": 60}
SENTENCE = "Once upon a time, in a small village nestled in the mountains,"


def both() -> None:
    """Ask the model and let a voice say the answer, until the output gets the first audio."""
    recorder = Recorder()
    voice = Speech(Hibari(), Pacer(recorder))
    with Client(transport=embedded()) as client:
        answer = client.generate(PROMPT, options=OPTIONS)
        delivery = deliver(answer, voice.after(op.text(), op.split_sentences(first_fragment=True)))
        _wait(recorder.has_begun)
        _report()
        voice.interrupt()
        delivery.wait(SECONDS)


def model() -> None:
    """Ask the model, until the first sentence is certain."""
    has_come = Event()
    with Client(transport=embedded()) as client:
        answer = client.generate(PROMPT, options=OPTIONS)
        sentences = answer.pipe(op.text(), op.split_sentences(first_fragment=True))
        subscription = sentences.subscribe(lambda _: has_come.set())
        _wait(has_come)
        _report()
        subscription.dispose()


def voice() -> None:
    """Load hibari, and synthesise a sentence."""
    engine = Hibari()
    engine.load()
    next(iter(engine.synthesize(SENTENCE)))
    _report()


def _wait(event: Event) -> None:
    if not event.wait(SECONDS):
        raise SystemExit("nothing came")


def _report() -> None:
    figures = {"ms": (monotonic() - BEGAN) * 1e3, "cpu ms": (process_time() - CPU_BEGAN) * 1e3}
    print(json.dumps(figures), flush=True)


BEGAN, CPU_BEGAN = monotonic(), process_time()

if __name__ == "__main__":
    {"both": both, "model": model, "voice": voice}[sys.argv[1]]()
