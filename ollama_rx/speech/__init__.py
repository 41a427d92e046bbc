"""A voice for sentences: `Speech` is a sink; its engine computes audio, and its output plays it."""

from ollama_rx.speech.audio import Audio, Word
from ollama_rx.speech.engines._speech_engine import SpeechEngine
from ollama_rx.speech.outputs._speech_output import SpeechOutput
from ollama_rx.speech.outputs.pacer import Pacer
from ollama_rx.speech.outputs.pcm_callback import PcmCallback
from ollama_rx.speech.outputs.pcm_observable import PcmObservable
from ollama_rx.speech.outputs.pcm_stream import PcmStream
from ollama_rx.speech.outputs.wav_file import WavFile

__all__ = [
    "Audio",
    "Pacer",
    "PcmCallback",
    "PcmObservable",
    "PcmStream",
    "SpeechEngine",
    "SpeechOutput",
    "WavFile",
    "Word",
]
