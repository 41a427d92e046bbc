"""The scenarios of a voice: hibari says what the embedded model answers; the programs are in `speech`."""

import json
import subprocess
import sys
from functools import partial
from typing import Any

from benchmarks.rounds import Figures, NoResultError, Progress, Round, interleave
from benchmarks.server import ReplayServer
from benchmarks.size import Size

SECONDS = 900.0


def voice_first_audio(server: ReplayServer, size: Size, progress: Progress) -> list[Round]:  # noqa: ARG001 - as all
    """Measure prompt to first audio with everything loaded, a question in each round."""
    progress(f"{size.voice_questions} questions")
    rounds: list[Figures] = _result(_start("first_audio", size.voice_questions))
    return [{"warm": figures} for figures in rounds]


def voice_cold_start(server: ReplayServer, size: Size, progress: Progress) -> list[Round]:  # noqa: ARG001 - as all
    """Measure new processes until the first audio, beside those that load the model or the voice only."""
    measures = {kind: partial(_run, "cold_start", kind) for kind in ("model", "voice", "both")}
    for measure in measures.values():
        measure()  # fills the caches of the file system
    return interleave({**measures, "two processes": _apart}, size.voice_rounds, progress)


def voice_gaps(server: ReplayServer, size: Size, progress: Progress) -> list[Round]:  # noqa: ARG001 - as all
    """Measure the silence between sentences, in real time."""
    return interleave({"answer": partial(_run, "gaps", size.voice_tokens)}, size.voice_answers, progress)


def voice_interrupt(server: ReplayServer, size: Size, progress: Progress) -> list[Round]:  # noqa: ARG001 - as all
    """Measure how soon the voice is silent; only once, because it takes many moments."""
    busy = size.voice_moments // 4
    measures = {
        "idle": partial(_run, "interruptions", size.voice_moments - busy),
        "while the model computes": partial(_run, "interruptions", busy, "busy"),
    }
    return interleave(measures, 1, progress)


def voice_heard(server: ReplayServer, size: Size, progress: Progress) -> list[Round]:  # noqa: ARG001 - as all
    """Measure how exact the text is that was heard; only once, because it is always the same."""
    kinds = ("words", "estimate")
    return interleave(
        {kind: partial(_run, "heard_text", kind, size.voice_moments) for kind in kinds}, 1, progress
    )


def voice_memory(server: ReplayServer, size: Size, progress: Progress) -> list[Round]:  # noqa: ARG001 - as all
    """Measure the memory of a process that speaks for half an hour; only once, because it takes long."""
    return interleave({"hibari": partial(_run, "memory", size.voice_minutes)}, 1, progress)


def _apart() -> Figures:
    """Load the model and the voice side by side in two processes: as far as the machine can do it."""
    both = [_result(process) for process in [_start("cold_start", kind) for kind in ("model", "voice")]]
    return {"ms": max(each["ms"] for each in both), "cpu ms": sum(each["cpu ms"] for each in both)}


def _run(program: str, *arguments: object) -> Figures:
    figures: Figures = _result(_start(program, *arguments))
    return figures


def _start(program: str, *arguments: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", f"benchmarks.speech.{program}", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _result(process: "subprocess.Popen[str]") -> Any:
    try:
        output, _ = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        output = ""
    if process.returncode or not output:
        raise NoResultError(f"{process.args!r}: failed, or took longer than {SECONDS:.0f} s")
    return json.loads(output)
