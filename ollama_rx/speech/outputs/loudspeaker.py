"""Play speech on this machine's loudspeaker (needs sounddevice)."""

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from threading import Condition
from typing import Literal, Protocol, cast

from ollama_rx.arguments import wrong_type
from ollama_rx.speech.audio import BYTES_PER_SAMPLE
from ollama_rx.speech.outputs._fade_out import fade_bytes, fade_out
from ollama_rx.speech.outputs._speech_output import SpeechOutput

_BUFFER_SECONDS = 0.2  # a thread that feeds the device may be late by this much
# A thread that computes can keep the device waiting for Python for more than 5 ms. With the 8 ms that
# PortAudio calls a low latency that caused ten gaps a second (through PulseAudio); a much longer one would
# delay interruptions.
_LEAST_LATENCY = 0.025
_NO_DEFAULT = "device -1"  # what PortAudio calls the default device if there is none
_ADVICE = '; WavFile("answer.wav") writes a file instead'
_DEVICE_SECONDS = 2.0  # a device that takes no samples for so long will not take any


class Loudspeaker(SpeechOutput):
    """Plays on a sound device; needs the extra ``ollama-rx[audio]``.

    Audio waits in a buffer of 0.2 seconds, from which the device takes what it needs, so that a thread that
    is late causes no gap. If there is nothing to take, the device plays silence. After an interruption one
    still hears what the device has taken already, usually 25 ms, and then a fade of 5 ms.

    Args:
        device: the number or (a part of) the name of a device, as ``python -m sounddevice`` lists them; by
            default the system's choice.

    Raises:
        ImportError: sounddevice is not installed.
    """

    def __init__(self, device: int | str | None = None) -> None:
        if isinstance(device, bool) or not isinstance(device, int | str | None):
            raise wrong_type("device", "the number or the name of a device", device)
        _require_sounddevice()
        self._device = device
        self._clock = time.monotonic
        self._changed = Condition()
        self._waiting = _WaitingSamples(1)
        self._stream: _Stream | None = None
        self._latency = 0.0
        self._heard_at = 0.0  # when the last sample that the device has taken is heard
        self._stops = 0

    @classmethod
    def unavailable(cls, device: int | str | None = None) -> str | None:
        """Return the reason why nothing can be played here, or None if it can.

        >>> Loudspeaker.unavailable("no such device") is None
        False
        """
        try:
            _require_sounddevice()
            sounddevice = _import_sounddevice()
            with _refusals_explained(sounddevice):
                sounddevice.check_output_settings(device=device, channels=1, dtype="int16")
        except (ImportError, OSError) as error:
            return str(error)
        return None

    def start(self, rate: int) -> None:
        """Open the device; it plays silence until there is audio.

        Raises:
            OSError: PortAudio is missing, or there is no such device, or it cannot be used.
        """
        self._waiting = _WaitingSamples(rate)
        sounddevice = _import_sounddevice()
        with _refusals_explained(sounddevice, _ADVICE):
            low = sounddevice.query_devices(self._device, "output")["default_low_output_latency"]
            self._stream = sounddevice.RawOutputStream(
                samplerate=rate,
                device=self._device,
                channels=1,
                dtype="int16",
                latency=max(cast(float, low), _LEAST_LATENCY),
                callback=self._fill,
            )
            self._latency = self._stream.latency
            self._stream.start()

    def write(self, pcm: bytes, /) -> None:
        """Add a block to the buffer, as soon as there is room for it."""
        with self._changed:
            stops = self._stops
            while self._stops == stops and self._waiting.seconds >= _BUFFER_SECONDS:
                self._wait_for_device()
            if self._stops == stops:
                self._waiting.add(pcm)

    def unplayed(self) -> float:
        """Return how many seconds are in the buffer and in the device."""
        with self._changed:
            in_device = max(0.0, self._heard_at - self._clock())
            in_buffer = self._waiting.seconds
        return in_buffer + max(in_device, self._latency) if in_buffer else in_device

    def drain(self) -> None:
        """Wait until the last sample is heard."""
        with self._changed:
            stops = self._stops
            while self._stops == stops and self.unplayed() > 0:
                self._wait_for_device()

    def stop(self) -> None:
        """Fade out, and drop what follows."""
        with self._changed:
            self._stops += 1
            self._waiting.fade_out()
            self._changed.notify_all()

    def close(self) -> None:
        """Fade out what is left, and close the device."""
        if self._stream is None:
            return  # it could not be opened
        self.stop()
        with suppress(OSError):  # of a device that has gone
            self.drain()
        stream, self._stream = self._stream, None
        stream.abort()
        stream.close()

    def _fill(self, out: "_Samples", _frames: int, _time: object, _status: object) -> None:
        """Give the device what it asks for, on a thread of the device."""
        with self._changed:
            pcm = self._waiting.take(len(out))
            if pcm:
                self._heard_at = self._clock() + self._latency + self._waiting.seconds_of(pcm)
            self._changed.notify_all()
        out[:] = pcm.ljust(len(out), b"\0")

    def _wait_for_device(self) -> None:
        if not self._changed.wait(_DEVICE_SECONDS):
            raise OSError(
                f"the loudspeaker has taken no audio for {_DEVICE_SECONDS:g} s; is it still connected?"
            )


