"""The JSON object has the fields that docs/bench.md names."""

import re
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import orjson
import pytest

from ollama_rx.cli.bench import bench_report
from ollama_rx.cli.bench.bench_json import to_json
from ollama_rx.cli.bench.bench_level import BenchLevel
from tests.cli.bench.made_results import failed_result, made_level, made_result
from tests.cli.bench.test_bench_table import made_report

PAGE = (Path(__file__).parents[3] / "docs" / "bench.md").read_text(encoding="utf-8")


def as_read(value: dict[str, Any]) -> dict[str, Any]:
    read: dict[str, Any] = orjson.loads(orjson.dumps(value))
    return read


def test_the_settings_and_the_environment_are_told() -> None:
    found = as_read(to_json(made_report(made_level(made_result(), streams=2)), interrupted=True))
    assert found["format"] == 1
    assert found["interrupted"] is True
    assert found["started_at"] == "2026-11-27T19:30:05+00:00"
    assert found["settings"] == {
        "model": "mine",
        "prompts": ["Why?", "How?"],
        "requests": 2,
        "streams": [2],
        "options": {"num_predict": 128, "stop": ["a"]},
        "warm_up": True,
    }
    assert found["environment"]["host"] == "http://127.0.0.1:11434"
    assert found["environment"]["server_version"] == "0.24.0"
    assert re.fullmatch(r"3\.\d+\.\d+", found["environment"]["python"])


def test_a_level_has_its_figures_and_its_requests_in_their_order() -> None:
    level = made_level(
        made_result(1, started=12.0), failed_result(2, started=12.5), made_result(0, started=11.0)
    )
    level.begun = 5
    (found,) = as_read(to_json(made_report(level), interrupted=False))["levels"]
    counts = ("streams", "requests", "completed", "failed", "interrupted", "output_tokens", "prompt_tokens")
    assert [found[name] for name in counts] == [1, 3, 2, 1, 2, 10, 40]
    assert (found["wall_seconds"], found["tokens_per_second"]) == (2.5, 4.0)
    assert found["time_to_first_token_seconds"] == {
        "count": 2,
        "mean": 0.5,
        "median": 0.5,
        "p95": 0.5,
        "p99": 0.5,
        "max": 0.5,
    }
    assert found["server"]["load_duration_seconds"] == 0.25
    assert [result["request"] for result in found["results"]] == [0, 1, 2]
    assert [result["prompt"] for result in found["results"]] == [0, 1, 0]
    assert [result["started_seconds"] for result in found["results"]] == [0.0, 1.0, 1.5]
    assert [result["error"] for result in found["results"]] == [None, None, "out of memory"]
    assert found["results"][0]["longest_gap_seconds"] == 0.03
    assert found["results"][0]["server"]["eval_duration_seconds"] == 0.05


def test_what_is_not_known_is_null() -> None:
    report = made_report(made_level(failed_result()), warm_up=None, server_version=None)
    found = as_read(to_json(report, interrupted=False))
    assert (found["warm_up"], found["environment"]["server_version"]) == (None, None)
    assert found["levels"][0]["time_to_first_token_seconds"] is None
    assert found["levels"][0]["results"][0]["longest_gap_seconds"] is None


def test_a_level_that_was_not_begun_is_left_out() -> None:
    begun = BenchLevel(streams=2, requests=2, begun=1)
    levels = as_read(to_json(made_report(begun, BenchLevel(streams=4, requests=2)), interrupted=True))[
        "levels"
    ]
    assert [(level["streams"], level["interrupted"], level["results"]) for level in levels] == [(2, 1, [])]


def test_a_package_that_is_not_installed_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(bench_report, "version", unknown)
    assert bench_report.client_environment()["ollama_rx"] is None


def test_the_page_names_every_field() -> None:
    found = as_read(to_json(made_report(made_level(made_result())), interrupted=False))
    found["settings"]["options"] = {}
    named = set(re.findall(rb'"(\w+)":', orjson.dumps(found)))
    assert {name.decode() for name in named} == set(re.findall(r"`(\w+)`", PAGE.split("\n## JSON\n")[1]))
