from ollama_rx.speech import Audio


def test_the_length_of_a_piece_is_counted_in_samples_of_two_bytes() -> None:
    assert Audio(bytes(2 * 4_000), rate=16_000).seconds == 0.25


def test_the_samples_are_not_shown() -> None:
    assert repr(Audio(bytes(8), rate=8_000)) == "Audio(rate=8000, words=())"
