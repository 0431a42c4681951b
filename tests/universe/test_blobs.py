"""Weights in, paths out."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest

from batos.universe.awakening import Mind, awaken
from batos.universe.blobs import path_of
from batos.universe.universe import open_universe

MIB = 1 << 20

MEASURE = """
import re, sys
from pathlib import Path
from batos.universe.awakening import Mind, awaken

def kib(name):
    return int(re.search(name + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

before = kib("VmRSS")
awaken(Path(sys.argv[2]), Mind(Path(sys.argv[1]), "none", "none", {}))
print(kib("VmHWM") - before)
"""


def committed_path(place: Path) -> Path:
    universe = open_universe(place)
    with universe.transaction() as root:
        path = path_of(root["pLLM_obj"].model_blob)
    universe.close()
    return path


def check_bytes(place: Path, mind: Mind) -> None:
    path = committed_path(place)
    assert path.is_relative_to(place / "blobs")
    assert path.read_bytes() == mind.weights.read_bytes()


@pytest.mark.parametrize("size", [0, 1, 4095, 100_000])
def test_the_committed_file_has_the_same_bytes(place: Path, mind: Mind, size: int) -> None:
    mind.weights.write_bytes(mind.weights.read_bytes()[:size])

    awaken(place, mind)

    check_bytes(place, mind)


def test_a_committed_file_cannot_be_written_by_accident(place: Path, mind: Mind) -> None:
    awaken(place, mind)

    assert committed_path(place).stat().st_mode & 0o222 == 0


@pytest.mark.parametrize("number", [errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP])
def test_bytes_are_copied_where_the_kernel_cannot_share_them(
    place: Path, mind: Mind, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_args: object) -> NoReturn:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "copy_file_range", refuse)

    awaken(place, mind)

    check_bytes(place, mind)


def test_progress_is_told_to_its_end(
    place: Path, mind: Mind, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_file_range = os.copy_file_range
    monkeypatch.setattr(
        os,
        "copy_file_range",
        lambda source, target, _n: copy_file_range(source, target, 30_000),
    )
    seen: list[tuple[int, int]] = []

    awaken(place, mind, on_bytes=lambda done, size: seen.append((done, size)))

    assert seen == [(done, 100_000) for done in (30_000, 60_000, 90_000, 100_000)]


def test_weights_are_on_the_disk_before_their_transaction_is(
    place: Path, mind: Mind, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def record(handle: int | object) -> None:
        number = handle if isinstance(handle, int) else handle.fileno()  # type: ignore[attr-defined]
        name = Path(f"/proc/self/fd/{number}").readlink()
        synced.append(str(name.relative_to(place.parent)))
        fsync(number)

    monkeypatch.setattr(os, "fsync", record)
    its_module = sys.modules["ZODB.FileStorage.FileStorage"]
    monkeypatch.setattr(its_module, "fsync", record)  # a reference of its own

    awaken(place, mind)

    blob = committed_path(place).relative_to(place)
    cradle = f".{place.name}.awakening"
    birth = len(synced) - synced[::-1].index(f"{cradle}/Data.fs")  # the last one
    before, after = synced[:birth], synced[birth:]
    for needed in (blob, *blob.parents[:-1]):  # the file, and each folder that leads to it
        assert f"{cradle}/{needed}" in before
    assert after.index(cradle) < after.index(".")  # its own names, then its name


def test_memory_stays_constant_while_weights_are_imported(tmp_path: Path) -> None:
    weights = tmp_path / "large.gguf"
    with weights.open("wb") as file:
        file.truncate(300 * MIB)

    measured = subprocess.run(
        [sys.executable, "-c", MEASURE, str(weights), str(tmp_path / "u")],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )

    assert int(measured.stdout) < 64 * 1024  # KiB


def test_what_a_killed_import_left_behind_is_swept_by_the_next_owner(
    place: Path, mind: Mind
) -> None:
    awaken(place, mind)
    leftover = place / "blobs" / "tmp" / "BUCa1b2"
    leftover.write_bytes(b"half of a mind")

    open_universe(place, read_only=True).close()
    assert leftover.exists()  # an owner may be at work on it
    open_universe(place).close()

    assert not leftover.exists()
    check_bytes(place, mind)


def test_a_universe_keeps_its_mind_when_the_file_is_gone(place: Path, mind: Mind) -> None:
    awaken(place, mind)
    content = mind.weights.read_bytes()

    mind.weights.write_bytes(b"overwritten")
    mind.weights.unlink()

    assert committed_path(place).read_bytes() == content


def test_weights_behind_a_link_are_followed(place: Path, mind: Mind, tmp_path: Path) -> None:
    link = tmp_path / "link.gguf"
    link.symlink_to(mind.weights)

    awaken(place, replace(mind, weights=link))

    check_bytes(place, mind)
    assert link.is_symlink()
