"""Whether the voice pauses between two sentences of the model while it could go on; prints JSON.

``python -m benchmarks.speech.gaps [TOKENS]``
"""

import json
import sys
from collections.abc import Iterable

from reactivex import operators as ops

from benchmarks.speech.stamped_parts import Recorder, StampedHibari, StampedModel
from ollama_rx import deliver
from ollama_rx import operators as op
from ollama_rx.speech import Pacer, Speech

SECONDS = 600.0
PROMPT = "Tell me a long story about a dog."


def silent_seconds(blocks: Iterable[tuple[float, float]]) -> float:
    """Return how long a listener had nothing to hear, after the first of these blocks.

    A block is when it came, and its seconds; a listener hears it at once or after the one before.

    >>> silent_seconds([(0.0, 1.0), (0.5, 1.0), (2.5, 1.0)])
    0.5
    """
    silent = 0.0
    end: float | None = None
    for came, seconds in blocks:
        if end is not None:
            silent += max(0.0, came - end)
        end = max(came, end or came) + seconds
    return silent


def measure(tokens: int) -> dict[str, float]:
    """Let a voice say an answer in real time."""
    model, recorder = StampedModel(), Recorder()
    voice = Speech(StampedHibari(), Pacer(recorder))
    voice.load()
    sentences: list[str] = []
    answer = model.client.generate(PROMPT, options={"seed": 3, "num_predict": tokens})
    split = op.split_sentences(first_fragment=True)
    deliver(answer, voice.after(op.text(), split, ops.do_action(sentences.append))).wait(SECONDS)
    stats = voice.stats
    assert stats is not None
    return {
        "late ms": stats.late * 1e3,
        "silent ms": silent_seconds(recorder.blocks) * 1e3,
        "sentences": len(sentences),
        "audio s": stats.audio,
        "synthesis / audio": stats.real_time_factor or 0.0,
    }


def main() -> None:
    """Measure once."""
    print(json.dumps(measure(int(sys.argv[1]))))


if __name__ == "__main__":
    main()
