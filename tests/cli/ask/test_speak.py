"""`ollama-rx speak`: the voice, the text beside it, where the audio goes, and how it ends."""

import re
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import Result

from ollama_rx.cli.ask import choose_voice
from ollama_rx.sinks import StopSink
from ollama_rx.testing import FakeOllama, answer, cut, endless, error_status, thinking
from tests.cli.pseudo_terminal import PseudoTerminal
from tests.speech.voices import Letters, Tape

CommandLine = Callable[..., Result]

FIGURES = re.compile(
    r"first token {7}\d+\.\d\d s\n"
    r"first sentence {4}\d+\.\d\d s\n"
    r"first audio {7}\d+\.\d\d s\n"
    r"audio {13}\d+\.\d\d s\n"
    r"real-time factor  \d+\.\d{3}\n"
)


class NoLoudspeaker(Tape):
    """Stands for the device of a machine that has none."""

    @staticmethod
    def unavailable() -> str | None:
        return "no loudspeaker\nhere"


class TapeLoudspeaker(Tape):
    """Stands for the device."""

    played: list["TapeLoudspeaker"] = []  # noqa: RUF012 - one for each test

    def __init__(self) -> None:
        super().__init__()
        self.played.append(self)

    @staticmethod
    def unavailable() -> str | None:
        return None


def always(engine: Letters) -> Callable[..., Letters]:
    """Return a function that stands for the class of an engine."""

    def make(*_: object, **__: object) -> Letters:
        return engine

    return make


@pytest.fixture(autouse=True)
def voice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Letters:
    """Use an engine for tests instead of hibari, no loudspeaker, and an empty folder."""
    engine = Letters()
    monkeypatch.setattr("ollama_rx.speech.engines.hibari.Hibari", always(engine))
    monkeypatch.setattr(choose_voice, "Loudspeaker", NoLoudspeaker)
    monkeypatch.chdir(tmp_path)
    return engine


@pytest.fixture
def loudspeaker(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[TapeLoudspeaker]]:
    monkeypatch.setattr(choose_voice, "Loudspeaker", TapeLoudspeaker)
    TapeLoudspeaker.played.clear()
    yield TapeLoudspeaker.played
    TapeLoudspeaker.played.clear()


def seconds_of(path: str) -> float:
    with wave.open(path) as audio:
        return float(audio.getnframes() / audio.getframerate())


def test_the_answer_is_spoken_and_printed_and_the_figures_follow(
    command_line: CommandLine, fake: FakeOllama, voice: Letters, loudspeaker: list[TapeLoudspeaker]
) -> None:
    fake.play(answer("It **is** bl", "ue.\n\nSunlight sc", "atters. "))
    result = command_line("speak", "Why?", "--host", fake.url)
    assert (result.stdout, result.exit_code) == ("It **is** blue.\n\nSunlight scatters. \n", 0)
    assert FIGURES.fullmatch(result.stderr)
    assert voice.texts == ["It is blue.", "Sunlight scatters."]
    (played,) = loudspeaker
    assert played.seconds > 2
    assert played.calls[-2:] == ["drain", "close"]


@pytest.mark.usefixtures("loudspeaker")
def test_what_is_not_said_is_printed_too(command_line: CommandLine, fake: FakeOllama) -> None:
    text = "Do this:\n\n```python\nprint()\n```\n\nIt works.\n\n```\nmore\n```\n"
    fake.play(answer(*text))
    assert command_line("speak", "How?", "--host", fake.url).stdout == text


