import itertools
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ollama_rx.speech import Audio
from ollama_rx.speech.engines.espeak_ng import EspeakNg

real = pytest.mark.skipif(
    shutil.which("espeak-ng") is None, reason="needs the program: sudo apt install espeak-ng"
)
HEADER = (
    r"printf 'RIFF\044\360\377\177WAVEfmt \020\000\000\000\001\000\001\000\042\126\000\000"
    r"\104\254\000\000\002\000\020\000data\000\360\377\177'"
)


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """The processes that a test has started; nothing of them may be left."""
    started: list[subprocess.Popen[bytes]] = []

    class Recorded(subprocess.Popen[bytes]):
        def __init__(self, *arguments: object, **options: object) -> None:
            super().__init__(*arguments, **options)  # type: ignore[call-overload]
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Recorded)
    yield started
    for process in started:
        assert process.returncode is not None, "a process was not waited for"
        assert process.stdin is not None
        assert process.stdin.closed
        assert process.stdout is not None
        assert process.stdout.closed


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A function that puts a shell script in the place of espeak-ng."""
    if os.name != "posix":
        pytest.skip("Windows runs no shell scripts")

    def install(script: str) -> None:
        file = tmp_path / "espeak-ng"
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    return install


def pcm_of(pieces: Iterator[Audio]) -> bytes:
    return b"".join(piece.pcm for piece in pieces)


def said(text: str, voice: str = "en", *, speed: float = 1.0) -> bytes:
    return pcm_of(EspeakNg(voice, speed=speed).synthesize(text))


@real
@pytest.mark.usefixtures("processes")
def test_a_text_becomes_audio() -> None:
    pieces = list(EspeakNg().synthesize("Hello, world."))
    assert {piece.rate for piece in pieces} == {22_050}
    assert 0.5 < sum(piece.seconds for piece in pieces) < 3
    assert any(piece.pcm.strip(b"\0") for piece in pieces)


def test_the_rate_is_known_after_loading_which_happens_once(
    processes: list["subprocess.Popen[bytes]"], program: Callable[[str], None]
) -> None:
    program(f"cat >/dev/null; {HEADER}; printf abcd")
    engine = EspeakNg()
    engine.load()
    engine.load()
    assert (engine.rate, len(processes)) == (22_050, 1)


@real
def test_each_language_has_its_own_pronunciation() -> None:
    assert len({said("Information", voice) for voice in ("en", "de", "fr", "en+f3")}) == 4


@real
def test_speed_is_a_factor() -> None:
    text = "This is a sentence with quite a few words in it."
    assert 1.8 < len(said(text)) / len(said(text, speed=2)) < 2.2


@real
@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("hello\x00 world", "hello world"),
        ("hello\x01+50S world", "hello +50S world"),
        ("hello \ud83d world", "hello world"),
        ("hello\nworld", "hello world"),
        ("hello\n\nworld", "hello world"),
        ("[[h@loU]] world", "[ [h@loU]] world"),
        ("[[[h@loU]]] world", "[ [ [h@loU]]] world"),
    ],
)
def test_text_cannot_contain_commands_for_the_program(text: str, plain: str) -> None:
    assert said(text) == said(plain)


@real
@pytest.mark.parametrize(
    "text", ["-v de hello", "--version", "-- hello", "-", "<voice name='de'>x</voice>", "[[", "", " ", "?!"]
)
def test_any_text_is_said_as_text(text: str) -> None:
    engine = EspeakNg()
    assert pcm_of(engine.synthesize(text)) == pcm_of(engine.synthesize(text))


@real
def test_markup_is_not_obeyed() -> None:
    assert len(said("<voice name='de'>hello</voice>")) > 2 * len(said("hello"))  # the tags are read out


@real
def test_a_long_text_is_said_as_it_comes() -> None:
    pieces = EspeakNg().synthesize("This is one of many sentences. " * 5_000)  # more than a pipe holds
    assert next(iter(pieces)).seconds < 2


@real
@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize("voice", ["klingon-x", "../../etc/passwd", "--version", "-"])
def test_an_unknown_voice_is_an_error_that_says_where_the_voices_are(voice: str) -> None:
    with pytest.raises(ValueError, match=r"does not have the voice .*`espeak-ng --voices` lists"):
        EspeakNg(voice).load()


def test_the_words_of_the_program_about_an_unknown_voice_are_recognised(
    program: Callable[[str], None],
) -> None:
    program("echo Error: The specified espeak-ng voice does not exist. >&2; exit 1")
    with pytest.raises(ValueError, match="does not have the voice 'xy'"):
        list(EspeakNg("xy").synthesize("Hello."))


def test_a_program_that_says_nothing_is_an_error(program: Callable[[str], None]) -> None:
    program("cat > /dev/null")
    engine = EspeakNg()
    with pytest.raises(RuntimeError, match="gave no audio"):
        engine.load()


@real
def test_a_voice_that_needs_another_program_is_an_error_with_the_reason() -> None:
    with pytest.raises(RuntimeError, match="exit status 1: Cannot find MBROLA"):
        EspeakNg("mb-en1").load()


def test_a_missing_program_is_an_error_that_says_how_to_install_it(
    program: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program("exit")
    engine = EspeakNg()
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    expected = "sudo apt install espeak-ng.*brew install espeak-ng.*https://github.com/espeak-ng"
    with pytest.raises(FileNotFoundError, match=expected):
        EspeakNg()
    with pytest.raises(FileNotFoundError, match=expected):  # removed since
        engine.load()


@pytest.mark.parametrize(
    ("voice", "speed", "error", "message"),
    [
        ("", 1, ValueError, "voice: expected the name of a voice such as 'en', got ''"),
        (" ", 1, ValueError, "voice: expected"),
        ("en\0", 1, ValueError, "voice: expected"),
        (None, 1, TypeError, "voice: expected the name of a voice, got NoneType"),
        ("en", 0.4, ValueError, "speed: expected a factor from 0.5 to 4, got 0.4"),
        ("en", 4.1, ValueError, "speed: expected a factor"),
        ("en", "fast", TypeError, "speed: expected a factor from 0.5 to 4, got str"),
    ],
)
def test_wrong_arguments_are_refused(
    voice: str, speed: float, error: type[Exception], message: str, program: Callable[[str], None]
) -> None:
    program("exit")
    with pytest.raises(error, match=message):
        EspeakNg(voice, speed=speed)


def test_the_name_is_that_of_the_program(program: Callable[[str], None]) -> None:
    program("exit")
    assert EspeakNg().name == "espeak-ng"


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo no memory >&2; exit 3", "espeak-ng ended with exit status 3: no memory"),
        ("exit 1", "exit status 1: no reason given"),
        ("kill -SEGV $$", "exit status -11"),
        (f"cat >/dev/null; {HEADER}; printf abcd; exit 2", "exit status 2"),
        ("cat >/dev/null; yes | head -c 200000 >&2; exit 4", r"exit status 4: y y .*…"),
    ],
)
def test_a_failure_of_the_program_is_an_error_with_its_words(
    script: str, message: str, program: Callable[[str], None]
) -> None:
    program(script)
    with pytest.raises(RuntimeError, match=message) as caught:
        list(EspeakNg().synthesize("Hello. " * 20_000))
    assert len(str(caught.value)) < 200


@pytest.mark.usefixtures("processes")
def test_output_that_ends_within_a_sample_is_an_error(program: Callable[[str], None]) -> None:
    program(f"cat >/dev/null; {HEADER}; printf abc")
    with pytest.raises(ValueError, match="ends within a sample"):
        list(EspeakNg().synthesize("Hello."))


HANGING = {
    "before it reads": "exec sleep 60",
    "before the audio": "cat >/dev/null; exec sleep 60",
    "in the audio": f"cat >/dev/null; {HEADER}; printf abcd; exec sleep 60",
}


@pytest.mark.parametrize("place", HANGING)
def test_a_program_that_hangs_is_killed_from_another_thread(
    place: str, program: Callable[[str], None], processes: list["subprocess.Popen[bytes]"]
) -> None:
    program(HANGING[place])
    engine = EspeakNg()
    received: list[Audio] = []
    thread = threading.Thread(target=lambda: received.extend(engine.synthesize("Hello. " * 20_000)))
    thread.start()
    while not processes:  # started, somewhere in the text
        thread.join(0.001)
    engine.stop()
    thread.join(10)
    assert not thread.is_alive()
    program(f"cat >/dev/null; {HEADER}; printf abcd")
    assert pcm_of(engine.synthesize("Hello.")) == b"abcd"


@real
@pytest.mark.usefixtures("processes")
def test_a_text_may_be_stopped_after_any_piece_and_the_next_one_is_whole() -> None:
    engine = EspeakNg()
    text = "One two three four five six seven."
    whole = pcm_of(engine.synthesize(text))
    for count in range(8):
        pieces = engine.synthesize(text)
        first = pcm_of(itertools.islice(pieces, count))
        engine.stop()
        rest = pcm_of(pieces)
        assert whole.startswith(first + rest)
        assert pcm_of(engine.synthesize(text)) == whole


def test_a_text_that_is_stopped_before_its_first_piece_says_nothing(program: Callable[[str], None]) -> None:
    program(HANGING["in the audio"])
    engine = EspeakNg()
    pieces = engine.synthesize("Hello.")
    engine.stop()
    assert pcm_of(pieces) == b""


@pytest.mark.usefixtures("processes")
def test_a_text_that_is_left_ends_its_program(program: Callable[[str], None]) -> None:
    program(HANGING["in the audio"])
    pieces = EspeakNg().synthesize("Hello.")
    assert next(pieces).pcm == b"abcd"
    pieces.close()


def test_stopping_without_a_text_does_nothing(program: Callable[[str], None]) -> None:
    program(f"cat >/dev/null; {HEADER}; printf abcd")
    engine = EspeakNg()
    engine.stop()
    assert pcm_of(engine.synthesize("Hello.")) == b"abcd"
    engine.stop()
    engine.close()
