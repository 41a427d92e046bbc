"""A voice for sentences: `Speech` is a sink; its engine computes audio, and its output plays it."""

from ollama_rx.speech.audio import Audio, Word
from ollama_rx.speech.engines._speech_engine import SpeechEngine
from ollama_rx.speech.engines.espeak_ng import EspeakNg
from ollama_rx.speech.engines.hibari import Hibari
from ollama_rx.speech.engines.openai_endpoint import OpenAiEndpoint
from ollama_rx.speech.engines.piper import Piper
from ollama_rx.speech.engines.wyoming import Wyoming
from ollama_rx.speech.events import SpeechEvent
from ollama_rx.speech.outputs._speech_output import SpeechOutput
from ollama_rx.speech.outputs.loudspeaker import Loudspeaker
from ollama_rx.speech.outputs.pacer import Pacer
from ollama_rx.speech.outputs.pcm_callback import PcmCallback
from ollama_rx.speech.outputs.pcm_observable import PcmObservable
from ollama_rx.speech.outputs.pcm_stream import PcmStream
from ollama_rx.speech.outputs.wav_file import WavFile
from ollama_rx.speech.speech import Speech
from ollama_rx.speech.speech_stats import SpeechStats

__all__ = [
    "Audio",
    "EspeakNg",
    "Hibari",
    "Loudspeaker",
    "OpenAiEndpoint",
    "Pacer",
    "PcmCallback",
    "PcmObservable",
    "PcmStream",
    "Piper",
    "Speech",
    "SpeechEngine",
    "SpeechEvent",
    "SpeechOutput",
    "SpeechStats",
    "WavFile",
    "Word",
    "Wyoming",
]