@pytest.mark.usefixtures("loudspeaker")
def test_an_engine_that_does_not_tell_when_words_are_said_prints_the_same(
    command_line: CommandLine, fake: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ollama_rx.speech.engines.hibari.Hibari", always(Letters(words=False)))
    fake.play(answer("It is blue. 你好。 Yes"))
    assert command_line("speak", "Why?", "--host", fake.url).stdout == "It is blue. 你好。 Yes\n"


@pytest.mark.usefixtures("loudspeaker")
def test_an_answer_cannot_control_the_terminal(command_line: CommandLine, fake: FakeOllama) -> None:
    fake.play(answer("\x1b[2J\x07boo"))
    assert command_line("speak", "Hi", "--host", fake.url).stdout == "\\x1b[2J\\x07boo\n"


@pytest.mark.usefixtures("loudspeaker")
def test_the_request_is_that_of_run(command_line: CommandLine, fake: FakeOllama) -> None:
    fake.play(answer("One, tw", "o. EN", "D", endless()))
    result = command_line(
        *("speak", "Count", "--host", fake.url, "-m", "mine", "--system", "Be short.", "-o", "seed=1"),
        *("--stop", "END"),
        input="from one",
    )
    assert (result.stdout, result.exit_code) == ("One, two. \n", 0)
    asked = fake.requests[0].json
    assert {name: asked[name] for name in ("model", "prompt", "system", "options")} == {
        "model": "mine",
        "prompt": "Count\n\nfrom one",
        "system": "Be short.",
        "options": {"seed": 1},
    }
    fake.wait_for_disconnect()


def test_without_a_loudspeaker_a_new_file_is_written(command_line: CommandLine, fake: FakeOllama) -> None:
    Path("answer.wav").write_text("mine")
    fake.play(answer("Yes."))
    result = command_line("speak", "Hi", "--host", fake.url)
    assert result.stderr.startswith("speaking into answer-2.wav: no loudspeaker\\nhere\n")
    assert (result.stdout, result.exit_code) == ("Yes.\n", 0)
    assert seconds_of("answer-2.wav") > 0.3
    assert Path("answer.wav").read_text() == "mine"
    command_line("speak", "Hi", "--host", fake.url)
    assert seconds_of("answer-3.wav") == seconds_of("answer-2.wav")


def test_a_request_that_fails_leaves_no_file(command_line: CommandLine, fake: FakeOllama) -> None:
    fake.play(error_status(404))
    assert command_line("speak", "Hi", "-m", "none", "--host", fake.url).exit_code == 1
    assert list(Path().iterdir()) == []


def test_a_file_that_is_named_is_replaced(command_line: CommandLine, fake: FakeOllama) -> None:
    Path("mine.wav").write_text("old" * 99_999)
    fake.play(answer("Yes."))
    result = command_line("speak", "Hi", "--host", fake.url, "--out", "mine.wav")
    assert FIGURES.fullmatch(result.stderr)
    assert 0.3 < seconds_of("mine.wav") < 2


def test_an_answer_that_breaks_off_is_spoken_to_its_last_word(
    command_line: CommandLine, fake: FakeOllama, voice: Letters
) -> None:
    fake.play(answer("It is. Two", cut()))
    result = command_line("speak", "Hi", "--host", fake.url, "--out", "a.wav")
    assert (result.stdout, result.exit_code) == ("It is. Two\n", 1)
    assert voice.texts == ["It is.", "Two"]
    assert result.stderr.count("\n") == 1


def test_an_answer_without_text_says_why(command_line: CommandLine, fake: FakeOllama) -> None:
    fake.play(answer(thinking("Hm.")))
    result = command_line("speak", "Hi", "--host", fake.url, "--out", "a.wav")
    assert (result.stdout, result.exit_code) == ("", 0)
    assert result.stderr == "no answer: only thoughts\n"


@pytest.mark.usefixtures("loudspeaker")
def test_an_engine_that_fails_is_named(
    command_line: CommandLine, fake: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ollama_rx.speech.engines.hibari.Hibari", always(Letters(error_at="fails.")))
    fake.play(answer("It is. It fails. ", endless("And on. ")))
    result = command_line("speak", "Hi", "--host", fake.url)
    assert (result.stderr, result.exit_code) == ("ollama-rx: letters: no breath\n", 1)
    fake.wait_for_disconnect()


def test_a_missing_parser_for_markdown_says_what_to_install(
    command_line: CommandLine, fake: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object) -> None:
        raise ImportError('speakable() needs markdown-it-py: pip install "ollama-rx[speech]"')

    monkeypatch.setattr("ollama_rx.cli.ask.spoken_answer.Speech", missing)
    result = command_line("speak", "Hi", "--host", fake.url, "--out", "a.wav")
    assert result.stderr.endswith('pip install "ollama-rx[speech]"\n')
    assert result.exit_code == 1


def test_a_text_that_cannot_be_written_is_an_error_after_the_speech(
    command_line: CommandLine, fake: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ollama_rx.cli.ask.spoken_text.Console.on_next", is_full)
    fake.play(answer("It is. Yes."))
    result = command_line("speak", "Hi", "--host", fake.url, "--out", "a.wav")
    assert result.exit_code == 1
    assert seconds_of("a.wav") > 1


def test_nobody_needs_to_read_the_text(
    command_line: CommandLine, fake: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_closed(*_: object) -> None:
        raise StopSink

    monkeypatch.setattr("ollama_rx.cli.ask.spoken_text.Console.on_next", is_closed)
    fake.play(answer("It is. Yes."))
    result = command_line("speak", "Hi", "--host", fake.url, "--out", "a.wav")
    assert result.exit_code == 0
    assert seconds_of("a.wav") > 1


# The voice of a test, whose loudspeaker plays until a signal comes.
_PROGRAM = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore SIGINT
import sys
from ollama_rx.cli import main
from ollama_rx.cli.ask import choose_voice
from ollama_rx.speech.engines import hibari
from tests.speech.voices import Letters, Turntable

class Loudspeaker(Turntable):
    @staticmethod
    def unavailable():
        return None

    def start(self, rate):
        super().start(rate)
        self.turn({played}, least=0)

    def stop(self):
        super().stop()
        sys.stderr.write("<silent>")

choose_voice.Loudspeaker = Loudspeaker
hibari.Hibari = lambda *_, **__: Letters(words={words})
main()
"""


@pytest.mark.parametrize("words", [True, False])
def test_ctrl_c_silences_the_voice_and_ends_the_line(fake: FakeOllama, *, words: bool) -> None:
    fake.play(answer("It was a dark and stormy night. And", endless(" so on.", every=0.01)))
    program = _PROGRAM.format(played=0.45, words=words)  # in the middle of "was"
    with PseudoTerminal("speak", "Tell", "-m", "mine", "--host", fake.url, program=program) as terminal:
        terminal.read_until("It was" if words else "night.")
        fake.wait_for_lines(20, timeout=30)
        terminal.interrupt()
        assert terminal.finish() == 130
        assert "<silent>" in terminal.written
        printed = "".join(terminal.screen).replace("<silent>", "").replace("^C", "")
        assert printed == ("It was" if words else "It was a dark and stormy night.")
        assert terminal.written.endswith("\n")
    fake.wait_for_disconnect()


def test_a_terminal_shows_what_it_waits_for_and_then_each_word(fake: FakeOllama) -> None:
    fake.play(answer("One two. ", "Three."))
    program = _PROGRAM.format(played=99, words=True)
    with PseudoTerminal("speak", "Count", "-m", "mine", "--host", fake.url, program=program) as terminal:
        assert terminal.finish() == 0
        assert "mine is answering" in terminal.written
        assert terminal.screen[:2] == ["One two. Three.", ""]
        assert FIGURES.fullmatch("\n".join(terminal.screen[2:]) + "\n")


def test_what_a_thinking_model_does_is_shown(fake: FakeOllama) -> None:
    fake.play(answer(thinking("Hm."), "One."))
    program = _PROGRAM.format(played=99, words=True)
    with PseudoTerminal("speak", "Count", "-m", "mine", "--host", fake.url, program=program) as terminal:
        assert terminal.finish() == 0
        assert "mine is thinking" in terminal.written


def test_audio_is_piped_and_the_text_goes_to_standard_error(
    command_line: CommandLine, fake: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    class Standard(Tape):
        def __init__(self, path: str) -> None:
            super().__init__()
            made.append(path)

    monkeypatch.setattr(choose_voice, "WavFile", Standard)
    fake.play(answer("Yes."))
    result = command_line("speak", "Hi", "--host", fake.url, "--out", "-")
    assert (result.stdout, result.exit_code, made) == ("", 0, ["/dev/stdout"])
    assert result.stderr.startswith("Yes.\n")
    assert FIGURES.fullmatch(result.stderr.removeprefix("Yes.\n"))


def test_audio_is_not_written_to_a_terminal(fake: FakeOllama) -> None:
    with PseudoTerminal("speak", "Hi", "-m", "mine", "--host", fake.url, "--out", "-") as terminal:
        assert terminal.finish() == 2
        assert "Invalid value for --out: standard output is a terminal" in terminal.written
