"""How long does it take to open a universe of many objects, and how much memory?

Run `python bench/opening.py`, with `--objects` for other sizes and `--folder` for where there
is room (about 0.3 GB for a million). A universe is made of clones of one prototype, each with
two slots, in a tree of the root. Opened in a process of its own each time, from a warm page
cache: until the first object of the tree has answered (goal: at most 0.3 s at 10^5 and 10^6),
with its index and without one, as after a kill. Then, once, every object is visited, in
transactions of `--batch`, at whose ends the connection's cache is cut to its default of 400
objects; resident memory is told after opening and after that. The peer is ZODB's
own FileStorage on the same file. Medians of the rounds. Last line: the same as JSON.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

from BTrees.IOBTree import IOBTree
from ZODB.DB import DB
from ZODB.FileStorage import FileStorage

from batos.universe.awakening import Mind, awaken
from batos.universe.records import record_class
from batos.universe.universe import Universe, open_universe

GOAL_S = 0.3
WAYS = ("batos", "zodb", "batos_no_index", "zodb_no_index")


def main() -> None:
    """Print one line a size and way, then JSON."""
    options = argparse.ArgumentParser()
    options.add_argument("--objects", type=int, nargs="+", default=[100_000, 1_000_000])
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--batch", type=int, default=10_000)
    options.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    options.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.child:
        print(json.dumps(opened(Path(given.child[0]), given.child[1], given.batch)))
        return
    figures: dict[str, object] = {"rounds": given.rounds}
    for objects in given.objects:
        with tempfile.TemporaryDirectory(prefix="batos-bench-", dir=given.folder) as folder:
            figures[str(objects)] = measure(Path(folder) / "u", objects, given)
    print(json.dumps(figures))


def measure(path: Path, objects: int, given: argparse.Namespace) -> dict[str, object]:
    """Make a universe of so many objects, and open it in each way, by turns."""
    start = time.perf_counter()
    make(path, objects)
    figures: dict[str, object] = {"made_s": round(time.perf_counter() - start, 1)}
    measured: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for number in range(given.rounds):
        for way in WAYS:
            if number < 1 or not way.endswith("no_index"):  # these take a while
                batch = given.batch if number < 1 else 0
                measured[way].append(opened_in_child(path, way, batch))
    for way, runs in measured.items():
        medians = {name: statistics.median(run[name] for run in runs) for name in runs[-1]}
        figures[way] = {name: round(value, 4) for name, value in (runs[0] | medians).items()}
        print(f"{objects:>9,} objects  {way:<15} {json.dumps(figures[way])}")
    at_once = statistics.median(run["open_s"] for run in measured["batos"])
    peer = statistics.median(run["open_s"] for run in measured["zodb"])
    return {**figures, "ratio": round(at_once / peer, 2), "goal_met": at_once <= GOAL_S}


def make(path: Path, objects: int) -> None:
    """Make the universe, in large transactions."""
    weights = path.parent / "weights"
    weights.write_bytes(b"no weights at all")
    awaken(path, Mind(weights, "none", "none", {}))
    universe = open_universe(path)
    with universe.transaction("a crowd") as root:
        root["crowd"] = IOBTree()
    for first in range(0, objects, 20_000):
        _add(universe, range(first, min(first + 20_000, objects)))
    universe.close()


def _add(universe: Universe, numbers: range) -> None:
    with universe.transaction("more of it") as root:
        prototype = root["genesis_obj"]
        crowd = root["crowd"]
        for number in numbers:
            crowd[number] = prototype.clone(number=number, name=f"object {number}")


def opened_in_child(path: Path, way: str, batch: int) -> dict[str, float]:
    index = path / "Data.fs.index"
    saved = index.read_bytes()
    if way.endswith("no_index"):
        index.unlink()
    command = [sys.executable, __file__, "--batch", str(batch), "--child", str(path), way]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    index.write_bytes(saved)
    measured: dict[str, float] = json.loads(answer.stdout)
    return measured


def opened(path: Path, way: str, batch: int) -> dict[str, float]:
    """Open it, ask the first object, then visit all unless `batch` is 0."""
    before_mib = memory_mib()
    start = time.perf_counter()
    database = _open(path, way)
    connection = database.open()
    crowd = connection.root()["crowd"]
    assert crowd[crowd.minKey()]._slots["number"] == 0
    open_s = time.perf_counter() - start
    opened_mib = memory_mib() - before_mib
    connection.close()
    if batch == 0:
        return {"open_s": open_s, "opened_mib": opened_mib}
    start = time.perf_counter()
    first = 0
    while seen := visit(database, first, batch):
        first += seen
    visit_s = time.perf_counter() - start
    return {
        "open_s": open_s,
        "opened_mib": opened_mib,
        "visit_s": visit_s,
        "visited_mib": memory_mib() - before_mib,
        "visited": first,
        "cached": connection._cache.cache_non_ghost_count,
    }


def visit(database: DB, first: int, batch: int) -> int:
    """Ask some of the objects, in a transaction of its own; return how many there were."""
    connection = database.open()  # the same one again: its cache is cut when it is closed
    seen = 0
    for number, obj in islice(connection.root()["crowd"].items(first), batch):
        seen += obj._slots["number"] == number
    connection.close()
    return seen


def _open(path: Path, way: str) -> DB:
    if way.startswith("batos"):
        return open_universe(path)._database
    database = DB(FileStorage(str(path / "Data.fs"), blob_dir=str(path / "blobs")))
    database.classFactory = lambda _connection, module, name: record_class(module, name)
    return database


def memory_mib() -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


if __name__ == "__main__":
    main()
