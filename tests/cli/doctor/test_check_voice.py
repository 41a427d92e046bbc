"""The doctor looks for a loudspeaker and for what speaks."""

import shutil
from collections.abc import Collection

import pytest

from ollama_rx.cli.doctor.check_voice import check
from ollama_rx.cli.doctor.finding import Finding, Target
from ollama_rx.cli.doctor.system_package import install_command
from ollama_rx.speech.outputs.loudspeaker import Loudspeaker

PORTAUDIO = "Loudspeaker needs PortAudio (not found); Debian and Ubuntu: sudo apt install libportaudio2"


def have(
    monkeypatch: pytest.MonkeyPatch,
    *,
    modules: Collection[str] = (),
    programs: Collection[str] = (),
    missing: str | None = None,
) -> dict[str, Finding]:
    def find_spec(name: str) -> object:
        return name if name in modules else None

    def which(name: str) -> str | None:
        return f"/bin/{name}" if name in programs else None

    monkeypatch.setattr("ollama_rx.cli.doctor.check_voice.find_spec", find_spec)
    monkeypatch.setattr(shutil, "which", which)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr(Loudspeaker, "unavailable", lambda: missing)
    return {finding.name: finding for finding in check(Target())}


def test_everything_that_is_installed_is_ok(monkeypatch: pytest.MonkeyPatch) -> None:
    found = have(monkeypatch, modules=["hibari", "piper"], programs=["espeak-ng"])
    assert {finding.status for finding in found.values()} == {"ok"}
    assert found["espeak-ng"].text == "/bin/espeak-ng"


def test_what_is_missing_has_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    found = have(monkeypatch, programs=["apt-get"], missing="Loudspeaker needs sounddevice: ...")
    assert {name: finding.command for name, finding in found.items()} == {
        "hibari": 'pip install "ollama-rx[tts]"',
        "piper": 'pip install "ollama-rx[piper]"',
        "espeak-ng": "sudo apt install espeak-ng",
        "loudspeaker": 'pip install "ollama-rx[audio]"',
    }


@pytest.mark.parametrize(
    ("manager", "command"),
    [("apt-get", "sudo apt install libportaudio2"), ("dnf", "sudo dnf install portaudio"), ("none", "")],
)
def test_the_library_of_the_loudspeaker_has_another_name_in_each_system(
    monkeypatch: pytest.MonkeyPatch, manager: str, command: str
) -> None:
    found = have(monkeypatch, modules=["sounddevice"], programs=[manager], missing=PORTAUDIO)
    assert found["loudspeaker"].text == "Loudspeaker needs PortAudio (not found)"
    assert found["loudspeaker"].command == command


def test_a_machine_without_a_sound_device_has_no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    found = have(monkeypatch, modules=["sounddevice"], programs=["apt-get"], missing="no sound device")
    assert (found["loudspeaker"].text, found["loudspeaker"].command) == ("no sound device", "")


def test_without_a_package_manager_the_place_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    found = have(monkeypatch)
    assert (found["espeak-ng"].status, found["espeak-ng"].command) == ("missing", "")
    assert "https://github.com/espeak-ng/espeak-ng/releases" in found["espeak-ng"].text


@pytest.mark.parametrize(
    ("manager", "user", "command"),
    [
        ("apt-get", 1000, "sudo apt install espeak-ng"),
        ("apt-get", 0, "apt install espeak-ng"),
        ("pacman", 1000, "sudo pacman -S espeak-ng"),
        ("apk", 0, "apk add espeak-ng"),
        ("brew", 1000, "brew install espeak-ng"),
        ("winget", 1000, "winget install eSpeak-NG.eSpeak-NG"),
    ],
)
def test_each_system_has_its_command(
    monkeypatch: pytest.MonkeyPatch, manager: str, user: int, command: str
) -> None:
    have(monkeypatch, programs=[manager])
    monkeypatch.setattr("os.geteuid", lambda: user)
    assert install_command({"": "espeak-ng", "winget": "eSpeak-NG.eSpeak-NG"}) == command


def test_a_system_without_the_package_has_no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    have(monkeypatch, programs=["apt-get"])
    assert install_command({"brew": "something"}) == ""
