import pytest

from ollama_rx.speech import Audio, Word
from ollama_rx.speech.timeline import Passage, SpokenSentence, Timeline, join_sentences
from tests.speech.voices import RATE, tone


def sentence(written: str, said: str | None = None) -> SpokenSentence:
    said = written if said is None else said
    return SpokenSentence(written, said, (Passage(said),) if said else ())


def say(timeline: Timeline, spoken: SpokenSentence, *words: Word, seconds: float) -> None:
    timeline.begin(spoken)
    for passage in spoken.passages:
        passage.add(Audio(tone(seconds), RATE, words))
        passage.is_complete = True
        timeline.begin_passage(passage)
        timeline.add(seconds)
    timeline.complete()


HELLO = (Word("Hello", 0.1, 0.5), Word("Ada.", 0.5, 0.9))


def test_words_are_heard_when_they_have_ended() -> None:
    timeline = Timeline()
    say(timeline, sentence("*Hello* Ada.", "Hello Ada."), *HELLO, seconds=1)
    heard = [timeline.heard(at) for at in (0.0, 0.4, 0.5, 0.8, 0.9, 1.0, 9.0)]
    assert heard == ["", "", "*Hello*", "*Hello*", "*Hello* Ada.", "*Hello* Ada.", "*Hello* Ada."]


def test_without_words_the_share_of_the_characters_decides() -> None:
    timeline = Timeline()
    say(timeline, sentence("Hello you there"), seconds=1.5)
    heard = [timeline.heard(at) for at in (0.0, 0.4, 0.5, 0.8, 1.0, 1.5)]
    assert heard == ["", "", "Hello", "Hello", "Hello you", "Hello you there"]


def test_a_sentence_that_still_grows_is_estimated_by_the_pace_so_far() -> None:
    timeline = Timeline()
    say(timeline, sentence("Ten letter"), seconds=1)
    growing = sentence("Hello you there")
    timeline.begin(growing)
    timeline.begin_passage(growing.passages[0])
    growing.passages[0].add(Audio(tone(0.6), RATE))
    timeline.add(0.6)
    assert timeline.heard(1.6) == "Ten letter Hello"


def test_without_a_pace_it_is_that_of_most_voices() -> None:
    timeline = Timeline()
    growing = sentence("Hello you there")
    timeline.begin(growing)
    timeline.begin_passage(growing.passages[0])
    timeline.add(0.5)
    assert timeline.heard(0.5) == "Hello"


def test_a_passage_of_which_the_engine_gives_no_audio_is_heard_at_once() -> None:
    timeline = Timeline()
    say(timeline, sentence("Hm."), seconds=0)
    assert timeline.heard(0.0) == "Hm."


def test_a_sentence_of_which_nothing_is_said_is_heard_with_its_neighbours() -> None:
    timeline = Timeline()
    say(timeline, sentence("See:"), seconds=0.5)
    say(timeline, sentence("```\nx = 1\n```", ""), seconds=0)
    say(timeline, sentence("Good."), seconds=0.5)
    assert timeline.heard(0.4) == ""
    assert timeline.heard(0.5) == "See: ```\nx = 1\n```"
    assert timeline.heard(1) == "See: ```\nx = 1\n``` Good."


def test_a_sentence_may_have_several_passages() -> None:
    timeline = Timeline()
    spoken = SpokenSentence(
        "*One two,* three four.", "One two, three four.", (Passage("One two, "), Passage("three four.", 9))
    )
    say(timeline, spoken, seconds=1)
    heard = [timeline.heard(at) for at in (0.5, 0.9, 1.0, 1.5, 2.0)]
    assert heard == ["*One", "*One two,*", "*One two,*", "*One two,* three", "*One two,* three four."]


def test_the_words_have_times_in_the_whole_audio() -> None:
    timeline = Timeline()
    say(timeline, sentence("Well."), seconds=2)
    spoken = sentence("Hello Ada.")
    say(timeline, spoken, *HELLO, Word("Eve", 0.9, 1.0), seconds=1)
    assert spoken.words == (Word("Hello", 2.1, 2.5), Word("Ada.", 2.5, 2.9))


def test_words_of_a_passage_that_has_not_begun_are_not_told() -> None:
    spoken = sentence("Hello Ada.")
    spoken.passages[0].add(Audio(tone(1), RATE, HELLO))
    assert spoken.words == ()


def test_the_times_of_words_count_from_their_piece() -> None:
    passage = Passage("Hello Ada.")
    assert passage.add(Audio(tone(0.5), RATE, (Word("Hello", 0.1, 0.5),))) == (Word("Hello", 0.1, 0.5),)
    assert passage.add(Audio(tone(0.5), RATE, (Word("Ada.", 0.0, 0.4),))) == (Word("Ada.", 0.5, 0.9),)


def test_what_is_said_after_a_cut_follows_what_was_heard() -> None:
    timeline = Timeline()
    say(timeline, sentence("Hello Ada."), *HELLO, seconds=1)
    say(timeline, sentence("Never."), seconds=1)
    timeline.cut(0.6)
    assert timeline.seconds == 0.6
    say(timeline, sentence("Yes?"), seconds=1)
    assert timeline.heard(1.6) == "Hello Yes?"
    assert timeline.heard(0.6) == "Hello"


def test_a_cut_before_everything_leaves_nothing() -> None:
    timeline = Timeline()
    timeline.cut(0.0)
    assert timeline.heard(1.0) == ""


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("", "A", "A"),
        ("A.", "", "A."),
        ("A.", " B", "A. B"),
        ("A.\n", "B", "A.\nB"),
        ("A。", "「你", "A。「你"),
    ],
)
def test_sentences_are_joined_by_the_space_that_is_missing(first: str, second: str, expected: str) -> None:
    assert join_sentences(first, second) == expected
