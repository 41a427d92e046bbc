"""Which sounds belong to which word, and when a word is said; all on plain lists."""

from collections.abc import Sequence

import pytest

from ollama_rx.speech import Audio, Word
from ollama_rx.speech.engines.word_times import WordTimes, word_spans

RATE = 1_000  # samples a second: a sample is a millisecond
LOUD, QUIET = 5_000, 10


def said_for(alone: Sequence[str], said: str) -> list[str]:
    return [said[first:last] for first, last in word_spans(alone, said)]


def test_words_that_are_said_as_they_are_alone_have_their_sounds() -> None:
    assert said_for(["həlˈO,", "ðˈɛɹ."], " həlˈO, ðˈɛɹ. ") == ["həlˈO", "ðˈɛɹ"]


def test_a_word_may_sound_different_in_a_sentence() -> None:
    assert said_for(["ɡˌO", "tu", "ðə", "ˈɔfəs"], "ɡˌO tə ði ˈɔfəs") == ["ɡˌO", "tə", "ði", "ˈɔfəs"]


def test_two_words_may_be_said_as_one() -> None:
    assert said_for(["ˈɔn", "ðə", "θˈɜːd"], "ɔnðə θˈɜːd") == ["ɔn", "ðə", "θˈɜːd"]


def test_a_word_may_be_said_as_several() -> None:
    assert said_for(["ɪt", "θɹˈi dˈɑləɹz ænd fˈɪfti", "ænd"], "ɪt θɹˈi dˈɑləɹz ænd fˈɪfti ænd") == [
        "ɪt",
        "θɹˈi dˈɑləɹz ænd fˈɪfti",
        "ænd",
    ]


def test_a_word_may_be_said_as_another_one() -> None:
    """The unit "km" alone is spelled."""
    assert said_for(["fˈIv", "kˌAˈɛm", "əwˈA"], "fˈIv kəlˈɑməTəɹz əwˈA") == ["fˈIv", "kəlˈɑməTəɹz", "əwˈA"]


def test_what_no_word_is_expected_to_say_belongs_to_the_word_that_follows() -> None:
    """So "on 5 January" is said with "the" before the number."""
    assert said_for(["ˌɔn", "fˈIv", "ʤˈæn"], "ˌɔn ðə fˈIv ʤˈæn") == ["ˌɔn", "ðə fˈIv", "ʤˈæn"]


def test_what_is_said_after_all_that_is_expected_belongs_to_the_last_word() -> None:
    assert said_for(["ab", "cd"], "ab cd ef") == ["ab", "cd ef"]


def test_a_word_for_which_nothing_is_left_shares_with_the_word_before() -> None:
    """So "$5 million" is said with the "dollars" at its end."""
    assert said_for(["fˈIv dˈɑləɹz", "mˈɪljᵊn", "tə"], "fˈIv mˈɪljᵊn dˈɑləɹz tə") == [
        "fˈIv mˈɪljᵊn",
        "dˈɑləɹz",
        "tə",
    ]


def test_a_first_word_for_which_nothing_is_left_shares_with_the_word_after() -> None:
    assert said_for(["xx", "abcd"], "abcd") == ["a", "bcd"]


def test_a_word_that_is_not_said_has_an_empty_span_where_it_stands() -> None:
    assert word_spans(["", "ab", "", "cd", "…"], " ab, cd") == [(0, 0), (1, 3), (3, 3), (5, 7), (7, 7)]


@pytest.mark.parametrize("said", ["", " ", "…"])
def test_all_spans_are_empty_if_nothing_is_said(said: str) -> None:
    assert word_spans(["ab", "cd"], said) == [(0, 0), (0, 0)]


def test_there_are_no_spans_without_words() -> None:
    assert word_spans([], "ab") == []


def test_marks_belong_to_the_sounds_that_they_change() -> None:
    assert said_for(["ˈaː", "ˌə̃1", "b"], "ˈaːˌə̃1b") == ["ˈaː", "ˌə̃1", "b"]


def test_a_mark_without_a_sound_is_nothing() -> None:
    assert said_for(["ːa"], " ːa") == ["a"]


