"""How long after an interruption the voice is silent, at random moments; prints JSON.

``python -m benchmarks.speech.interruptions COUNT [busy]``; "busy" lets the embedded model compute meanwhile.
"""

import json
import random
import sys
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from statistics import median
from threading import Event, Thread
from time import monotonic, sleep

from reactivex import from_iterable

from benchmarks.speech.percentile import percentile
from benchmarks.speech.spoken_sentences import SENTENCES
from benchmarks.speech.stamped_parts import Recorder, StampedModel
from ollama_rx import deliver
from ollama_rx.speech import Hibari, Pacer, Speech

SECONDS = 30.0
LATEST = 1.5  # seconds after the first audio
AFTERWARDS = 0.03  # seconds in which nothing more may come


def measure(count: int, *, busy: bool) -> dict[str, float]:
    """Begin to speak, interrupt at a random moment, and look when the output got its last block and stop."""
    rng = random.Random(count)
    recorder = Recorder()
    voice = Speech(Hibari(), Pacer(recorder))
    voice.load()
    silent: list[float] = []
    returned: list[float] = []
    with ExitStack() as stack:
        if busy:
            stack.enter_context(_computing())
        for _ in range(count):
            recorder.reset()
            delivery = deliver(from_iterable(rng.sample(SENTENCES, 4)), voice)
            if not recorder.has_begun.wait(SECONDS):
                raise SystemExit("no audio came")
            sleep(rng.uniform(0, LATEST))
            called = monotonic()
            voice.interrupt()
            returned.append(monotonic() - called)
            sleep(AFTERWARDS)
            delivery.wait(SECONDS)
            silent.append(silent_after(called, [came for came, _ in recorder.blocks], recorder.stops))
    return {
        "p50 ms": median(silent) * 1e3,
        "p99 ms": percentile(silent, 99) * 1e3,
        "most ms": max(silent) * 1e3,
        "returned p99 ms": percentile(returned, 99) * 1e3,
        "moments": count,
    }


def silent_after(called: float, blocks: Sequence[float], stops: Sequence[float]) -> float:
    """Return how long after a call there was sound: until the stop that dropped the last block.

    All are moments: of the call, and of the blocks and stops that the output got.
    """
    last = max(called, blocks[-1])
    dropped = next((stop for stop in stops if stop >= last), None)
    if dropped is None:
        raise SystemExit("a block came after the last stop")
    return dropped - called


@contextmanager
def _computing() -> Generator[None]:
    """Let the model answer one question after the other."""
    model, ended = StampedModel(), Event()

    def ask() -> None:
        while not ended.is_set():
            model.client.generate("Tell me a story.", options={"num_predict": 60}).run()

    thread = Thread(target=ask, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(SECONDS)


def main() -> None:
    """Measure once."""
    count, *kind = sys.argv[1:]
    print(json.dumps(measure(int(count), busy=kind == ["busy"])))


if __name__ == "__main__":
    main()
