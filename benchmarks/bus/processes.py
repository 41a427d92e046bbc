"""What processes have used, as another process on this machine sees it."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Used:
    """The processor seconds, of all threads, and the memory of some processes at one moment."""

    moment: float
    cpu: dict[str, float]
    kib: dict[str, float]


def used_by(processes: Mapping[str, list[int]]) -> Used:
    """Return what processes, of which several may have one name, have used so far."""
    return Used(
        time.monotonic(),
        {name: sum(map(_cpu, pids)) for name, pids in processes.items()},
        {name: sum(map(_resident_kib, pids)) for name, pids in processes.items()},
    )


def _cpu(pid: int) -> float:
    return time.clock_gettime(~pid << 3 | 2)  # clock_getcpuclockid(3), which Python does not have


def _resident_kib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024
