from ollama_rx import operators as op
from ollama_rx.speech.narrator import Narrator


def test_a_sentence_keeps_what_was_written_and_what_is_said() -> None:
    sentence = Narrator(op.speakable()).narrate(" **Hello** Ada.")
    assert (sentence.written, sentence.said) == (" **Hello** Ada.", "Hello Ada.")
    assert [(passage.first, passage.said) for passage in sentence.passages] == [(0, "Hello Ada.")]


def test_nothing_is_said_of_code_also_if_it_comes_in_parts() -> None:
    narrator = Narrator(op.speakable())
    sentences = [narrator.narrate(part) for part in ("```", "x = 1.", "```", "Done.")]
    assert [sentence.said for sentence in sentences] == ["", "", "", "Done."]
    assert sentences[0].passages == ()


def test_a_very_long_sentence_is_cut_where_a_voice_would_pause() -> None:
    said = ", ".join(f"this is the clause with the number {number}" for number in range(30))
    passages = Narrator(op.speakable()).narrate(said).passages
    assert "".join(passage.said for passage in passages) == said
    assert [passage.first for passage in passages][1] == len(passages[0].said)
    assert all(len(passage.said) <= 300 for passage in passages)
    assert all(passage.said.rstrip().endswith(",") for passage in passages[:-1])


def test_a_word_that_is_too_long_is_cut() -> None:
    said = f"So {'a' * 700} it <is>."
    passages = Narrator(op.speakable()).narrate(said).passages
    assert [(passage.first, len(passage.said)) for passage in passages][:3] == [(0, 2), (2, 301), (303, 300)]
    assert "".join(passage.said for passage in passages) == said


def test_a_word_of_the_greatest_length_is_not_cut() -> None:
    (passage,) = Narrator(op.speakable()).narrate("a" * 300).passages
    assert passage.said == "a" * 300
    assert [len(passage.said) for passage in Narrator(op.speakable()).narrate("a" * 600).passages] == [
        300,
        300,
    ]


def test_a_cut_leaves_tags_whole() -> None:
    said = "word " * 57 + '<break time="1s, or so"/> ' + "word " * 9
    passages = Narrator(op.speakable(tags=["break"]), ["break"]).narrate(said).passages
    assert len(passages) == 2
    assert sum('<break time="1s, or so"/>' in passage.said for passage in passages) == 1
