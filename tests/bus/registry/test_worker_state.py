"""What a worker registers fits into a message, and is read tolerantly."""

import logging
from typing import Any

import orjson
import pytest

from ollama_rx.bus.registry.worker_state import WorkerState, name_of

MAX_PAYLOAD = 1024 * 1024


def model(number: int) -> dict[str, Any]:
    return {
        "name": f"model-{number}:latest",
        "model": f"model-{number}:latest",
        "modified_at": "2026-01-02T03:04:05.123456789Z",
        "size": 1_000_000_000 + number,
        "digest": f"{number * 7919**15:064x}"[-64:],
        "details": {"parent_model": "", "format": "gguf", "family": "llama", "parameter_size": "8B"},
    }


def test_a_state_comes_out_as_it_went_in() -> None:
    state = WorkerState(
        id="w1",
        name="left",
        version="0.33.0",
        models=(model(1), model(2)),
        offered=("gpt-oss:120b-cloud",),
        running=(model(2),),
        streams=3,
        parallel=4,
        problem="none",
    )
    assert WorkerState.decode("w1", state.encode(MAX_PAYLOAD)) == state


def test_a_short_entry_can_be_read_by_people() -> None:
    assert orjson.loads(WorkerState(id="w1", name="left").encode(MAX_PAYLOAD)) == {
        "name": "left",
        "version": "",
        "models": [],
        "offered": [],
        "running": [],
        "streams": 0,
        "parallel": 1,
        "problem": "",
    }


def test_a_model_is_found_by_any_of_its_names() -> None:
    state = WorkerState(id="w1", models=({"name": "Llama3:latest"}, {"model": "qwen3:8b"}))
    assert state.has_model("llama3")
    assert state.has_model("LLAMA3:latest")
    assert state.has_model("qwen3:8B")
    assert not state.has_model("qwen3")
    assert [name_of(one) for one in state.models] == ["Llama3:latest", "qwen3:8b"]


def test_hundreds_of_models_fit_into_a_message_with_all_details() -> None:
    state = WorkerState(id="w1", models=tuple(map(model, range(2000))))
    entry = state.encode(MAX_PAYLOAD)
    assert len(entry) < MAX_PAYLOAD
    assert WorkerState.decode("w1", entry) == state


def test_details_are_left_out_if_there_is_no_room_for_them() -> None:
    varied = tuple({**model(number), "details": {"digests": f"{3**900 * number:x}"}} for number in range(100))
    entry = WorkerState(id="w1", models=varied).encode(20_000)
    assert len(entry) <= 20_000
    found = WorkerState.decode("w1", entry)
    assert [name_of(one) for one in found.models] == [f"model-{number}:latest" for number in range(100)]
    assert "details" not in found.models[0]
    assert found.models[7]["digest"] == varied[7]["digest"]


def test_models_are_left_out_with_a_warning_if_there_is_no_other_way(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    entry = WorkerState(id="w1", name="left", models=tuple(map(model, range(1000)))).encode(15_000)
    assert len(entry) <= 15_000
    assert [name_of(one) for one in WorkerState.decode("w1", entry).models] == [
        f"model-{number}:latest" for number in range(250)
    ]
    assert caplog.messages == [
        "worker left: only 250 of 1000 models fit into a message of 15000 bytes; raise max_payload"
    ]


def test_an_entry_that_cannot_be_short_enough_is_still_an_entry() -> None:
    assert WorkerState.decode("w1", WorkerState(id="w1", models=(model(1),)).encode(10)).models == ()


def test_unknown_fields_and_wrong_types_are_passed_over() -> None:
    entry = {
        "name": 7,
        "version": None,
        "models": [{"name": "a", "color": "red"}, {"size": 1}, "b", None],
        "offered": [7, "b:cloud", ""],
        "running": {"name": "a"},
        "streams": "many",
        "parallel": [],
        "problem": 1.5,
        "later": {"more": True},
    }
    assert WorkerState.decode("w1", orjson.dumps(entry)) == WorkerState(
        id="w1", models=({"name": "a", "color": "red"},), offered=("b:cloud",)
    )


@pytest.mark.parametrize("entry", [b"", b"garbage", b"[]", b"x\x9cgarbage", b'"text"'])
def test_what_is_no_entry_is_refused(entry: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each has words of its own
        WorkerState.decode("w1", entry)
