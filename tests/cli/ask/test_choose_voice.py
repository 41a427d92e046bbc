"""Which engine speaks, with which settings, and what is refused."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import Result

from ollama_rx.cli.ask.choose_voice import NoVoiceError, VoiceOptions, check_output, open_output
from ollama_rx.speech import Loudspeaker, WavFile
from ollama_rx.speech.engines import espeak_ng, hibari, openai_endpoint, piper, wyoming

CommandLine = Callable[..., Result]


class Made:
    """Stands for the class of an engine: it tells its name and what it was made with."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, *arguments: object, **named: object) -> Any:
        return self._name, arguments, named


def find_program(path: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the search for a program find this path."""

    def which(_: str) -> str | None:
        return path

    monkeypatch.setattr(shutil, "which", which)


@pytest.fixture(autouse=True)
def engines(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in (
        (hibari, "Hibari"),
        (piper, "Piper"),
        (espeak_ng, "EspeakNg"),
        (openai_endpoint, "OpenAiEndpoint"),
        (wyoming, "Wyoming"),
    ):
        monkeypatch.setattr(module, name, Made(name))
    find_program("/usr/bin/espeak-ng", monkeypatch)
    monkeypatch.delenv("OLLAMA_RX_SPEECH_KEY", raising=False)


def refuse(note: str) -> None:
    raise AssertionError(note)


def options(
    engine: str | None = None, voice: str | None = None, speed: float = 1.0, model: str | None = None
) -> VoiceOptions:
    return VoiceOptions(engine=engine, voice=voice, speed=speed, model=model)


@pytest.mark.parametrize(
    ("given", "made"),
    [
        (options(), ("Hibari", ("heart",), {"speed": 1.0})),
        (options("hibari", "emma", 1.5), ("Hibari", ("emma",), {"speed": 1.5})),
        (options("piper"), ("Piper", (None,), {"speed": 1.0})),
        (options("piper", "a.onnx", 2), ("Piper", ("a.onnx",), {"speed": 2})),
        (options("espeak-ng"), ("EspeakNg", ("en",), {"speed": 1.0})),
        (options("espeak-ng", "de", 2), ("EspeakNg", ("de",), {"speed": 2})),
        (options("tcp://a:1", "joe"), ("Wyoming", ("tcp://a:1",), {"voice": "joe"})),
        (options("unix:///a"), ("Wyoming", ("unix:///a",), {"voice": None})),
        (
            options("http://a:1"),
            (
                "OpenAiEndpoint",
                ("http://a:1",),
                {"model": "tts-1", "voice": "alloy", "key": None, "speed": 1.0},
            ),
        ),
        (
            options("https://a", "nova", 2, "kokoro"),
            ("OpenAiEndpoint", ("https://a",), {"model": "kokoro", "voice": "nova", "key": None, "speed": 2}),
        ),
    ],
)
def test_the_engine_is_made_with_what_was_given(given: VoiceOptions, made: object) -> None:
    built: object = given.build(refuse)
    assert built == made


def test_the_key_of_a_server_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_RX_SPEECH_KEY", "secret")
    built: Any = options("http://a").build(refuse)
    assert built[2]["key"] == "secret"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--engine", "nope"],
            "--engine: expected hibari, piper, espeak-ng, or a URL with http or tcp, got ",
        ),
        (["--engine", ""], "--engine: expected hibari, "),
        (["--speech-model", "x"], "--speech-model: hibari has no such setting"),
        (["--engine", "tcp://a", "--speed", "2"], "--speed: tcp://a has no such setting"),
        (["--stop", ""], "--stop: "),
        (["--out", ""], "--out: the name of the file is empty"),
        (["--out", "a.MP3"], "--out: expected a name that ends in .wav, because only WAV"),
    ],
)
def test_a_wrong_option_is_named(command_line: CommandLine, words: list[str], message: str) -> None:
    result = command_line("speak", "Hi", *words)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"ollama-rx: Invalid value for {message}")


@pytest.mark.parametrize(
    ("argument", "option"), [("voice", "--voice"), ("speed", "--speed"), ("key", "OLLAMA_RX_SPEECH_KEY")]
)
def test_what_an_engine_refuses_names_the_option(
    monkeypatch: pytest.MonkeyPatch, argument: str, option: str
) -> None:
    def refuses(*_: object, **__: object) -> None:
        raise ValueError(f"{argument}: expected something else")

    monkeypatch.setattr(hibari, "Hibari", refuses)
    with pytest.raises(typer.BadParameter) as refused:
        options().build(refuse)
    assert (refused.value.message, refused.value.param_hint) == ("expected something else", option)


@pytest.fixture
def without_hibari(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise ImportError('Hibari needs hibari-tts: pip install "ollama-rx[tts]"')

    monkeypatch.setattr(hibari, "Hibari", missing)


@pytest.mark.usefixtures("without_hibari")
def test_without_hibari_espeak_ng_speaks_and_a_note_says_so() -> None:
    notes: list[str] = []
    built: Any = options().build(notes.append)
    assert built[0] == "EspeakNg"
    assert notes == ['espeak-ng speaks, because Hibari needs hibari-tts: pip install "ollama-rx[tts]"']


@pytest.mark.usefixtures("without_hibari")
def test_an_engine_that_is_named_is_not_replaced(command_line: CommandLine) -> None:
    result = command_line("speak", "Hi", "--engine", "hibari")
    assert result.exit_code == 1
    assert result.stderr == 'ollama-rx: Hibari needs hibari-tts: pip install "ollama-rx[tts]"\n'


@pytest.mark.usefixtures("without_hibari")
def test_without_any_engine_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    find_program(None, monkeypatch)
    with pytest.raises(NoVoiceError, match="pip install"):
        options().build(refuse)


@pytest.mark.parametrize("out", [None, "-", "a.wav", "pipe"])
def test_a_file_a_pipe_and_the_standard_output_are_accepted(out: str | None) -> None:
    check_output(out)


def test_a_terminal_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    with pytest.raises(ValueError, match=r"^out: standard output is a terminal, which cannot take audio"):
        check_output("-")


def test_the_loudspeaker_is_used_if_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Loudspeaker, "unavailable", lambda: None)
    with open_output(None, refuse) as output:
        assert isinstance(output, Loudspeaker)


def test_a_file_that_was_spoken_into_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Loudspeaker, "unavailable", lambda: "none")
    monkeypatch.chdir(tmp_path)
    notes: list[str] = []
    with open_output(None, notes.append) as output:
        assert isinstance(output, WavFile)
        output.start(8_000)
        output.write(bytes(100))
        output.close()
    assert [path.name for path in tmp_path.iterdir()] == ["answer.wav"]
    assert notes == ["speaking into answer.wav: none"]


def test_a_file_that_has_gone_meanwhile_is_no_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Loudspeaker, "unavailable", lambda: "none")
    monkeypatch.chdir(tmp_path)
    with open_output(None, list[str]().append):
        Path("answer.wav").unlink()
