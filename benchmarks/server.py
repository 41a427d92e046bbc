"""The replay server: compiles `server.c` and runs it for the length of a `with` block."""

import json
import shutil
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

SOURCE = Path(__file__).with_name("server.c")
BUILD = Path(__file__).with_name("build")


@dataclass(frozen=True, slots=True)
class ServerStats:
    """Figures that show whether the server was the bottleneck."""

    cpu: float
    tokens: int
    worst_late_ms: float
    connections: int


class ReplayServer:
    """A running replay server; `url(tokens=..., rate=..., gate=...)` chooses what it sends."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen([str(compile_server())], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self._base = f"http://127.0.0.1:{int(self._process.stdout.readline())}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.communicate(timeout=10)

    @property
    def base(self) -> str:
        """The base URL of streams that are as `choose` wants them."""
        return self._base

    def url(self, *, tokens: int, rate: int = 0, gate: int = 0) -> str:
        """Return the base URL of streams of `tokens` tokens, `rate` a second, or as fast as possible if 0.

        The server holds them back until `gate` of them are open.
        """
        return f"{self._base}/n{tokens}/r{rate}/c{gate}"

    def stats(self) -> ServerStats:
        """Return the processor seconds so far, and tokens and worst lateness since the last call."""
        with urllib.request.urlopen(f"{self._base}/stats", timeout=10) as answer:
            return ServerStats(**json.load(answer))


def choose(base: str, *, tokens: int, rate: int = 0, gate: int = 0) -> None:
    """Say what requests to the base URL get from now on; see `ReplayServer.url`."""
    with urllib.request.urlopen(f"{base}/choose/n{tokens}/r{rate}/c{gate}", timeout=10) as answer:
        answer.read()


def compile_server() -> Path:
    """Compile the server if its source is newer than the program; return the program's path."""
    program = BUILD / "replay-server"
    if program.exists() and program.stat().st_mtime >= SOURCE.stat().st_mtime:
        return program
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None or not sys.platform.startswith("linux"):
        sys.exit("the benchmarks need Linux (epoll) and a C compiler (cc, gcc or clang)")
    BUILD.mkdir(exist_ok=True)
    subprocess.run([compiler, "-O2", "-std=gnu11", "-o", str(program), str(SOURCE)], check=True)
    return program
