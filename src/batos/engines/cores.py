"""How many cores are free: what llama.cpp may use without standing in its own way.

Its threads wait for each other after every operation, spinning. One of them that has to
share its core holds up all of them: with two busy neighbours on two cores, two threads
took four to five times as long as one (LOG.md).
"""

from __future__ import annotations

import os
import time
from pathlib import Path

COUNTERS = Path("/proc/stat")
_LOOK_S = 0.06  # the kernel counts in hundredths of a second


def free_cores(counters: Path = COUNTERS, look_s: float = _LOOK_S) -> int:
    """Return how many cores nobody uses, at least 1; call it while this process waits.

    Where the system does not count (it is no Linux), all of them count as free.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    cores = cores or 1
    try:
        idle_before, all_before = _ticks(counters)
        time.sleep(look_s)
        idle_after, all_after = _ticks(counters)
    except (OSError, ValueError):
        return cores
    ticks = all_after - all_before
    idle = (idle_after - idle_before) / ticks if ticks > 0 else 1.0
    return min(cores, max(1, round(cores * idle)))


def _ticks(counters: Path) -> tuple[int, int]:
    """Return the ticks in which all cores idled, and all ticks."""
    _, *fields = counters.read_text().split("\n", 1)[0].split()
    ticks = [int(field) for field in fields[:8]]
    return sum(ticks[3:5]), sum(ticks)
