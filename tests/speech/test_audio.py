from typing import Any

import pytest

from ollama_rx.speech import Audio, Word


def test_the_length_of_a_piece_is_counted_in_samples_of_two_bytes() -> None:
    assert Audio(bytes(2 * 4_000), rate=16_000).seconds == 0.25


def test_the_samples_are_not_shown() -> None:
    assert repr(Audio(bytes(8), rate=8_000)) == "Audio(rate=8000, words=())"


@pytest.mark.parametrize(
    ("error", "arguments", "message"),
    [
        (TypeError, {"rate": 8_000, "pcm": bytearray(2)}, "pcm: expected bytes, got bytearray"),
        (TypeError, {"rate": 8_000, "pcm": memoryview(b"ab")}, "pcm: expected bytes, got memoryview"),
        (ValueError, {"rate": 8_000, "pcm": b"abc"}, "pcm: expected whole samples of two bytes, got 3 bytes"),
        (TypeError, {"pcm": b"", "rate": 24_000.0}, "rate: expected a whole number of at least 1, got float"),
        (ValueError, {"pcm": b"", "rate": 0}, "rate: expected a whole number of at least 1, got 0"),
        (
            TypeError,
            {"pcm": b"", "rate": 8_000, "words": [Word("Hi", 0.0, 0.1)]},
            "words: expected a tuple of Word, got list",
        ),
        (
            TypeError,
            {"pcm": b"", "rate": 8_000, "words": ("Hi",)},
            "words: expected a tuple of Word, got str",
        ),
    ],
)
def test_a_wrong_piece_is_refused_where_it_is_made(
    error: type[Exception], arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(error, match=message):
        Audio(**arguments)
