from array import array

import pytest

from ollama_rx.speech import Audio, Word, silence
from ollama_rx.speech.silence import SilenceTrimmer, pause_after

RATE = 1_000
LOUD = 5_000


def audio(*parts: tuple[int, float], words: tuple[Word, ...] = ()) -> Audio:
    """Return audio with so many seconds of each value."""
    samples = array("h")
    for value, seconds in parts:
        samples.extend([value] * round(seconds * RATE))
    return Audio(samples.tobytes(), RATE, words)


def trimmed(*pieces: Audio, pause: float = 0.1) -> tuple["array[int]", list[Word]]:
    trimmer = SilenceTrimmer(pause)
    samples = array("h")
    words: list[Word] = []
    for piece in pieces:
        given = trimmer.feed(piece)
        played = len(samples) / RATE
        words += [
            Word(word.text, round(played + word.start, 3), round(played + word.end, 3))
            for word in given.words
        ]
        samples.frombytes(given.pcm)
    samples.frombytes(trimmer.flush().pcm)
    return samples, words


def test_silence_before_the_sound_is_removed_up_to_a_rest() -> None:
    samples, _ = trimmed(audio((20, 0.3), (LOUD, 0.2)))
    assert next(at for at, value in enumerate(samples) if value == LOUD) == 30


@pytest.mark.parametrize("silence", [0.0, 0.05, 0.5])
def test_silence_after_the_sound_is_made_as_long_as_the_pause(silence: float) -> None:
    samples, _ = trimmed(audio((LOUD, 0.2), (0, silence)))
    assert len(samples) == 300
    assert [value for value in samples if value == LOUD][:196] == [LOUD] * 196


def test_silence_between_sounds_stays() -> None:
    samples, _ = trimmed(audio((LOUD, 0.1), (0, 0.3)), audio((0, 0.2)), audio((-LOUD, 0.1)))
    assert len(samples) == 700 + 100


def test_what_is_cut_does_not_click() -> None:
    samples, _ = trimmed(audio((40, 0.3), (LOUD, 0.2), (40, 0.5)), pause=0.1)
    assert samples[0] == 0
    assert samples[-1] == 0
    loud_to_the_end, _ = trimmed(audio((LOUD, 0.2)), pause=0)
    assert loud_to_the_end[-1] == 0


def test_audio_that_begins_at_once_does_not_click() -> None:
    samples, _ = trimmed(audio((LOUD, 0.2)))
    assert samples[0] == 0
    assert samples[2] == LOUD


def test_a_piece_without_samples_changes_nothing() -> None:
    sound = audio((0, 0.1), (LOUD, 0.2))
    assert trimmed(audio(), sound, audio()) == trimmed(sound)


def test_soft_consonants_of_a_quiet_voice_stay() -> None:
    samples, _ = trimmed(audio((0, 0.3), (20, 0.1), (400, 0.2), (20, 0.1), (0, 0.3)), pause=0.05)
    assert samples.count(20) == 200
    assert samples.count(400) == 200


def test_the_words_move_with_the_sound() -> None:
    word, second = Word("Hi", 0.3, 0.5), Word("Ada", 0.1, 0.2)
    _, words = trimmed(
        audio((0, 0.3), (LOUD, 0.2), (0, 0.1), words=(word,)), audio((LOUD, 0.3), words=(second,))
    )
    assert words == [Word("Hi", 0.03, 0.23), Word("Ada", 0.43, 0.53)]


def test_words_in_silence_keep_their_time() -> None:
    _, words = trimmed(audio((0, 0.3), words=(Word("Hm", 0.1, 0.2),)), audio((0, 0.1)))
    assert words == [Word("Hm", 0.1, 0.2)]


def test_a_piece_may_be_empty() -> None:
    samples, _ = trimmed(audio(), audio((LOUD, 0.2)), audio())
    assert len(samples) == 300


def test_audio_without_any_sound_is_left_as_it_is() -> None:
    samples, _ = trimmed(audio((50, 0.3)), audio((50, 0.3)))
    assert samples == array("h", [50] * 600)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_any_cutting_gives_the_same_samples(size: int) -> None:
    whole = audio((0, 0.2), (LOUD, 0.1), (0, 0.15), (-LOUD, 0.05), (0, 0.4))
    pieces = [Audio(whole.pcm[at : at + 2 * size], RATE) for at in range(0, len(whole.pcm), 2 * size)]
    joined, _ = trimmed(*pieces)
    assert abs(len(joined) - len(trimmed(whole)[0])) <= 10  # sound is found in steps of 5 ms


def test_silence_without_an_end_is_not_held_for_more_than_ten_seconds() -> None:
    trimmer = SilenceTrimmer(0.1)
    second = audio((0, 1.0))
    trimmer.feed(audio((LOUD, 1.0)))
    given = [trimmer.feed(second).seconds for _ in range(100)]
    assert max(given) < 11.1
    assert 89 < sum(given) <= 100
    assert trimmer.flush().seconds == pytest.approx(0.102)


def test_very_long_silence_before_the_sound_is_left_as_it_is() -> None:
    samples, words = trimmed(
        *[audio((50, 1.0))] * 25, audio((50, 0.5), (LOUD, 0.2), words=(Word("Hi", 0.5, 0.7),)), pause=0
    )
    assert samples.count(50) == 25_500
    assert words == [Word("Hi", 25.5, 25.7)]


def test_very_long_audio_without_any_sound_is_left_as_it_is() -> None:
    samples, _ = trimmed(*[audio((50, 1.0))] * 25)
    assert samples == array("h", [50] * 25_000)


def test_silence_is_searched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[int] = []

    def loudest(samples: "array[int]") -> int:
        searched.append(len(samples))
        return max(samples, default=0)

    monkeypatch.setattr(silence, "_loudest", loudest)
    trimmer = SilenceTrimmer(0.1)
    trimmer.feed(audio((LOUD, 1.0)))
    searched.clear()
    for _ in range(900):
        trimmer.feed(audio((0, 0.01)))
    assert sum(searched) == 2 * 9_000  # for the loudest sample, and for the first loud one


def test_a_pause_is_shorter_within_a_sentence() -> None:
    assert pause_after('"Hello!" ', 1.0) == 1.0
    assert pause_after("你好。", 1.0) == 1.0
    assert pause_after("Hello,", 1.0) == 0.3
    assert pause_after("", 1.0) == 0.3
