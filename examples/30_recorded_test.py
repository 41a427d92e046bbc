"""A test with a recorded answer: pytest needs no server; `python 30_recorded_test.py record` records anew."""

import sys
from pathlib import Path

from reactivex import operators as rx

from ollama_rx import Client
from ollama_rx import operators as op
from ollama_rx.testing import record, replay

CASSETTE = Path(__file__).with_suffix(".cassette")


def sentences(client: Client) -> list[str]:
    """Stand for what is tested: a pipeline of yours."""
    answer = client.generate("What is a tree? Answer in two sentences.", options={"temperature": 0})
    return answer.pipe(op.text(), op.split_sentences(), rx.to_list()).run()


def test_an_answer_consists_of_whole_sentences() -> None:
    """Replay the answer without pauses; `speed=1` has those of the model, `speed=20` a twentieth of them."""
    with Client(transport=replay(CASSETTE, speed=None)) as client:
        found = sentences(client)
    assert len(found) > 1
    assert all(sentence.endswith(".") for sentence in found)


if __name__ == "__main__":
    if sys.argv[1:] == ["record"]:
        CASSETTE.unlink(missing_ok=True)
        with Client(model="llama3.2", transport=record(CASSETTE)) as real:
            print(*sentences(real), sep="\n")
    test_an_answer_consists_of_whole_sentences()
    print("passed")
