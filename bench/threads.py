"""What do threads that send to the same objects get done, and what do conflicts cost?

Run `python bench/threads.py`. By kind of message: 8 threads x 1,000 sends, each in a
transaction of its own, on one universe. One line a kind: how many tries a send took, the
most that one took, how many sends a second 8 threads get done as a multiple of what 1 thread
does right before and after (the peer), and how many effects are missing afterwards. Threads
share one Python and one disk, so about 1.0 is what to expect. Last line: the same as JSON,
with sends a second. Compare only figures of one run.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import batos
from batos.settings import load_settings
from batos.synthesis.growth import Asking
from batos.universe import awakening
from batos.universe.universe import open_universe
from batos.uvm import Uvm

METHODS = (
    "def count(self):\n    self.n += 1",
    "def mark_(self, name):\n    setattr(self, name, getattr(self, name) + 1)",
    "def hit(self):\n    self.hits.change(1)",
    "def put_(self, item):\n    self.jobs.put(item)",
    "def take(self):\n    self.jobs.take()",
)


@dataclass(frozen=True)
class Kind:
    """One kind of message, and how many of its effects an object shows."""

    send: Callable[[Uvm, int, int], object]
    effects: Callable[[Any], float]
    jobs: bool = False  # whether there must be as many items as sends before


KINDS = {
    "one slot": Kind(
        lambda uvm, _t, _n: uvm.send("page", "count"), lambda root: root["page"].n
    ),
    "slots of one object": Kind(
        lambda uvm, t, _n: uvm.send("page", "mark_", f"slot{t}"),
        lambda root: sum(getattr(root["page"], f"slot{t}") for t in range(8)),
    ),
    "different objects": Kind(
        lambda uvm, t, _n: uvm.send(f"page{t}", "count"),
        lambda root: sum(root[f"page{t}"].n for t in range(8)),
    ),
    "Counter": Kind(
        lambda uvm, _t, _n: uvm.send("page", "hit"), lambda root: root["page"].hits.value
    ),
    "Counter, with ids": Kind(
        lambda uvm, t, n: uvm.send("page", "hit", message_id=f"{t} {n}"),
        lambda root: root["page"].hits.value,
    ),
    "Queue.put": Kind(
        lambda uvm, t, n: uvm.send("page", "put_", (t, n)),
        lambda root: len(set(root["page"].jobs)),
    ),
    "Queue.take": Kind(
        lambda uvm, _t, _n: uvm.send("page", "take"),
        lambda root: root["page"].n - len(root["page"].jobs),
        jobs=True,
    ),
}


def main() -> None:
    """Print one line a kind, then JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sends", type=int, default=1000, help="of each thread")
    parser.add_argument("--threads", type=int, default=8, choices=range(1, 9))
    options = parser.parse_args()
    figures: dict[str, dict[str, float]] = {}
    for name, kind in KINDS.items():
        before = measure(kind, 1, options.sends)
        figures[name] = measure(kind, options.threads, options.sends)
        after = measure(kind, 1, options.sends)
        alone = (before["rate"] + after["rate"]) / 2
        figures[name]["times_one_thread"] = round(figures[name]["rate"] / alone, 2)
        print(
            "{:<20} {tries:6.3f} tries a send, at most {most:3.0f}   {times_one_thread:5.2f} x"
            " one thread   {lost:.0f} lost".format(name, **figures[name])
        )
    print(json.dumps({"threads": options.threads, "sends": options.sends, **figures}))


def measure(kind: Kind, threads: int, sends: int) -> dict[str, float]:
    """Return the figures of so many threads on a universe of their own."""
    folder = Path(tempfile.mkdtemp(prefix="batos-bench-"))
    try:
        uvm = prepared(folder, jobs=threads * sends if kind.jobs else 0)
        tries = count_tries(uvm, threads)
        since = time.perf_counter()
        run(uvm, kind, tries, sends)
        seconds = time.perf_counter() - since
        with uvm._universe.transaction() as root:
            lost = threads * sends - kind.effects(root)
        uvm.close()
    finally:
        shutil.rmtree(folder)
    every = [number for of_thread in tries.values() for number in of_thread]
    return {
        "rate": round(threads * sends / seconds, 1),
        "tries": round(sum(every) / len(every), 3),
        "most": max(every),
        "lost": lost,
    }


def prepared(folder: Path, jobs: int) -> Uvm:
    """Return a universe whose mind never thinks, with pages to send to."""
    (folder / "weights").write_bytes(b"none")
    mind = awakening.Mind(folder / "weights", "none", "none", {"name": "none"})
    awakening.awaken(folder / "bench.universe", mind)
    universe = open_universe(folder / "bench.universe")
    uvm = Uvm(universe, "unwalled", Asking(mode="off"), load_settings())
    with uvm.transaction() as root:
        page = root["genesis_obj"].clone()
        for source in METHODS:
            batos.mirror(page).define(source)
        slots = {f"slot{number}": 0 for number in range(8)}
        root["page"] = page.clone(
            n=jobs, hits=batos.Counter(), jobs=batos.Queue(range(jobs)), **slots
        )
        for number in range(8):
            root[f"page{number}"] = page.clone(n=0)
    return uvm


def count_tries(uvm: Uvm, threads: int) -> dict[int, list[int]]:
    """Have the tries of each send counted from now on, by thread."""
    tries: dict[int, list[int]] = {number: [] for number in range(threads)}
    opened = uvm._opened

    def counted(*args: Any) -> Any:
        tries[int(threading.current_thread().name)][-1] += 1
        return opened(*args)

    uvm._opened = counted  # type: ignore[method-assign, assignment]
    return tries


def run(uvm: Uvm, kind: Kind, tries: dict[int, list[int]], sends: int) -> None:
    """Send from all threads at once, until all is answered."""

    def send_all(thread: int) -> None:
        for number in range(sends):
            tries[thread].append(0)
            kind.send(uvm, thread, number)

    running = [
        threading.Thread(target=send_all, args=(number,), name=str(number)) for number in tries
    ]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


if __name__ == "__main__":
    main()
