"""A disk of a few megabytes that is really full, and one that is really read-only.

A test runs a function of a module here in a process of its own, in a user and mount
namespace where it may mount a file system in memory. What the function returns comes back
as JSON; what it checks is checked there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

_UNSHARE = ["unshare", "--user", "--map-root-user", "--mount"]


def why_no_disks() -> str | None:
    """Return why no disk can be mounted here, or None."""
    command = [*_UNSHARE, "mount", "-t", "tmpfs", "none", "/mnt"]
    try:
        tried = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error)
    return tried.stderr.strip() if tried.returncode else None


def need_disks() -> None:
    """Skip a test where no disk can be mounted; CI has to be able to."""
    why = why_no_disks()
    if why is not None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"nothing is skipped in CI, and no disk can be mounted: {why}")
        pytest.skip(why)


def run_on_disk(folder: Path, kib: int, module: str, function: str, *args: object) -> Any:
    """Call `module.function(disk, *args)` with a disk of so many KiB, mounted at a folder."""
    folder.mkdir()
    command = [sys.executable, "-m", __name__, str(folder), str(kib), module, function]
    ended = subprocess.run(
        [*_UNSHARE, *command, json.dumps(args)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout.splitlines()[-1])


def mount_at(folder: Path, options: str) -> None:
    """Mount a file system in memory, or mount the one that is there with other options."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", folder], check=True)


def free_bytes(folder: Path) -> int:
    """Return how many bytes still fit on the disk."""
    stat = os.statvfs(folder)
    return stat.f_bavail * stat.f_frsize


def fill(disk: Path, left_bytes: int) -> Path:
    """Fill a disk up to some bytes; return the file that does it."""
    filler = disk / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, free_bytes(disk) - left_bytes)
    return filler


def _main() -> None:
    folder, kib, module, function, args = sys.argv[1:]
    mount_at(Path(folder), f"size={kib}k")
    answer = getattr(import_module(module), function)(Path(folder), *json.loads(args))
    print(json.dumps(answer))  # noqa: T201  it is how the answer comes back


if __name__ == "__main__":
    _main()
