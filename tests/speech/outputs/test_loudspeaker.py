"""The device takes what it needs, and is silent soon after an interruption."""

import os
import subprocess
import sys
import threading
from array import array
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ollama_rx.speech import Loudspeaker
from ollama_rx.speech.outputs import loudspeaker

RATE = 1_000  # so that a sample is a millisecond
LATENCY = 0.03
ROOT = Path(__file__).parents[3]


def samples(*values: int) -> bytes:
    return array("h", values).tobytes()


class Device:
    """A device and its only stream: takes samples when it is told to."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.options: dict[str, Any] = {}
        self.latency = LATENCY
        self.low_latency = 0.008
        self.failure: Exception | None = None

    def query_devices(self, device: object, kind: str) -> dict[str, object]:
        assert kind == "output"
        self.calls.append(f"query {device}")
        self._fail()
        return {"default_low_output_latency": self.low_latency}

    def check_output_settings(self, **options: object) -> None:
        self.options = options
        self._fail()

    def open(self, **options: Any) -> "Device":
        self.options = options
        self.calls.append("open")
        return self

    def start(self) -> None:
        self.calls.append("start")

    def abort(self) -> None:
        self.calls.append("abort")

    def close(self) -> None:
        self.calls.append("close")

    def take(self, count: int) -> list[int]:
        """Take samples as PortAudio does."""
        out = bytearray(b"\x55" * 2 * count)
        self.options["callback"](memoryview(out), count, None, None)
        return array("h", bytes(out)).tolist()

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure


class PortAudioError(Exception):
    pass


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Device:
    device = Device()
    module = ModuleType("sounddevice")
    module.__spec__ = ModuleSpec("sounddevice", None)
    vars(module).update(
        PortAudioError=PortAudioError,
        query_devices=device.query_devices,
        check_output_settings=device.check_output_settings,
        RawOutputStream=device.open,
    )
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    return device


class Playing:
    """An output that has started, with a clock; each wait for the device lets it take 20 ms."""

    def __init__(self, device: Device) -> None:
        self.now = 100.0
        self.heard: list[int] = []
        self.device = device
        self.on_wait: Callable[[], object] = lambda: self.take(20)
        self.output = Loudspeaker()
        self.output._clock = lambda: self.now
        self.output._changed.wait = self._wait  # type: ignore[method-assign]
        self.output.start(RATE)

    def take(self, count: int) -> list[int]:
        taken = self.device.take(count)
        self.heard += taken
        self.now += count / RATE
        return taken

    def _wait(self, timeout: float | None = None) -> bool:
        assert timeout == 2.0
        return self.on_wait() is not False


@pytest.fixture
def playing(device: Device) -> Playing:
    return Playing(device)


def test_the_device_is_opened_for_one_channel_and_starts_at_once(device: Device) -> None:
    output = Loudspeaker("front")
    output.start(24_000)
    del device.options["callback"]
    assert device.calls == ["query front", "open", "start"]
    assert device.options == {
        "samplerate": 24_000,
        "device": "front",
        "channels": 1,
        "dtype": "int16",
        "latency": 0.025,
    }


def test_a_device_that_needs_a_longer_latency_gets_it(device: Device) -> None:
    device.low_latency = 0.09
    Loudspeaker().start(24_000)
    assert device.options["latency"] == 0.09


def test_the_device_takes_the_samples_in_their_order_and_silence_when_there_are_none(
    playing: Playing,
) -> None:
    assert playing.take(2) == [0, 0]
    playing.output.write(samples(1, 2, 3))
    playing.output.write(samples(4, 5))
    assert playing.take(2) == [1, 2]
    assert playing.take(5) == [3, 4, 5, 0, 0]
    assert playing.take(2) == [0, 0]


def test_a_block_waits_while_the_buffer_is_full(playing: Playing) -> None:
    playing.output.write(samples(*range(1, 201)))
    wanted = [0, 10]
    playing.on_wait = lambda: playing.take(wanted.pop(0))
    playing.output.write(samples(201, 202))
    assert wanted == []
    playing.take(192)
    assert playing.heard == list(range(1, 203))


def test_what_is_in_the_buffer_and_in_the_device_is_unplayed(playing: Playing) -> None:
    output = playing.output
    assert output.unplayed() == 0
    output.write(samples(*[1] * 50))
    assert output.unplayed() == pytest.approx(0.05 + LATENCY)
    playing.device.take(20)
    assert output.unplayed() == pytest.approx(0.05 + LATENCY)
    playing.now += 0.02
    assert output.unplayed() == pytest.approx(0.03 + LATENCY)
    playing.device.take(100)
    assert output.unplayed() == pytest.approx(0.03 + LATENCY)
    playing.now += 0.05
    assert output.unplayed() == pytest.approx(LATENCY - 0.02)
    playing.now += 1
    assert output.unplayed() == 0


def test_draining_waits_until_the_last_sample_is_heard(playing: Playing) -> None:
    playing.output.write(samples(*[1] * 50))
    playing.output.drain()
    assert sum(playing.heard) == 50
    assert 100 + 0.05 + LATENCY <= playing.now <= 100 + 0.05 + LATENCY + 0.04


def test_a_stop_fades_out_within_5_milliseconds_and_drops_the_rest(playing: Playing) -> None:
    playing.output.write(samples(*[1_000, -1_000] * 50))
    playing.take(2)
    playing.output.stop()
    assert playing.take(8) == [1_000, -800, 600, -400, 200, 0, 0, 0]


def test_a_stop_fades_what_there_is_if_that_is_less(playing: Playing) -> None:
    playing.output.write(samples(300, 300))
    playing.output.stop()
    assert playing.take(3) == [300, 150, 0]
    playing.output.stop()
    assert playing.take(3) == [0, 0, 0]


def test_a_block_that_waits_is_dropped_by_a_stop_and_the_next_one_is_played(playing: Playing) -> None:
    playing.output.write(samples(*[1] * 200))
    playing.on_wait = playing.output.stop
    playing.output.write(samples(7))
    playing.output.write(samples(8))
    assert 7 not in playing.take(5)
    assert playing.take(2) == [8, 0]


def test_a_stop_ends_the_wait_for_the_end(playing: Playing) -> None:
    playing.output.write(samples(*[1] * 100))
    playing.on_wait = playing.output.stop
    playing.output.drain()
    assert playing.heard == []


def test_a_stop_from_another_thread_wakes_a_block_that_waits(device: Device) -> None:
    output = Loudspeaker()
    output.start(RATE)
    output.write(samples(*[1] * 200))
    waiting = threading.Event()
    wait = output._changed.wait

    def note_and_wait(timeout: float | None = None) -> bool:
        waiting.set()
        return wait(timeout)

    output._changed.wait = note_and_wait  # type: ignore[method-assign]
    writer = threading.Thread(target=output.write, args=(samples(7),))
    writer.start()
    assert waiting.wait(5)
    output.stop()
    writer.join(5)
    assert not writer.is_alive()
    assert 7 not in device.take(100)


def test_a_device_that_takes_nothing_any_more_is_an_error(playing: Playing) -> None:
    playing.output.write(samples(*[1] * 200))
    playing.on_wait = lambda: False
    with pytest.raises(
        OSError, match=r"^the loudspeaker has taken no audio for 2 s; is it still connected\?$"
    ):
        playing.output.write(samples(1))
    playing.output.close()
    assert playing.device.calls[-2:] == ["abort", "close"]


def test_closing_fades_out_what_was_not_heard(playing: Playing) -> None:
    playing.output.write(samples(*[1_000] * 100))
    playing.output.close()
    assert [value for value in playing.heard if value] == [1_000, 800, 600, 400, 200]
    assert playing.device.calls[-2:] == ["abort", "close"]
    assert playing.now >= 100 + 0.005 + LATENCY


def test_a_loudspeaker_can_be_used_again(playing: Playing) -> None:
    playing.output.close()
    playing.output.start(2 * RATE)
    playing.output.write(samples(1, 2))
    assert playing.take(3) == [1, 2, 0]
    assert playing.device.options["samplerate"] == 2 * RATE


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (PortAudioError("Error querying device -1"), "there is no sound device"),
        (PortAudioError("Error querying device 5"), "Error querying device 5"),
        (ValueError("No output device matching 'x'"), "No output device matching 'x'"),
    ],
)
def test_a_machine_without_the_device_is_an_error_that_says_what_to_do(
    device: Device, failure: Exception, told: str
) -> None:
    device.failure = failure
    output = Loudspeaker("x")
    reason = f"no loudspeaker can be used here ({told})"
    with pytest.raises(OSError) as caught:  # noqa: PT011 - the text is compared below
        output.start(24_000)
    assert str(caught.value) == f'{reason}; WavFile("answer.wav") writes a file instead'
    output.close()
    assert Loudspeaker.unavailable("x") == reason
    assert device.options == {"device": "x", "channels": 1, "dtype": "int16"}


def test_a_device_that_can_be_used_is_not_unavailable(device: Device) -> None:
    assert Loudspeaker.unavailable() is None
    assert device.options["device"] is None


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    message = 'Loudspeaker needs sounddevice: pip install "ollama-rx[audio]"'
    with pytest.raises(ImportError) as caught:
        Loudspeaker()
    assert str(caught.value) == Loudspeaker.unavailable() == message


@pytest.mark.usefixtures("device")
def test_without_portaudio_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str) -> None:
        raise OSError("PortAudio library not found")

    output = Loudspeaker()
    monkeypatch.setattr(loudspeaker, "import_module", fail)
    message = (
        "Loudspeaker needs PortAudio (PortAudio library not found); "
        "Debian and Ubuntu: sudo apt install libportaudio2"
    )
    with pytest.raises(OSError) as caught:  # noqa: PT011 - the text is compared below
        output.start(24_000)
    assert str(caught.value) == Loudspeaker.unavailable() == message


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize(("wrong", "got"), [(1.5, "float"), (True, "bool"), (b"front", "bytes")])
def test_what_names_no_device_is_refused(wrong: Any, got: str) -> None:
    with pytest.raises(TypeError, match=f"^device: expected the number or the name of a device, got {got}$"):
        Loudspeaker(wrong)


# ALSA's null device takes samples as fast as it can, and `file` notes them. In a process of its own, because
# PortAudio looks for devices only once.
PROGRAM = """
from ollama_rx.speech import Loudspeaker
reason = Loudspeaker.unavailable()
if reason:
    print(reason)
    raise SystemExit(77)
output = Loudspeaker()
for begin in 1, 101:
    output.start(24_000)
    output.write(b"".join(n.to_bytes(2, "little") for n in range(begin, begin + 2_400)))
    output.drain()
    output.close()
"""
ALSA = """
pcm.!default { type file slave.pcm "nothing" file "played.raw" format "raw" }
pcm.nothing { type null }
ctl.!default { type null }
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs ALSA")
def test_alsa_plays_the_samples_without_a_gap(tmp_path: Path) -> None:
    (tmp_path / "null.conf").write_text(ALSA)
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", PROGRAM],
        env=os.environ | {"ALSA_CONFIG_PATH": "/usr/share/alsa/alsa.conf:null.conf", "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode == 77:
        pytest.skip(done.stdout)
    assert done.returncode == 0, done.stderr
    played = array("h", (tmp_path / "played.raw").read_bytes())
    assert [value for value in played if value] == list(range(101, 2_501))
