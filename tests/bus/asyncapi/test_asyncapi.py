"""docs/bus.asyncapi.yaml is valid, and has every subject, stream, header and event, and no other."""

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from ollama_rx.bus import subjects as names
from ollama_rx.bus.registry.worker_state import WorkerState
from ollama_rx.bus.runs.prompt import Prompt
from ollama_rx.bus.runs.run_event import EventKind, RunEvent
from ollama_rx.bus.subjects import Subjects, entry_subject, word_of
from tests.web.ai_sdk.npm.node_page import installed

HERE = Path(__file__).parent
TEXT = (HERE.parents[2] / "docs" / "bus.asyncapi.yaml").read_text(encoding="utf-8")
DOCUMENT: dict[str, Any] = yaml.safe_load(TEXT)
MESSAGES: dict[str, Any] = DOCUMENT["components"]["messages"]
EVENT: dict[str, Any] = DOCUMENT["components"]["messageTraits"]["event"]["headers"]


def headers_of(message: str) -> dict[str, Any]:
    found: dict[str, Any] = MESSAGES[message]["headers"]
    return found


def test_it_is_valid() -> None:
    folder = installed(HERE / "package.json") / "node_modules" / "@asyncapi" / "specs" / "schemas"
    schema = json.loads((folder / f"{DOCUMENT['asyncapi']}.json").read_text(encoding="utf-8"))
    validator = jsonschema_rs.validator_for(schema)
    assert [str(error) for error in validator.iter_errors(DOCUMENT)] == []
    assert not validator.is_valid(DOCUMENT | {"chanels": {}})


def test_every_reference_leads_somewhere() -> None:
    references = re.findall(r"\$ref: '#/([^']+)'", TEXT)
    assert references
    for reference in references:
        part: Any = DOCUMENT
        for name in reference.split("/"):
            part = part[name]


def test_every_subject_is_a_channel_and_the_reverse() -> None:
    ours = Subjects()
    prompt = ours.prompt("llama3.2", "{run}").replace(word_of("llama3.2"), "{model}")
    single = {
        "prompt": prompt,
        "events": ours.events("{run}"),
        "control": ours.control("{run}"),
        "readers": ours.readers("{run}"),
        "worker": ours.worker("{worker}"),
    }
    others = {
        "registry": entry_subject(ours.workers_bucket, "{worker}"),
        "subject": "{subject}",  # of the user's own
        "reply": None,  # an inbox
    }
    assert {name: channel["address"] for name, channel in DOCUMENT["channels"].items()} == single | others
    several = {"all_prompts", "prompts_of", "prompt_of_any_model", "all_events", "all_controls"}
    streams = {"prompts_stream", "events_stream", "workers_bucket", "large_bucket"}
    known = {*single, *several, *streams, "namespace"}
    assert {name for name in vars(Subjects) if not name.startswith("_")} == known, (
        "describe it in the document"
    )


def test_every_stream_is_described_and_no_other() -> None:
    ours = Subjects()
    assert set(DOCUMENT["x-streams"]) == {
        ours.prompts_stream,
        ours.events_stream,
        f"KV_{ours.workers_bucket}",
        f"OBJ_{ours.large_bucket}",
    }


def test_every_header_is_described_and_no_other() -> None:
    ours = {text for text in vars(names).values() if str(text).startswith(("Nats-", "Ollama-Rx-"))}
    described = [EVENT, *(message["headers"] for message in MESSAGES.values() if "headers" in message)]
    assert {header for headers in described for header in headers["properties"]} == ours


def test_the_headers_of_a_prompt_are_those_that_are_sent() -> None:
    least = Prompt(run="r", model="m", path="/api/chat", body=b"").headers()
    most = Prompt(run="r", model="m", path="/api/chat", body=b"", detached=True, body_name="b").headers()
    described = headers_of("prompt")
    assert set(described["required"]) == set(least)
    assert set(described["properties"]) == {*most, names.EXPECTED_POSITION}
    assert described["properties"][names.PROMPT_DETACHED]["const"] == most[names.PROMPT_DETACHED]


def test_the_events_of_a_run_are_those_that_are_stored() -> None:
    kinds = [kind.value for kind in EventKind]
    assert list(DOCUMENT["channels"]["events"]["messages"]) == kinds
    assert EVENT["properties"][names.EVENT_KIND]["enum"] == kinds
    assert set(EVENT["properties"]) == set(RunEvent("r", 1, 0, EventKind.END).headers(after=0))
    assert EVENT["required"] == list(RunEvent("r", 1, 0, EventKind.LINES).headers())


@pytest.mark.parametrize("kind", ["end", "failed", "cancelled", "start", "lines", "cut"])
def test_an_event_that_ends_the_run_is_described_so(kind: str) -> None:
    is_final = RunEvent("r", 1, 0, EventKind(kind)).is_final
    assert ("The run is over" in MESSAGES[kind]["summary"]) is is_final


def test_an_entry_of_the_registry_has_the_fields_that_are_described() -> None:
    described = DOCUMENT["components"]["schemas"]["workerState"]["properties"]
    assert set(described) == {field.name for field in fields(WorkerState)} - {"id"}
    entry = json.loads(WorkerState(id="w").encode(10_000))
    jsonschema_rs.validator_for(DOCUMENT["components"]["schemas"]["workerState"]).validate(entry)