def test_a_symbol_may_have_several_letters() -> None:
    assert word_spans([["aɪ"], ["oʊ", "n"]], ["aɪ", " ", "oʊ", "n"]) == [(0, 1), (2, 4)]


def piece(*samples: tuple[int, int]) -> Audio:
    """Return audio of so many samples of so loud a tone."""
    tones = [sign * loudness for length, loudness in samples for sign in [1, -1] * (length // 2)]
    return Audio(b"".join(tone.to_bytes(2, "little", signed=True) for tone in tones), RATE)


def words_in(audio: Audio) -> list[tuple[str, float, float]]:
    return [(word.text, word.start, word.end) for word in audio.words]


def test_a_word_lasts_as_long_as_its_symbols() -> None:
    times = WordTimes("a b", str, [" a b "])
    audio = times.add_words(piece((3_000, LOUD)), [0, 1_000, 0, 2_000, 0])
    assert audio.words == (Word("a", 0.0, 1.0), Word("b", 1.0, 3.0))


def test_one_word_ends_and_the_next_begins_in_the_middle_between_them() -> None:
    times = WordTimes("a, b", str, ["a, b"])
    audio = times.add_words(piece((4_000, LOUD)), [1_000, 500, 500, 2_000])
    assert words_in(audio) == [("a,", 0.0, 1.5), ("b", 1.5, 4.0)]


def test_silence_before_between_and_after_words_belongs_to_none() -> None:
    sound = [(1_024, QUIET), (512, LOUD), (1_024, QUIET), (512, LOUD), (1_024, QUIET)]
    times = WordTimes("a, b.", str, [" a, b. "])
    audio = times.add_words(piece(*sound), [1_000, 600, 500, 400, 600, 596, 400])
    times_of_words = [time for word in audio.words for time in (word.start, word.end)]
    assert times_of_words == pytest.approx([1.024, 1.536, 2.56, 3.072], abs=0.128)  # measured in such steps
    assert times_of_words[1] < 2 < times_of_words[2]


def test_a_word_that_is_too_quiet_keeps_its_time() -> None:
    times = WordTimes("a", str, ["a"])
    assert words_in(times.add_words(piece((500, QUIET)), [500])) == [("a", 0.0, 0.5)]


def test_a_word_that_is_not_said_takes_no_time() -> None:
    times = WordTimes("– a – b –", lambda word: word.strip("–"), ["a – b"])
    audio = times.add_words(piece((3_000, LOUD)), [1_000, 250, 500, 250, 1_000])
    assert words_in(audio) == [
        ("–", 0.0, 0.0),
        ("a", 0.0, 1.5),
        ("–", 1.5, 1.5),
        ("b", 1.5, 3.0),
        ("–", 3.0, 3.0),
    ]


def test_a_mark_that_would_be_named_alone_is_not_expected_to_be_said() -> None:
    times = WordTimes("a !", lambda word: word.replace("!", "exclamation"), ["a!"])
    assert words_in(times.add_words(piece((1_000, LOUD)), [500, 500])) == [("a", 0.0, 1.0), ("!", 1.0, 1.0)]


def test_each_piece_has_the_words_that_end_in_it() -> None:
    times = WordTimes("ab cd. ef", str, ["ab c", "d.", "ef"])
    first = times.add_words(piece((500, LOUD)), [100, 100, 200, 100])
    second = times.add_words(piece((400, LOUD)), [200, 200])
    third = times.add_words(piece((200, LOUD)), [100, 100])
    assert words_in(first) == [("ab", 0.0, 0.5)]
    assert words_in(second) == [("cd.", 0.0, 0.4)]
    assert words_in(third) == [("ef", 0.0, 0.2)]


def test_durations_of_something_else_are_not_believed() -> None:
    times = WordTimes("a b", str, ["a", "b"])
    assert times.add_words(piece((500, LOUD)), [499]).words == ()
    assert words_in(times.add_words(piece((500, LOUD)), [500])) == [("b", 0.0, 0.5)]
