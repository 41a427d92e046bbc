"""No operator does more work for a character because the text is long, whatever the text.

Work is the number of calls, of Python's functions and of C's: the same on every machine, and enough to find a
loop that starts over with each piece. What a single call costs, such as a search that looks at everything
again, is measured by ``python -m benchmarks.growth``, which also hunts for new texts.
"""

import random
import sys
from collections.abc import Sequence
from types import FrameType

import pytest

from benchmarks.growth import CUTS, KNOWN, READERS, Reader, Text, new_text
from ollama_rx import operators

LENGTHS = (700, 2100)  # characters; more than most operators hold back, whose work may change there
BOUND = 4.5  # the work for three times the text, as a multiple; if it were quadratic: 9

_random = random.Random(20)  # noqa: S311 - the same texts each time
TEXTS = [*KNOWN, *(new_text(_random) for _ in range(8))]

# Operators on chunks, those that let items pass unread, and one whose items are each all the text so far.
NOT_READING = {
    "accumulate_text",
    "capture_context",
    "capture_message",
    "gather_stats",
    "map_async",
    "retry_unstarted",
    "text",
    "thinking",
    "tool_calls",
    "whole_answer",
}


def calls(read: Reader, pieces: Sequence[str]) -> int:
    """Count the calls that reading the pieces takes."""
    count = 0

    def note(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        del frame, argument
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        read(pieces)
    finally:
        sys.setprofile(before)
    return count


def growth(read: Reader, cut: str, text: Text) -> float:
    short, long = (CUTS[cut](text.of_length(length)) for length in LENGTHS)
    read(short)  # what is done once per process is not counted
    return calls(read, long) / calls(read, short)


@pytest.mark.parametrize("cut", ["by characters", "as one piece"])
@pytest.mark.parametrize("name", READERS)
def test_three_times_the_text_takes_three_times_the_work(name: str, cut: str) -> None:
    too_much = {
        ascii(text): round(grown, 1) for text in TEXTS if (grown := growth(READERS[name], cut, text)) > BOUND
    }
    assert too_much == {}


def test_all_operators_that_read_text_are_measured() -> None:
    measured = {name.partition("(")[0].partition(",")[0] for name in READERS}
    assert {name for name in operators.__all__ if name.islower()} - measured <= NOT_READING
