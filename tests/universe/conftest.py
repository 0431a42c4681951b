"""A universe on the disk, and a place for another one; nothing in them runs."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from batos.kernel.mirror import mirror
from batos.kernel.values import plain
from batos.universe.awakening import Mind
from batos.universe.blobs import path_of
from batos.universe.universe import Universe, open_universe


@pytest.fixture
def universe(universe_path: Path) -> Iterator[Universe]:
    """The universe, opened by its owner."""
    universe = open_universe(universe_path)
    yield universe
    universe.close()


@pytest.fixture
def write(universe: Universe) -> Callable[..., str]:
    """Write slots of an object of the root, clone it if need be; return the transaction."""

    def write_slots(name: str, note: str = "", user: str = "", **slots: object) -> str:
        with universe.transaction(note, user) as root:
            if name not in root:
                root[name] = root["genesis_obj"].clone()
            for slot, value in slots.items():
                setattr(root[name], slot, value)
        return universe.log(1)[0].tid

    return write_slots


@pytest.fixture
def read(universe: Universe) -> Callable[[str, str], object]:
    """Read one slot of an object of the root, as plain data."""

    def read_slot(name: str, slot: str) -> object:
        with universe.transaction() as root:
            return plain(getattr(root[name], slot))

    return read_slot


@pytest.fixture
def long_path(universe_path: Path) -> Path:
    """A universe with a past of a dozen transactions, and no index of it."""
    universe = open_universe(universe_path)
    with universe.transaction() as root:
        root["account"] = root["genesis_obj"].clone(n=0)
    for n in range(1, 13):
        with universe.transaction(f"count to {n}") as root:
            root["account"].n = n
    universe.close()
    (universe_path / "Data.fs.index").unlink()
    return universe_path


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where a universe will lie: in a folder with nothing else."""
    return tmp_path / "homes" / "my.universe"


@pytest.fixture
def mind(tmp_path: Path) -> Mind:
    """A mind that is small, and unlike any other."""
    weights = tmp_path / "small.gguf"
    weights.write_bytes(random.Random(7).randbytes(100_000))
    return Mind(weights, "a/tokenizer", "Q4_1", {"name": "small", "sizes": [1, 2]})


@pytest.fixture
def check_whole() -> Callable[[Path, Path], None]:
    """Check that a universe at a place is complete, and holds these weights."""

    def check(place: Path, weights: Path) -> None:
        universe = open_universe(place)
        with universe.transaction() as root:
            assert set(root) == {
                *("traits_obj", "pLLM_obj", "genesis_obj", "digital_ether"),
                "journal",
            }
            for name, value in root.items():
                assert name == "journal" or mirror(value).understands("doesNotUnderstand_")
            assert _digest(path_of(root["pLLM_obj"].model_blob)) == _digest(weights)
        universe.close()

    return check


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
