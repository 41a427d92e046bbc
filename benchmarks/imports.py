"""The processor time that a fresh interpreter needs to import the package and to build a first pipeline.

``python -m benchmarks.imports [ROUNDS]`` prints the medians; it is also the scenario `imports`.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from statistics import quantiles

from benchmarks.rounds import Figures, Round, interleave, median_of, ratio

ROUNDS = 21

# Hides our extras. Where click is installed, httpx also imports its command line, and with it rich.
_CORE = "import sys; sys.modules.update(dict.fromkeys(('click', 'rich', 'uvloop')))\n"
_USUAL = """
from ollama_rx import Client, deliver
from ollama_rx import operators as op
from ollama_rx.sinks import Console
"""
PROGRAMS = {
    "nothing": "pass",
    "libraries": "import httpx, reactivex, orjson",
    "package": "import ollama_rx",
    "usual": _USUAL,
    "pipeline": _USUAL + "op.text(), op.stop_at('x'), op.split_sentences()",
}
"""All of them load the libraries, except `nothing` and `package`: it imports nothing until a name is used."""


def measure_imports(rounds: int, progress: Callable[[str], object]) -> list[Round]:
    """Run each program in a fresh interpreter, interleaved."""
    for program in PROGRAMS.values():
        run(program)  # writes missing .pyc files, so that no round compiles anything
    measures: dict[str, Callable[[], Figures]] = {
        name: partial(run, program) for name, program in PROGRAMS.items()
    }
    return interleave(measures, rounds, progress)


def run(program: str) -> Figures:
    """Return the milliseconds of processor time, user and system, that one interpreter takes."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen([sys.executable, "-c", _CORE + program], env=environment)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"exit code {process.returncode}: {program}")
    return {"ms": (used.ru_utime + used.ru_stime) * 1e3}


def main() -> None:
    """Print the median, the middle half of the rounds, and the ratio to the libraries alone."""
    rounds = measure_imports(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS, lambda _: None)
    print(f"{'program':12}{'ms':>8}{'middle half':>16}{'x libraries':>13}")
    for name in PROGRAMS:
        low, _, high = quantiles([each[name]["ms"] for each in rounds], n=4)
        times = ratio(rounds, name, "libraries", "ms")
        print(f"{name:12}{median_of(rounds, name, 'ms'):8.0f}{f'{low:.0f} .. {high:.0f}':>16}{times:13.2f}")


if __name__ == "__main__":
    main()
