"""Interleaved rounds A B C, A B C: all variants meet the same noise, and ratios are taken within a round."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from threading import Timer
from types import TracebackType
from typing import Any, Self

Figures = dict[str, float]
Round = dict[str, Figures]
Progress = Callable[[str], object]


class NoResultError(Exception):
    """A worker failed, with its traceback on stderr, or took too long."""


class Worker:
    """A process that runs one client, for the length of a ``with`` block."""

    def __init__(self, name: str, loop: str = "") -> None:
        self._command = [sys.executable, "-m", "benchmarks.worker", name, *filter(None, [loop])]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def run(self, timeout: float, /, **job: Any) -> Figures:
        """Run a job and return its figures; kill the worker after ``timeout`` seconds."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        watchdog = Timer(timeout, self._process.kill)
        watchdog.start()
        try:
            self._process.stdin.write(json.dumps(job) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        finally:
            watchdog.cancel()
        if not answer:
            raise NoResultError(f"{' '.join(self._command[3:])}: failed, or took longer than {timeout:.0f} s")
        figures: Figures = json.loads(answer)
        return figures


def interleave(measures: Mapping[str, Callable[[], Figures]], rounds: int, progress: Progress) -> list[Round]:
    """Run all measures in turn in each round; a measure that fails is missing from that round."""
    done: list[Round] = []
    for number in range(rounds):
        found: Round = {}
        for name, measure in measures.items():
            progress(f"round {number + 1}/{rounds}: {name}")
            try:
                found[name] = measure()
            except NoResultError as error:
                print(error, file=sys.stderr)
        done.append(found)
    return done


def median_of(rounds: Sequence[Round], name: str, figure: str) -> float | None:
    """Return the median of one figure of one variant, or None if it was not measured."""
    values = [each[name][figure] for each in rounds if name in each]
    return median(values) if values else None


def ratio(rounds: Sequence[Round], over: str, under: str, figure: str) -> float | None:
    """Return the median of the ratios of two variants, or None; each ratio is taken within a round."""
    values = [each[over][figure] / each[under][figure] for each in rounds if over in each and under in each]
    return median(values) if values else None


def ratio_to_most(rounds: Sequence[Round], over: str, under: Sequence[str], figure: str) -> float | None:
    """Return the median ratio of a variant to the one of several that has the most, or None."""
    complete = [each for each in rounds if {over, *under} <= each.keys()]
    values = [each[over][figure] / max(each[name][figure] for name in under) for each in complete]
    return median(values) if values else None
