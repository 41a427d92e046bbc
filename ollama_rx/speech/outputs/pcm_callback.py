"""Call a function with the samples of speech."""

from collections.abc import Callable
from inspect import iscoroutine

from ollama_rx.arguments import check_callable, check_seconds, is_coroutine_function, refuse_async_generator
from ollama_rx.speech.outputs._speech_output import SpeechOutput

_ADVICE = "a sink awaits it: deliver(output.pcm, Callback(function)) with output = PcmObservable()"


class PcmCallback(SpeechOutput):
    """Calls a function with each block of samples (16-bit, signed, little-endian, one channel).

    The function is called on a thread of the voice and may block. What it raises fails the output.

    Args:
        function: takes the samples.
        block: seconds of audio in one call.
    """

    def __init__(self, function: Callable[[bytes], object], *, block: float = 0.04) -> None:
        check_callable("function", function)
        refuse_async_generator("function", function)
        if is_coroutine_function(function):
            raise TypeError(f"function: expected a function, got a coroutine function; {_ADVICE}")
        check_seconds("block", block)
        self._function = function
        self.block = block

    def write(self, pcm: bytes, /) -> None:
        """Call the function."""
        result = self._function(pcm)
        if iscoroutine(result):  # of a lambda around a coroutine function
            result.close()
            raise TypeError(f"function: it returned a coroutine, which nothing awaits; {_ADVICE}")