class _WaitingSamples:
    """The samples that the device has not taken yet."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._pcm = bytearray()

    @property
    def seconds(self) -> float:
        return self.seconds_of(self._pcm)

    def seconds_of(self, pcm: bytes | bytearray) -> float:
        return len(pcm) / BYTES_PER_SAMPLE / self._rate

    def add(self, pcm: bytes) -> None:
        self._pcm += pcm

    def take(self, most: int) -> bytes:
        """Take the first samples, at most so many bytes."""
        pcm = bytes(self._pcm[:most])
        del self._pcm[:most]
        return pcm

    def fade_out(self) -> None:
        """Keep the first few milliseconds, which become silent gradually."""
        self._pcm[:] = fade_out(self.take(fade_bytes(self._rate)))


class _Samples(Protocol):
    def __len__(self) -> int: ...
    def __setitem__(self, where: slice, pcm: bytes, /) -> None: ...


class _Stream(Protocol):
    latency: float

    def start(self) -> None: ...
    def abort(self) -> None: ...
    def close(self) -> None: ...


class _SoundDevice(Protocol):
    PortAudioError: type[Exception]

    def query_devices(self, device: int | str | None, kind: Literal["output"]) -> Mapping[str, object]: ...
    def check_output_settings(
        self, *, device: int | str | None, channels: int, dtype: Literal["int16"]
    ) -> None: ...
    def RawOutputStream(  # noqa: N802 - its name
        self,
        *,
        samplerate: int,
        device: int | str | None,
        channels: int,
        dtype: Literal["int16"],
        latency: float,
        callback: Callable[[_Samples, int, object, object], None],
    ) -> _Stream: ...


@contextmanager
def _refusals_explained(sounddevice: _SoundDevice, advice: str = "") -> Generator[None]:
    try:
        yield
    except (sounddevice.PortAudioError, ValueError) as error:  # ValueError: an unknown or ambiguous name
        reason = "there is no sound device" if str(error).endswith(_NO_DEFAULT) else error
        raise OSError(f"no loudspeaker can be used here ({reason}){advice}") from error


def _require_sounddevice() -> None:
    """Raise ImportError unless sounddevice is installed, without importing it, which asks all devices."""
    if find_spec("sounddevice") is None:
        raise ImportError('Loudspeaker needs sounddevice: pip install "ollama-rx[audio]"')


def _import_sounddevice() -> _SoundDevice:
    try:
        return cast(_SoundDevice, import_module("sounddevice"))
    except OSError as error:
        raise OSError(
            f"Loudspeaker needs PortAudio ({error}); Debian and Ubuntu: sudo apt install libportaudio2"
        ) from error
