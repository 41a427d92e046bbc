"""Recordings are replayed byte for byte, at their own pace or another."""

import os
from pathlib import Path

import httpx
import pytest

from ollama_rx.testing import FakeOllama, Reply, Request, recording
from ollama_rx.testing.server.steps import Step, Until

REQUEST = Request("POST", "/api/generate", "", {}, b"", {}, 0.0, 1)
LINES = [
    b'{"created_at":"2025-07-30T16:08:25.541232Z","response":"A"}\n',
    b'{"created_at": "2025-07-30T16:08:26.041232000Z","response":"B"}\n',
    b'{"created_at":"2025-07-30T16:08:26Z","response":"back in time"}\n',
    b'{"created_at":"2025-07-30T09:08:27.541232-07:00"}\n',
    b'{"created_at":"not.a time"}\n',
    b'{"error":"x"}',
]
TIMED = b"".join(LINES)


def steps(reply: Reply) -> list[Step]:
    return list(reply.body(REQUEST))


def offsets(reply: Reply) -> list[float]:
    return [step.seconds for step in steps(reply) if isinstance(step, Until)]


def test_by_default_lines_are_sent_as_they_are_without_pauses() -> None:
    assert steps(recording(TIMED)) == LINES


def test_pauses_follow_the_times_of_the_lines() -> None:
    assert offsets(recording(TIMED, speed=1)) == pytest.approx([0.5, 0.5, 2.0, 2.0, 2.0])


def test_pauses_shrink_with_the_speed() -> None:
    assert offsets(recording(TIMED, speed=20)) == pytest.approx([0.025, 0.025, 0.1, 0.1, 0.1])


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan")])
def test_an_invalid_speed_raises_value_error(speed: float) -> None:
    with pytest.raises(ValueError, match=r"^speed: expected a number above 0, got "):
        recording(TIMED, speed=speed)


def test_a_file_is_replayed_byte_for_byte_through_the_socket(tmp_path: Path) -> None:
    file = tmp_path / "answer.ndjson"
    file.write_bytes(TIMED)
    with FakeOllama(recording(file, speed=1000)) as fake:
        assert httpx.post(f"{fake.url}/api/chat", json={}).content == TIMED


def test_real_recordings_are_replayed_byte_for_byte() -> None:
    folder = os.environ.get("OLLAMA_RX_RECORDINGS")
    if folder is None:
        pytest.skip("OLLAMA_RX_RECORDINGS is not set")
    files = sorted(Path(folder).glob("*.ndjson"))
    assert files
    with FakeOllama(*map(recording, files)) as fake, httpx.Client() as client:
        for file in files:
            assert client.post(f"{fake.url}/api/chat", json={}).content == file.read_bytes()
