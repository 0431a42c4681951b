"""How many small changes a second are safe on the disk, beside raw ZODB and sqlite3?

Run `python bench/commits.py`, with `--folder` for another disk. One change writes a number and
200 characters to one object (or row) in a transaction of its own, by one thread. Five ways
keep it: `universe.transaction`, `universe.send` of a method that does it, ZODB's own
FileStorage, sqlite3 with a write-ahead log, and sqlite3 with its default journal; both with
synchronous=FULL, which like the others waits for the disk. They take turns in blocks of
`--commits`; the figures are medians of the rounds after one that is not counted, the ratio is
a block's time to that of ZODB in the same round. Then all again with the wait for the disk
taken out of ZODB and sqlite3: what is left is the program. `append` writes as many bytes to a
file, with fsync and without: the floor. Last line: the same as JSON. Compare ratios only: a
disk's fsync differs from machine to machine.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import transaction
from persistent.mapping import PersistentMapping
from ZODB.DB import DB
from ZODB.FileStorage import FileStorage

from batos.kernel.mirror import mirror
from batos.opening import open_uvm
from batos.universe.awakening import Mind, awaken
from batos.uvm import Uvm

TEXT = "x" * 200
KEEP = "def keep(self, n, text):\n    self.n = n\n    self.text = text\n"
PEER = "zodb"

Change = Callable[[int], None]


def main() -> None:
    """Print one line a way, then JSON."""
    options = argparse.ArgumentParser()
    options.add_argument("--commits", type=int, default=200)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    given = options.parse_args()
    figures: dict[str, object] = {"commits": given.commits, "rounds": given.rounds}
    for waits in (True, False):
        with tempfile.TemporaryDirectory(prefix="batos-bench-", dir=given.folder) as folder:
            measured = compare(Path(folder), given.commits, given.rounds, waits)
        for name, (rate, ratio) in measured.items():
            kind = "on the disk" if waits else "no fsync"
            print(f"{kind:<12} {name:<20} {rate:9,.0f} a second  {ratio:5.2f} x {PEER}'s time")
            key = f"{name}{'' if waits else '_no_fsync'}"
            figures |= {f"{key}_a_second": round(rate), f"{key}_ratio": round(ratio, 3)}
    print(json.dumps(figures))


def compare(
    folder: Path, commits: int, rounds: int, waits: bool
) -> dict[str, tuple[float, float]]:
    """Return the commits a second of each way, and its time as a multiple of the peer's."""
    with all_ways(folder, waits) as ways:
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for number in range(rounds + 1):
            names = list(ways) if number % 2 else list(reversed(ways))
            for name in names:
                seconds[name].append(timed(ways[name], commits))
    counted = {name: times[1:] for name, times in seconds.items()}
    return {
        name: (
            commits / statistics.median(times),
            statistics.median(map(lambda own, peer: own / peer, times, counted[PEER])),
        )
        for name, times in counted.items()
    }


def timed(change: Change, commits: int) -> float:
    start = time.perf_counter()
    for n in range(commits):
        change(n)
    return time.perf_counter() - start


@contextmanager
def all_ways(folder: Path, waits: bool) -> Iterator[dict[str, Change]]:
    """Open all of them; without `waits` their fsync does nothing."""
    uvm = opened_universe(folder)
    database, zodb = raw_zodb(folder)
    wal = raw_sqlite(folder / "wal.sqlite", "WAL", "FULL" if waits else "OFF")
    journal = raw_sqlite(folder / "journal.sqlite", "DELETE", "FULL" if waits else "OFF")
    file = (folder / "append").open("ab", buffering=0)
    ways: dict[str, Change] = {
        "batos_transaction": lambda n: in_transaction(uvm, n),
        "batos_send": lambda n: void(uvm.send("account", "keep", n, TEXT)),
        PEER: zodb,
        "sqlite_wal": lambda n: in_sqlite(wal, n),
        "sqlite_journal": lambda n: in_sqlite(journal, n),
        "append": lambda n: append(file.fileno(), n, waits),
    }
    module = sys.modules["ZODB.FileStorage.FileStorage"]  # batos has its storage from there
    try:
        if waits:
            yield ways
        else:
            with mock.patch.object(module, "fsync", return_value=None):
                yield ways
    finally:
        uvm.close()
        database.close()
        wal.close()
        journal.close()
        file.close()


def opened_universe(folder: Path) -> Uvm:
    weights = folder / "weights"
    weights.write_bytes(b"no weights at all")
    awaken(folder / "u", Mind(weights, "none", "none", {}))
    uvm = open_uvm(folder / "u", trust="unwalled")
    with uvm.transaction() as root:
        root["account"] = root["genesis_obj"].clone(n=0, text=TEXT)
        mirror(root["account"]).define(KEEP)
    return uvm


def in_transaction(uvm: Uvm, n: int) -> None:
    with uvm.transaction() as root:
        root["account"].n = n
        root["account"].text = TEXT


def raw_zodb(folder: Path) -> tuple[DB, Change]:
    """Return a database and a change that reuses its connection, as ZODB's guide does."""
    database = DB(FileStorage(str(folder / "raw.fs")))
    manager = transaction.TransactionManager()
    connection = database.open(manager)
    with manager:
        connection.root()["account"] = PersistentMapping(n=0, text=TEXT)

    def change(n: int) -> None:
        with manager:
            account = connection.root()["account"]
            account["n"] = n
            account["text"] = TEXT

    return database, change


def raw_sqlite(path: Path, journal: str, synchronous: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(f"PRAGMA journal_mode={journal}")
    connection.execute(f"PRAGMA synchronous={synchronous}")
    connection.execute("CREATE TABLE account (id INTEGER PRIMARY KEY, n INTEGER, text TEXT)")
    connection.execute("INSERT INTO account VALUES (1, 0, ?)", (TEXT,))
    return connection


def in_sqlite(connection: sqlite3.Connection, n: int) -> None:
    connection.execute("BEGIN")
    connection.execute("UPDATE account SET n = ?, text = ? WHERE id = 1", (n, TEXT))
    connection.execute("COMMIT")


def append(handle: int, n: int, waits: bool) -> None:
    os.write(handle, f"{n} {TEXT}\n".encode())
    if waits:
        os.fsync(handle)


def void(_answer: object) -> None:
    """Let an answer go: a change gives none."""


if __name__ == "__main__":
    main()
