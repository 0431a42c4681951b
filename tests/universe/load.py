"""A universe under load: threads that change it in every way, and say what was acknowledged.

Each thread does one kind of work again and again and reports it only when the universe has
answered. `check` compares what was reported until the process was killed with what is there.
"""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from ZODB.FileStorage.fspack import PackError

from batos.engines.contract import Scripted
from batos.errors import UndoConflict
from batos.kernel.method import Method
from batos.kernel.mirror import mirror
from batos.kernel.uvm_object import UvmObject
from batos.settings import load_settings
from batos.synthesis.growth import Asking
from batos.universe.blobs import import_weights, path_of
from batos.universe.conflicts import Turns, retried
from batos.universe.journal import Journal, State
from batos.universe.universe import Root, open_universe
from batos.uvm import Uvm

GROWN = "\n    grown += 1\n    return grown"
INCREMENT = "def increment(self):\n    self.n += 1\n    return self.n"

Report = tuple[str, Any]

TURNS = Turns()


def open_loaded(path: Path) -> Uvm:
    engine = Scripted(lambda _request, _choice: GROWN)
    asking = Asking(mode="auto", samples=1)
    settings = load_settings()
    return Uvm(open_universe(path), "unwalled", asking, settings, lambda _path: engine)


def prepare(path: Path) -> None:
    """Put the objects there that the threads work on."""
    uvm = open_loaded(path)
    with uvm.transaction("prepare") as root:
        seed = root["genesis_obj"]
        for name in ("counter", "left", "right", "undone"):
            root[name] = seed.clone(n=0)
        root["shelf"] = seed.clone()
        mirror(root["counter"]).define(INCREMENT)
    uvm.close()


def run(path: Path, weights: Path, packs: bool, reports: Connection) -> None:
    """Work until the process is killed."""
    uvm = open_loaded(path)
    lock = threading.Lock()

    def report(kind: str, what: object) -> None:
        with lock:
            reports.send((kind, what))

    jobs: list[Callable[[], Iterator[Report]]] = [
        lambda: increments(uvm),
        lambda: increments(uvm),
        lambda: moves(uvm),
        lambda: growths(uvm),
        lambda: imports(uvm, weights),
        lambda: undos(uvm),
        *([lambda: packings(uvm)] if packs else []),
    ]

    def work(job: Callable[[], Iterator[Report]]) -> None:
        try:
            for kind, what in job():
                report(kind, what)
        except BaseException as error:
            report("failed", repr(error))
            raise

    for job in jobs:
        threading.Thread(target=work, args=(job,)).start()
    report("ready", None)


def increments(uvm: Uvm) -> Iterator[Report]:
    while True:
        yield "increment", uvm.send("counter", "increment")


def moves(uvm: Uvm) -> Iterator[Report]:
    while True:
        with uvm.transaction("move") as root:
            root["left"].n -= 1
            root["right"].n += 1
            moved = root["right"].n
        yield "move", moved


def growths(uvm: Uvm) -> Iterator[Report]:
    for number in _new_numbers(uvm, "plant_"):
        name = f"plant_{number}"
        put(uvm, name, grown=0)
        uvm.send(name, f"grow_{number}", examples=[((), 1)])
        yield "grow", name


def imports(uvm: Uvm, weights: Path) -> Iterator[Report]:
    for number in _new_numbers(uvm, "weights_"):

        def attempt(name: str = f"weights_{number}") -> str:
            with uvm.transaction("import") as root:
                connection = root["shelf"]._p_jar
                blob = import_weights(connection, weights, lambda _done, _all: None)
                root[name] = root["genesis_obj"].clone(blob=blob)
            return name

        yield "import", retried(attempt, TURNS)


def undos(uvm: Uvm) -> Iterator[Report]:
    for number in count(1):
        note = f"to be undone {number}"
        with uvm.transaction(note) as root:
            root["undone"].n = number
        tid = next(moment.tid for moment in uvm.log(100) if moment.note == note)
        try:
            uvm.undo(tid)
        except UndoConflict:  # it was packed away meanwhile
            with uvm.transaction("instead of an undo") as root:
                root["undone"].n = 0
        yield "undo", number


def packings(uvm: Uvm) -> Iterator[Report]:
    while True:
        time.sleep(0.1)
        with suppress(PackError):  # something was undone meanwhile; the next one will do
            uvm._universe._database.pack()
            yield "pack", None


