"""The arithmetic of ``python -m benchmarks voice``; how large its figures are is measured there, not here."""

from array import array

import pytest

from benchmarks.rounds import ratio_to_most
from benchmarks.speech.first_audio import leading_silence
from benchmarks.speech.gaps import silent_seconds
from benchmarks.speech.heard_text import Truth, find_shift, last_loud, phoneme_spans, words_off
from benchmarks.speech.interruptions import silent_after
from benchmarks.speech.percentile import percentile


def samples(*values: int) -> bytes:
    return array("h", values).tobytes()


def test_a_percentile_is_the_least_value_that_so_many_do_not_exceed() -> None:
    assert percentile(range(1, 201), 99) == 198
    assert percentile(range(1, 201), 100) == 200
    assert percentile([7.0], 50) == 7.0


def test_a_block_that_comes_after_the_one_before_has_ended_leaves_silence() -> None:
    assert silent_seconds([(0.0, 1.0), (0.5, 1.0), (2.5, 1.0), (3.0, 1.0)]) == 0.5
    assert silent_seconds([(7.0, 1.0)]) == 0.0


def test_silence_after_an_interruption_begins_when_the_last_block_was_dropped() -> None:
    assert silent_after(10.0, [9.0, 10.5], stops=[8.0, 10.25, 11.0]) == 1.0
    assert silent_after(10.0, [9.0], stops=[10.25, 11.0]) == 0.25
    with pytest.raises(SystemExit):
        silent_after(10.0, [12.0], stops=[11.0])


def test_silence_before_the_sound_is_counted_to_the_first_loud_sample() -> None:
    assert leading_silence(samples(0, 99, -100, 0), rate=2) == 1.0
    assert leading_silence(samples(0, 0), rate=2) == 1.0


def test_a_word_ends_with_its_last_loud_sample() -> None:
    assert last_loud([0, 500, -500, 0, 500], 0, 4) == 3
    assert last_loud([0, 0, 0], 0, 2) == 2


def test_a_phoneme_word_has_the_samples_of_its_letters() -> None:
    # silence, "ab", " ", "c", ".", silence
    assert phoneme_spans("ab c.", [10, 1, 2, 3, 4, 5, 6]) == [(10, 13), (16, 20)]
    with pytest.raises(SystemExit):
        phoneme_spans("ab", [10, 1, 6])


def test_what_is_played_is_found_in_what_the_engine_has_given() -> None:
    raw = samples(*range(100, 4100))
    assert find_shift(raw, raw[20:]) == -10
    assert find_shift(raw, samples(1, 2) + raw) == 2
    with pytest.raises(SystemExit):
        find_shift(raw, samples(1, 2))


def test_words_that_are_heard_too_many_or_too_few_are_counted() -> None:
    truths = [Truth("One — two.", [1.0, 2.0], 3.0), Truth("Three.", [1.0], 2.0)]
    assert words_off("One — two.", truths, 2.5) == 0
    assert words_off("One — two. Three.", truths, 3.5) == 1
    assert words_off("One —", truths, 4.0) == -2


def test_a_cold_start_is_compared_with_the_slower_part_of_the_same_round() -> None:
    def round_of(both: float, model: float, voice: float) -> dict[str, dict[str, float]]:
        return {"both": {"ms": both}, "model": {"ms": model}, "voice": {"ms": voice}}

    rounds = [round_of(6, 4, 3), round_of(8, 2, 4), round_of(1, 1, 1)]
    assert ratio_to_most(rounds, "both", ("model", "voice"), "ms") == 1.5
    assert ratio_to_most([{"both": {"ms": 1.0}}], "both", ("model", "voice"), "ms") is None
