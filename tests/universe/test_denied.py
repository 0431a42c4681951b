"""A universe that this process may not change, or not even read."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path
from typing import Any

import pytest
from tests.universe.little_disk import mount_at, need_disks, run_on_disk

from batos.errors import UniverseDenied
from batos.universe.awakening import Mind, awaken
from batos.universe.browser import Browser
from batos.universe.past import diff, history
from batos.universe.universe import open_universe

NOBODY = 65534

children = multiprocessing.get_context("forkserver")


def refuse_to_write(disk: Path) -> dict[str, Any]:
    weights = disk / "weights"
    weights.write_bytes(b"no weights at all")
    awaken(disk / "u", Mind(weights, "none", "none", {}))
    before = {path: path.stat().st_mtime_ns for path in disk.rglob("*")}
    mount_at(disk, "remount,ro")
    with pytest.raises(UniverseDenied) as caught:
        open_universe(disk / "u")
    with pytest.raises(UniverseDenied):
        awaken(disk / "v", Mind(weights, "none", "none", {}))
    reader = open_universe(disk / "u", read_only=True)
    with reader.transaction() as root:
        assert "genesis_obj" in root
        assert Browser(root).implementors("card")
    begins = reader.log(1, everything=True)[0].tid
    assert history(reader, "genesis_obj")
    assert diff(reader, begins) == []
    reader.close()
    assert {path: path.stat().st_mtime_ns for path in disk.rglob("*")} == before
    return {"text": str(caught.value)}


def test_a_universe_on_a_read_only_disk_is_told_and_can_be_read(tmp_path: Path) -> None:
    need_disks()

    answer = run_on_disk(tmp_path / "disk", 1024, __name__, "refuse_to_write")

    assert "may not be used by this process: [Errno 30]" in answer["text"]
    assert "the right to read is enough for `batos inspect`" in answer["text"]


def open_as_somebody(path: Path, read_only: bool, errors: Any) -> None:
    if os.geteuid() == 0:  # for root nothing is denied
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    try:
        open_universe(path, read_only).close()
    except UniverseDenied as error:
        errors.put(str(error))
    else:
        errors.put("opened")


def as_somebody(path: Path, read_only: bool) -> str:
    errors = children.Queue()
    child = children.Process(target=open_as_somebody, args=(path, read_only, errors))
    child.start()
    told: str = errors.get(timeout=60)
    child.join()
    child.close()
    return told


@pytest.fixture
def reachable(universe_path: Path) -> Path:
    """The universe, in folders that everybody may pass."""
    for folder in [universe_path, *universe_path.parents][:-2]:
        if folder.owner() == universe_path.owner():
            folder.chmod(0o755)
    for path in universe_path.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    universe_path.chmod(0o555)
    return universe_path


def test_files_of_somebody_else_can_be_read_and_not_changed(reachable: Path) -> None:
    assert as_somebody(reachable, read_only=True) == "opened"
    assert "may not be used by this process: [Errno 13]" in as_somebody(reachable, False)


def test_a_folder_that_nobody_else_may_enter_is_told(reachable: Path) -> None:
    reachable.chmod(0o000)

    told = as_somebody(reachable, read_only=True)

    reachable.chmod(0o755)
    assert "may not be used by this process: [Errno 13]" in told
