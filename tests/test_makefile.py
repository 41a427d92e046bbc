"""`make run` passes the prompt on as it was written."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


MISSING = shutil.which("make") is None or not (ROOT / "Makefile").exists()


@pytest.mark.skipif(MISSING, reason="no make, or a source distribution")
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (['PROMPT=Say "hi"; it\'s `me` \\ *'], 'Say "hi"; it\'s `me` \\ *'),
        (["PROMPT="], "Why is the sky blue? Answer in three sentences."),
        ([], "Why is the sky blue? Answer in three sentences."),
    ],
)
def test_a_prompt_may_hold_characters_that_are_special_to_a_shell(
    tmp_path: Path, given: list[str], expected: str
) -> None:
    command = tmp_path / "ollama-rx"
    command.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    command.chmod(0o755)
    ready = tmp_path / "ready"
    ready.touch()
    done = subprocess.run(  # noqa: S603
        ["make", "-s", "-C", str(ROOT), "run", f"BIN={tmp_path}", f"STAMP={ready}", *given],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
        env={name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "PROMPT"))},
    )
    lines = [line for line in done.stdout.splitlines() if not line.startswith("make")]
    assert lines == ["run", expected, "--sentences", "--stats"]
