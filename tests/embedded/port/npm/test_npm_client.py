"""The official client for JavaScript uses the embedded model as it uses Ollama."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.embedded.port.conftest import Port
from tests.web.ai_sdk.npm.node_page import installed

pytestmark = pytest.mark.embedded
HERE = Path(__file__).parent
NAME = "smollm2:135m-instruct-q4_1"
WHOLE_NAME = f"registry.ollama.ai/library/{NAME}"
SECONDS = 120.0

_seen: dict[str, Any] = {}


@pytest.fixture
def seen(port: Port) -> dict[str, Any]:
    """Return what `use_ollama.mjs` has seen, which runs once."""
    if not _seen:
        before = len(port.writers)
        script = (HERE / "use_ollama.mjs").read_text(encoding="utf-8")
        done = subprocess.run(  # noqa: S603 - our own code
            ["node", "--input-type=module", "--eval", script, "--", port.url, NAME],  # noqa: S607 - the user's own Node
            cwd=installed(HERE / "package.json"),  # where the script's imports are looked up
            capture_output=True,
            check=False,
            timeout=SECONDS,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        _seen.update(json.loads(done.stdout))
        port.wait_until_idle()
        _seen["complete"] = [writer.complete for writer in port.writers[before:]]
    return _seen


def test_chat(seen: dict[str, Any]) -> None:
    answer = seen["chat"]
    assert answer["message"]["role"] == "assistant"
    assert answer["message"]["content"]
    assert (answer["model"], answer["done_reason"], answer["eval_count"]) == (NAME, "length", 5)


def test_a_streamed_chat(seen: dict[str, Any]) -> None:
    chunks = seen["chatStream"]
    assert [chunk["done"] for chunk in chunks] == [False] * 5 + [True]
    text = "".join(chunk["message"]["content"] for chunk in chunks)
    assert text == seen["chat"]["message"]["content"]


def test_generate_goes_on_from_a_context(seen: dict[str, Any]) -> None:
    context = seen["generate"]["context"]
    *pieces, last = seen["generateStream"]
    assert last["context"][: len(context)] == context
    assert len(pieces) == 5


def test_a_stream_that_is_aborted_stops_the_model(seen: dict[str, Any]) -> None:
    assert seen["aborted"]["name"] == "AbortError"
    assert 1 <= seen["abortedParts"] < 1000
    assert seen["complete"].count(False) == 1


def test_two_streams_run_at_the_same_time(seen: dict[str, Any]) -> None:
    order = seen["order"]
    assert sorted(order) == ["A", "B"] + ["a"] * 20 + ["b"] * 20
    assert min(order.index("A"), order.index("B")) > max(order.index("a"), order.index("b"))


def test_models_are_listed_and_shown(seen: dict[str, Any]) -> None:
    (listed,), (running,) = seen["list"]["models"], seen["ps"]["models"]
    assert (listed["name"], running["name"]) == (NAME, NAME)
    assert listed["digest"] == running["digest"]
    assert running["expires_at"] > listed["modified_at"]
    assert seen["show"]["capabilities"] == ["completion"]
    assert seen["show"]["details"] == listed["details"]
    assert seen["version"]["version"]


def test_pull(seen: dict[str, Any]) -> None:
    assert seen["pull"]["status"] == "success"
    statuses = [step["status"] for step in seen["pullStream"]]
    assert (statuses[0], statuses[-1]) == ("pulling manifest", "success")


@pytest.mark.parametrize(
    ("what", "status", "words"),
    [
        ("unknown", 404, "model 'llama3.2' not found"),
        ("unknownStream", 404, "model 'llama3.2' not found"),
        ("tools", 400, f"{WHOLE_NAME} does not support tools"),
        ("images", 400, f"{WHOLE_NAME} does not support vision"),
        ("embed", 501, "This server does not support embeddings."),
        ("embeddings", 500, "This server does not support embeddings."),
        ("delete", 404, "model 'llama3.2' not found"),
        ("create", 501, "the embedded model does not offer /api/create"),
        ("pull", None, f"the embedded model is {NAME} and no other"),
    ],
)
def test_what_the_model_cannot_do_is_an_error(
    seen: dict[str, Any], what: str, status: int | None, words: str
) -> None:
    error = seen["errors"][what]
    assert error["status"] == status
    assert error["message"].startswith(words)
