"""The voice: a loudspeaker, and an engine that speaks."""

import shutil
from collections.abc import Iterator
from importlib.util import find_spec

from ollama_rx.cli.doctor.finding import Finding, Target
from ollama_rx.cli.doctor.system_package import install_command
from ollama_rx.speech.outputs.loudspeaker import Loudspeaker

TITLE = "Voice"
POSITION = 7

_ENGINES = (("hibari", "hibari", "tts"), ("piper", "piper", "piper"))  # the name, its module, its extra
_ESPEAK_NG = {"": "espeak-ng", "winget": "eSpeak-NG.eSpeak-NG"}
# sounddevice brings it for macOS and Windows.
_PORTAUDIO = {"": "portaudio", "apt-get": "libportaudio2", "zypper": "libportaudio2"}


def check(_: Target) -> Iterator[Finding]:
    """Look for the engines, and ask the system for a loudspeaker."""
    for name, module, extra in _ENGINES:
        if find_spec(module) is None:
            command = f'pip install "ollama-rx[{extra}]"'
            yield Finding(name=name, status="missing", text="not installed", command=command)
        else:
            yield Finding(name=name, status="ok", text="installed")
    program = shutil.which("espeak-ng")
    if program is None:
        command = install_command(_ESPEAK_NG)
        text = "not found" if command else "not found; https://github.com/espeak-ng/espeak-ng/releases has it"
        yield Finding(name="espeak-ng", status="missing", text=text, command=command)
    else:
        yield Finding(name="espeak-ng", status="ok", text=program, fields={"path": program})
    yield _loudspeaker()


def _loudspeaker() -> Finding:
    missing = Loudspeaker.unavailable()
    if missing is None:
        return Finding(name="loudspeaker", status="ok", text="found")
    if find_spec("sounddevice") is None:
        text, command = "sounddevice is not installed", 'pip install "ollama-rx[audio]"'
    elif "PortAudio" in missing:
        text, command = missing.partition(";")[0], install_command(_PORTAUDIO)
    else:
        text, command = missing, ""  # there is no device
    return Finding(name="loudspeaker", status="missing", text=text, command=command)