def put(uvm: Uvm, name: str, **slots: object) -> None:
    def attempt() -> None:
        with uvm.transaction(f"clone {name}") as root:
            root[name] = root["genesis_obj"].clone(**slots)

    retried(attempt, TURNS)


def _new_numbers(uvm: Uvm, prefix: str) -> Iterator[int]:
    with uvm.transaction() as root:
        first = sum(name.startswith(prefix) for name in root)
    return count(first)


@dataclass
class Found:
    """What one kill left."""

    open_s: float
    acknowledged: int
    unacknowledged: int  # and there all the same
    undecided: int  # methods that are there, and whose proposals wait


@dataclass
class Told:
    """What was reported until a kill."""

    kinds: dict[str, list[Any]] = field(default_factory=dict)

    def add(self, report: Report) -> None:
        self.kinds.setdefault(report[0], []).append(report[1])

    def of(self, kind: str) -> list[Any]:
        return self.kinds.get(kind, [])


def check(path: Path, weights: Path, told: Told, before: dict[str, Any]) -> Found:
    """Check that all that was reported is there, and nothing by halves.

    Args:
        path: The universe, which nobody owns any more.
        weights: What was imported.
        told: What the killed process has reported.
        before: What was there before; it is brought up to date.
    """
    assert told.of("failed") == []
    start = time.perf_counter()
    universe = open_universe(path)
    open_s = time.perf_counter() - start
    try:
        journal = {proposal.id: proposal for proposal in Journal(universe, "").list()}
        with universe.transaction() as root:
            now = _what_is_there(root)
            _check_counts(told, before, now)
            assert root["left"].n + root["right"].n == 0
            begun = max(told.of("undo"), default=0) + 1  # its undo may be missing
            assert now["undone"] in (0, before.get("undone"), begun)
            for name in now["weights"]:
                assert _digest(path_of(root[name].blob)) == _digest(weights)
            undecided = sum(_check_growth(root[name], name, journal) for name in now["plants"])
            installed = [p.selector for p in journal.values() if p.state is State.INSTALLED]
            assert set(installed) <= now["methods"]
            assert {name.replace("plant", "grow") for name in told.of("grow")} <= set(installed)
    finally:
        universe.close()
    numbers = [len(told.of(kind)) for kind in ("increment", "move", "grow", "import")]
    acknowledged = sum(numbers)
    there = now["changes"] - before.get("changes", 0)
    before.clear()
    before.update(now)
    return Found(open_s, acknowledged, there - acknowledged, undecided)


def _what_is_there(root: Root) -> dict[str, Any]:
    plants = {name for name in root if name.startswith("plant_")}
    grown = {
        slot
        for name in plants
        for slot, value in mirror(root[name]).slots().items()
        if isinstance(value, Method)
    }
    weights = {name for name in root if name.startswith("weights_")}
    counts = {"n": root["counter"].n, "moved": root["right"].n}
    return {
        **counts,
        "plants": plants,
        "methods": grown,
        "weights": weights,
        "undone": root["undone"].n,
        "changes": sum(counts.values()) + len(grown) + len(weights),
    }


def _check_counts(told: Told, before: dict[str, Any], now: dict[str, Any]) -> None:
    increments, moves = told.of("increment"), told.of("move")
    assert now["n"] >= max(increments, default=before.get("n", 0))
    assert len(set(increments)) == len(increments)  # each answer was given once
    assert now["moved"] >= max(moves, default=before.get("moved", 0))
    assert before.get("weights", set()) | set(told.of("import")) <= now["weights"]
    assert before.get("methods", set()) <= now["methods"]


def _check_growth(plant: UvmObject, name: str, journal: dict[int, Any]) -> bool:
    """Check that method and effect are there, or neither; tell if a decision is missing."""
    selector = name.replace("plant", "grow")
    method = mirror(plant).slots().get(selector)
    assert plant.grown == (1 if method else 0)
    if method is None:
        return False
    states = [p.state for p in journal.values() if p.selector == selector]
    assert states in ([State.INSTALLED], [State.PROPOSED])
    return states == [State.PROPOSED]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def random_weights(path: Path) -> Path:
    path.write_bytes(random.Random(7).randbytes(20_000))
    return path
