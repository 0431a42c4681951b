"""An awakening that fails or is killed, at any time: no universe, or a whole one."""

from __future__ import annotations

import errno
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from batos.universe.awakening import Mind, awaken

KILLS = 20

CheckWhole = Callable[[Path, Path], None]

# Children are forked from a process that has everything imported.
children = multiprocessing.get_context("forkserver")
children.set_forkserver_preload(["batos.universe.awakening"])


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def awaken_in_little_space(place: Path, mind: Mind, most_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
    try:
        awaken(place, mind)
    except OSError as error:
        os._exit(error.errno or 1)


@pytest.mark.parametrize("most_bytes", [1, 100, 1000, 50_000])
def test_wherever_a_write_fails_nothing_is_left_behind(
    place: Path, mind: Mind, most_bytes: int
) -> None:
    child = children.Process(target=awaken_in_little_space, args=(place, mind, most_bytes))

    child.start()
    child.join()

    assert child.exitcode == errno.EFBIG
    assert names(place.parent) == []
    child.close()


def check_after_kill(place: Path, mind: Mind, check_whole: CheckWhole) -> bool:
    """Return whether the universe had been born; check what is there, and clear it away."""
    born = place.exists()
    if not born:
        awaken(place, mind)
    check_whole(place, mind.weights)
    assert names(place.parent) == ["my.universe"]
    shutil.rmtree(place)
    return born


def test_killed_at_any_time_it_leaves_no_universe_or_a_whole_one(
    place: Path, tmp_path: Path, mind: Mind, check_whole: CheckWhole
) -> None:
    weights = tmp_path / "large.gguf"
    weights.write_bytes(random.Random(7).randbytes(64 << 20))
    mind = replace(mind, weights=weights)
    chance = random.Random(7)
    longest_s = 0.5  # about as long as one takes here; the next measures it
    for _ in range(KILLS):
        child = children.Process(target=awaken, args=(place, mind))
        child.start()
        child.join(timeout=chance.uniform(0, longest_s))
        child.kill()
        child.join()
        child.close()

        born = check_after_kill(place, mind, check_whole)

        longest_s *= 0.8 if born else 1.1  # stay where about half of them are done


def awaken_until(place: Path, mind: Mind, last_step: int) -> None:
    """Awaken, and die at a certain line of Python."""
    step = 0

    def count(_frame: FrameType, _event: str, _argument: object) -> Any:
        nonlocal step
        step += 1
        if step == last_step:
            os.kill(os.getpid(), signal.SIGKILL)
        return count

    sys.settrace(count)
    awaken(place, mind)
    sys.settrace(None)
    (place.parent / "steps").write_text(str(step))


def test_killed_at_any_step_it_leaves_no_universe_or_a_whole_one(
    place: Path, mind: Mind, check_whole: CheckWhole
) -> None:
    whole = children.Process(target=awaken_until, args=(place, mind, -1))
    whole.start()
    whole.join()
    steps = int((place.parent / "steps").read_text())
    shutil.rmtree(place.parent)
    chance = random.Random(7)

    born = []
    for step in [*chance.sample(range(steps), 12), *range(steps - 120, steps, 20)]:
        child = children.Process(target=awaken_until, args=(place, mind, step))
        child.start()
        child.join()
        assert child.exitcode == -signal.SIGKILL
        born.append(check_after_kill(place, mind, check_whole))

    assert True in born
    assert False in born
