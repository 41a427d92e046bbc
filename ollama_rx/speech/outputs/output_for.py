"""Where audio goes, for whatever a user names: a path, a file, a function."""

from collections.abc import Callable
from os import PathLike, fspath
from typing import TypeAlias

from ollama_rx.arguments import wrong_type
from ollama_rx.speech.outputs._speech_output import SpeechOutput
from ollama_rx.speech.outputs.pcm_callback import PcmCallback
from ollama_rx.speech.outputs.pcm_stream import BinaryFile, PcmStream
from ollama_rx.speech.outputs.wav_file import WavFile

Target: TypeAlias = SpeechOutput | str | PathLike[str] | BinaryFile | Callable[[bytes], object]


def output_for(target: Target) -> SpeechOutput:
    """Return the output that a user means.

    Raises:
        TypeError: it is nothing that can take audio.
    """
    if isinstance(target, SpeechOutput):
        return target
    if callable(target):
        return PcmCallback(target)
    if isinstance(target, str):
        return WavFile(target)
    if isinstance(target, PathLike):
        return WavFile(fspath(target))
    if hasattr(target, "write"):
        return PcmStream(target)
    raise wrong_type("output", "a path, a binary file, a function or a SpeechOutput", target)
