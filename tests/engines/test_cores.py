from __future__ import annotations

import os
import threading
from pathlib import Path

from batos.engines.cores import free_cores

CORES = len(os.sched_getaffinity(0))


def look(counters: Path, before: str, after: str) -> int:
    """Look at counters that change from one text to another meanwhile."""
    counters.write_text(before)
    timer = threading.Timer(0.05, counters.write_text, [after])
    timer.start()
    found = free_cores(counters, look_s=0.2)
    timer.join()
    return found


def test_on_an_idle_machine_all_cores_are_free(tmp_path: Path) -> None:
    assert look(tmp_path / "stat", "cpu 0 0 0 0 0 0 0 0", "cpu 0 0 0 100 0 0 0 0") == CORES


def test_on_a_busy_machine_one_is_left(tmp_path: Path) -> None:
    assert look(tmp_path / "stat", "cpu 0 0 0 0 0 0 0 0", "cpu 100 0 0 0 0 0 0 0") == 1


def test_time_that_a_host_takes_away_is_not_free(tmp_path: Path) -> None:
    assert look(tmp_path / "stat", "cpu 0 0 0 0 0 0 0 0", "cpu 0 0 0 0 0 0 0 100") == 1


def test_where_nothing_counts_all_cores_are_taken_for_free(tmp_path: Path) -> None:
    assert free_cores(tmp_path / "none", look_s=0) == CORES
