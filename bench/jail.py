"""What do the second and the third ring cost?

Run `python bench/jail.py`. A trial: two cases of a small method on an object with two
parents, 300 times after 20 to warm up. A start: from spawning the jail's process to its
first answer, median of 5. A commit: one changed object in a FileStorage with fsync, 40 a
round, 10 rounds that alternate between a walled and an unwalled process; the ratio is the
median of the rounds' own ratios. Milliseconds. Last line: the same as JSON. Compare only
numbers from one machine and one Python.
"""

from __future__ import annotations

import json
import operator
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from batos.kernel.mirror import mirror
from batos.kernel.uvm_object import UvmObject
from batos.sandbox import walls
from batos.sandbox.jail import ZYGOTE_ARGV, Case, Jail
from batos.sandbox.launcher import Child

TRIALS, STARTS, ROUNDS, COMMITS = 300, 5, 10, 40
SOURCE = """
def deposit_(self, amount):
    self.balance += amount
    return self.balance
"""
CASES = [Case((10,)), Case((5,), given={"balance": 1})]

COMMITTER = """
import json, sys, tempfile, time
from pathlib import Path
import transaction
from ZODB.DB import DB
from ZODB.FileStorage import FileStorage
from batos.kernel.uvm_object import UvmObject
from batos.sandbox import walls
folder, walled, commits = Path(sys.argv[1]), sys.argv[2] == "walled", int(sys.argv[3])
tempfile.tempdir = str(folder)
started = time.perf_counter()
if walled:
    walls.confine_owner(walls.python_paths(), [folder])
print(json.dumps([(time.perf_counter() - started) * 1000]), flush=True)
connection = DB(FileStorage(str(folder / "Data.fs"))).open()
counter = connection.root()["counter"] = UvmObject(n=0)
transaction.commit()
for _ in sys.stdin:
    found = []
    for _ in range(commits):
        started = time.perf_counter()
        counter.n += 1
        transaction.commit()
        found.append((time.perf_counter() - started) * 1000)
    print(json.dumps(found), flush=True)
"""


class Started(Child):
    """A jail's process, started without a launcher."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            number = theirs.fileno()
            argv = [*ZYGOTE_ARGV, str(number)]
            self._process = subprocess.Popen(argv, pass_fds=[number], env={})
        super().__init__(ours, self._process.pid, 1, self._answer)

    def _answer(self, line: str) -> str:
        if line.startswith("kill"):
            self._process.kill()
        return f"ended {self._process.wait()}"


class Committer:
    """A process that commits in rounds, on request."""

    def __init__(self, folder: Path, kind: str) -> None:
        folder.mkdir()
        self._process = subprocess.Popen(
            [sys.executable, "-c", COMMITTER, str(folder), kind, str(COMMITS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            env={**os.environ, "PYTHONPATH": str(Path(walls.__file__).parents[2])},
        )
        (self.confining_ms,) = self._answer()
        self.found_ms: list[float] = []
        self.rounds_ms: list[float] = []

    def round(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        found = self._answer()
        self.found_ms += found
        self.rounds_ms.append(statistics.median(found))

    def close(self) -> None:
        self._process.communicate()

    def _answer(self) -> list[float]:
        assert self._process.stdout is not None
        answer: list[float] = json.loads(self._process.stdout.readline())
        return answer


def a_receiver() -> UvmObject:
    receiver = UvmObject(balance=100)
    mirror(receiver).set("parent*", (UvmObject(kind="traits"), UvmObject(kind="mind")))
    return receiver


def trials_ms() -> list[float]:
    jail, receiver = Jail(Started), a_receiver()
    found = [jail.trial(SOURCE, "deposit_", receiver, CASES).ms for _ in range(TRIALS + 20)]
    jail.close()
    return found[20:]


def start_ms() -> float:
    started = time.perf_counter()
    jail = Jail(Started)
    jail.trial(SOURCE, "deposit_", a_receiver(), CASES)
    taken = (time.perf_counter() - started) * 1000
    jail.close()
    return taken


def commits(folder: Path) -> tuple[Committer, Committer]:
    both = Committer(folder / "walled", "walled"), Committer(folder / "unwalled", "unwalled")
    for number in range(ROUNDS):
        for committer in both if number % 2 else reversed(both):
            committer.round()
    for committer in both:
        committer.close()
    return both


def percentile(values: Sequence[float], percent: int) -> float:
    return sorted(values)[len(values) * percent // 100]


def main() -> None:
    trials = trials_ms()
    starts = [start_ms() for _ in range(STARTS)]
    with tempfile.TemporaryDirectory() as folder:
        walled, unwalled = commits(Path(folder))
    result = {
        "trial_median_ms": statistics.median(trials),
        "trial_p95_ms": percentile(trials, 95),
        "start_ms": statistics.median(starts),
        "walling_in_ms": walled.confining_ms,
        "commit_walled_ms": statistics.median(walled.found_ms),
        "commit_unwalled_ms": statistics.median(unwalled.found_ms),
        "commit_ratio": statistics.median(
            map(operator.truediv, walled.rounds_ms, unwalled.rounds_ms)
        ),
    }
    for name, value in result.items():
        print(f"{name:20} {value:8.2f}")
    print(json.dumps({name: round(value, 3) for name, value in result.items()}))


if __name__ == "__main__":
    main()
