"""Killed at random moments under load: what was acknowledged is there, and nothing half."""

from __future__ import annotations

import json
import multiprocessing
import random
import statistics
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from tests.universe.load import Found, Told, check, open_loaded, prepare, random_weights, run

from batos.universe.tails import kept_tails

# Children are forked from a process that has everything imported.
children = multiprocessing.get_context("forkserver")
children.set_forkserver_preload(["tests.universe.load"])


def run_until_killed(path: Path, weights: Path, packs: bool, after_s: float) -> Told:
    """Return what a process under load has reported until it was killed."""
    reports, its_end = children.Pipe(duplex=False)
    child = children.Process(target=run, args=(path, weights, packs, its_end))
    child.start()
    its_end.close()
    told = Told()
    kill_at = None
    while kill_at is None or time.monotonic() < kill_at:
        if reports.poll(0.001 if kill_at else 60):
            told.add(reports.recv())
            kill_at = kill_at or time.monotonic() + after_s
    child.kill()
    child.join()
    child.close()
    try:
        while True:  # what was on its way
            told.add(reports.recv())
    except (EOFError, OSError):
        reports.close()
    return told


def kill_often(path: Path, weights: Path, kills: int, packs: bool) -> list[Found]:
    prepare(path)
    chance = random.Random(7)
    before: dict[str, Any] = {}
    found = []
    for _ in range(kills):
        told = run_until_killed(path, weights, packs, chance.uniform(0, 0.8))
        found.append(check(path, weights, told, before))
    open_loaded(path).close()  # the next owner writes down what is missing
    assert check(path, weights, Told(), before).undecided == 0
    return found


def summary(path: Path, found: list[Found]) -> str:
    """Return the figures of a run, as one line of JSON."""
    opened = [kill.open_s for kill in found]
    return json.dumps(
        {
            "kills": len(found),
            "acknowledged": sum(kill.acknowledged for kill in found),
            "unacknowledged_and_there": sum(kill.unacknowledged for kill in found),
            "undecided_proposals": sum(kill.undecided for kill in found),
            "open_s_median": round(statistics.median(opened), 4),
            "open_s_longest": round(max(opened), 4),
            "torn_ends": len(kept_tails(path)),
            "last": asdict(found[-1]),
        }
    )


def test_killed_25_times_it_loses_nothing_and_does_nothing_by_halves(
    universe_path: Path, tmp_path: Path
) -> None:
    weights = random_weights(tmp_path / "more weights")

    found = kill_often(universe_path, weights, kills=25, packs=False)

    assert sum(kill.acknowledged for kill in found) > 100
    print(summary(universe_path, found))  # noqa: T201  shown by `pytest -s`


@pytest.mark.fuzz
@pytest.mark.timeout(3600)
def test_killed_200_times_it_loses_nothing_and_does_nothing_by_halves(
    universe_path: Path, tmp_path: Path
) -> None:
    weights = random_weights(tmp_path / "more weights")

    found = kill_often(universe_path, weights, kills=200, packs=True)

    assert sum(kill.acknowledged for kill in found) > 1000
    print(summary(universe_path, found))  # noqa: T201  shown by `make fuzz`
