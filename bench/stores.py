"""What does a universe on a server or in a relational database cost beside one in a folder?

Run `python bench/stores.py`, with `--size` in MB for the blob. Each kind of place gets a
universe of its own on this machine: a folder; ZEO on a Unix socket with a blob folder of its
own, and with a shared one; PostgreSQL on a Unix socket, with its defaults; SQLite. In each of
the rounds every place in turn commits small changes one by one, takes a file in as a blob,
and gives it to a client that never saw it, until its path is known. Reported are medians over
the rounds: of the time divided by the folder's in the same round (giving out: divided by the
folder's taking in, as a folder has nothing to bring), and of commits a second. Last line: the
same as JSON. Compare only numbers of one run.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from batos.universe.addresses import Address, address_of
from batos.universe.awakening import Mind, awaken
from batos.universe.blobs import import_weights, path_of, sync
from batos.universe.universe import Universe, open_universe

Place = Path | Address


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--size", type=int, default=100, metavar="MB")
    options.add_argument("--commits", type=int, default=100)
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="batos-bench-") as folder, ExitStack() as stack:
        weights = Path(folder) / "weights.bin"
        weights.write_bytes(os.urandom(given.size * 1_000_000))
        sync(weights)
        places = stack.enter_context(awakened(Path(folder)))
        measured: dict[str, list[dict[str, float]]] = {kind: [] for kind in places}
        for number in range(given.rounds + 1):
            for kind, place in places.items():
                took = one_round(place, weights, given.commits, Path(folder) / f"new{number}")
                if number > 0:  # the first one only warms up
                    measured[kind].append(took)
        summary = {kind: compared(rows, measured["folder"]) for kind, rows in measured.items()}
    for kind, row in summary.items():
        print(f"{kind:<11} {'  '.join(f'{name} {value}' for name, value in row.items())}")
    print(json.dumps({"size_mb": given.size, "rounds": given.rounds, "places": summary}))


@contextmanager
def awakened(folder: Path) -> Iterator[dict[str, Place]]:
    """Start the servers, and awaken a universe at each kind of place."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from tests.servers import PostgresServer, ZeoServer  # noqa: PLC0415  it is found now

    zeo, postgres = ZeoServer(folder / "server", storages=2), PostgresServer()
    try:
        zeo.start()
        postgres.start()
        uris = {
            "zeo": zeo.new_uri(),
            "zeo-shared": zeo.new_uri(shared=True),
            "postgres": postgres.new_uri(),
            "sqlite": f"sqlite://{folder}/sqlite",
        }
        places: dict[str, Place] = {"folder": folder / "folder"}
        places |= {kind: address_of(uri, folder / "cache") for kind, uri in uris.items()}
        small = folder / "small.bin"
        small.write_bytes(b"small")
        for place in places.values():
            awaken(place, Mind(small, "none", "none", {}))
        yield places
    finally:
        zeo.close()
        postgres.close()


def one_round(place: Place, weights: Path, commits: int, new: Path) -> dict[str, float]:
    universe = open_universe(place)
    with universe.transaction() as root:
        root["account"] = root["genesis_obj"].clone(balance=0)
    took = {
        "commit_s": timed(lambda: commit_often(universe, commits)) / commits,
        "import_s": timed(lambda: take_in(universe, weights)),
    }
    universe.close()
    stranger = place
    if isinstance(place, Address) and not place.shared_blobs:
        stranger = replace(place, folder=new / place.folder.name, blobs=new / "blobs")
    universe = open_universe(stranger)
    took["open_s"] = timed(lambda: give_out(universe))
    universe.close()
    return took


def commit_often(universe: Universe, commits: int) -> None:
    for number in range(commits):
        with universe.transaction() as root:
            root["account"].balance = number


def take_in(universe: Universe, weights: Path) -> None:
    with universe.transaction() as root:
        account = root["account"]
        blob = import_weights(account._p_jar, weights, lambda _done, _all: None)
        account.model_blob = blob


def give_out(universe: Universe) -> None:
    with universe.transaction() as root:
        path_of(root["account"].model_blob)


def timed(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compared(rows: list[dict[str, float]], folder: list[dict[str, float]]) -> dict[str, float]:
    """Return medians: of times as multiples of the folder's, and of commits a second."""
    beside = {"commit_s": "commit_s", "import_s": "import_s", "open_s": "import_s"}
    ratios = {
        name.removesuffix("_s"): round(
            statistics.median(a[name] / b[other] for a, b in zip(rows, folder, strict=True)),
            2,
        )
        for name, other in beside.items()
    }
    per_s = statistics.median(1 / row["commit_s"] for row in rows)
    return {**ratios, "commits_per_s": round(per_s, 1)}


if __name__ == "__main__":
    main()
