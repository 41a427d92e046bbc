from ollama_rx.speech.engines.clean_text import clean_text


def test_what_no_voice_can_say_becomes_space() -> None:
    assert clean_text("a\x00b\x01c\nd\x1b[0me\x85f\ud83dg") == "a b c d [0me f g"


def test_everything_else_stays() -> None:
    text = "Grüß dich, 世界! <b>1 & 2</b> 👩‍🔬 שלום"
    assert clean_text(text) == text
