"""What a user names as an output becomes one."""

import io
from pathlib import Path
from typing import Any

import pytest

from ollama_rx.speech import PcmCallback, PcmStream, SpeechOutput, WavFile
from ollama_rx.speech.outputs.output_for import Target, output_for
from tests.speech.voices import Tape


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        (Tape(), Tape),
        (print, PcmCallback),
        ("a.wav", WavFile),
        (Path("a.wav"), WavFile),
        (io.BytesIO(), PcmStream),
    ],
)
def test_an_output_is_a_path_a_file_or_a_function(
    target: Target, kind: type[SpeechOutput], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert isinstance(output_for(target), kind)


def test_an_output_stays_what_it_is() -> None:
    tape = Tape()
    assert output_for(tape) is tape


def test_what_cannot_take_audio_is_refused() -> None:
    wrong: Any = 1
    with pytest.raises(TypeError, match="output: expected a path, a binary file, a function or a"):
        output_for(wrong)
