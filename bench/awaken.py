"""What does an awakening cost beside a plain copy of the same weights?

Run `python bench/awaken.py`, with `--size` in GiB and `--folder` for where there is room for
twice that. Each round is one awakening and one `cp --reflink=never` followed by fsync, in
turns, in processes of their own; the file is in the page cache and no dirty page is left when
the clock starts. One line a round, after a plain copy that is not counted (a virtual disk is
slow where it was never written); then the median of the rounds' ratios (goal: at most 1.3),
the most memory that an awakening took above what its process had before (goal: at most
64 MiB), and, apart, what hashing the file takes. Last line: the same as JSON.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from batos.universe.awakening import Mind, awaken
from batos.universe.blobs import sync

_CHUNK_BYTES = 16 << 20
GOAL_RATIO = 1.3
GOAL_MIB = 64


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--size", type=float, default=2.0, metavar="GIB")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    options.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.child:
        print(json.dumps(awakening(Path(given.child[0]), Path(given.child[1]))))
        return
    with tempfile.TemporaryDirectory(prefix="batos-bench-", dir=given.folder) as folder:
        print(json.dumps(compare(Path(folder), given.size, given.rounds)))


def compare(folder: Path, size_gib: float, rounds: int) -> dict[str, object]:
    weights = folder / "weights.bin"
    write_random(weights, int(size_gib * (1 << 30)))
    hash_s = timed_hash(weights)
    print(f"not counted: cp + fsync {timed_copy(weights, folder / 'copy.bin'):.2f} s")
    ratios, growths, awakenings_s, copies_s = [], [], [], []
    for number in range(rounds):
        in_turn = [True, False] if number % 2 == 0 else [False, True]
        for is_awakening in in_turn:
            os.sync()
            if is_awakening:
                measured = awakening_in_child(weights, folder / "u")
                awakenings_s.append(measured["wall_s"])
                growths.append(measured["growth_mib"])
            else:
                copies_s.append(timed_copy(weights, folder / "copy.bin"))
        ratios.append(awakenings_s[-1] / copies_s[-1])
        print(
            f"round {number + 1}: awakening {awakenings_s[-1]:.2f} s,"
            f" cp + fsync {copies_s[-1]:.2f} s, ratio {ratios[-1]:.2f},"
            f" {growths[-1]:.1f} MiB more memory"
        )
    ratio, growth = statistics.median(ratios), max(growths)
    print(f"ratio {ratio:.2f} (goal {GOAL_RATIO}), {growth:.1f} MiB (goal {GOAL_MIB})")
    return {
        "size_gib": size_gib,
        "rounds": rounds,
        "awakening_s": round(statistics.median(awakenings_s), 3),
        "copy_s": round(statistics.median(copies_s), 3),
        "ratio": round(ratio, 3),
        "growth_mib": round(growth, 1),
        "hash_s": round(hash_s, 3),
        "goals_met": ratio <= GOAL_RATIO and growth <= GOAL_MIB,
    }


def write_random(path: Path, size: int) -> None:
    with path.open("wb") as file:
        for start in range(0, size, _CHUNK_BYTES):
            file.write(os.urandom(min(_CHUNK_BYTES, size - start)))
    sync(path)


def timed_hash(path: Path) -> float:
    start = time.perf_counter()
    with path.open("rb") as file:
        hashlib.file_digest(file, "sha256")
    return time.perf_counter() - start


def timed_copy(source: Path, target: Path) -> float:
    start = time.perf_counter()
    subprocess.run(["cp", "--reflink=never", source, target], check=True)
    sync(target)
    sync(target.parent)
    wall_s = time.perf_counter() - start
    target.unlink()
    return wall_s


def awakening_in_child(weights: Path, place: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--child", str(weights), str(place)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    shutil.rmtree(place)
    measured: dict[str, float] = json.loads(answer.stdout)
    return measured


def awakening(weights: Path, place: Path) -> dict[str, float]:
    """Awaken, and return how long it took and how far memory rose above what it was."""
    before_mib = memory_mib("VmRSS")
    start = time.perf_counter()
    awaken(place, Mind(weights, "none", "none", {}))
    wall_s = time.perf_counter() - start
    return {"wall_s": wall_s, "growth_mib": memory_mib("VmHWM") - before_mib}


def memory_mib(field: str) -> float:
    """Return one of the kernel's figures on this process: VmRSS is now, VmHWM the peak."""
    found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


if __name__ == "__main__":
    main()
