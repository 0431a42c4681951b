"""What of a database's file is whole, told from the file alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from ZODB.FileStorage.format import CorruptedError

from batos.universe.datafile import whole_transactions
from batos.universe.universe import open_universe

STATE_AT = 16  # in a transaction: after its tid and its length


@pytest.fixture
def file(universe_path: Path) -> Path:
    universe = open_universe(universe_path)
    for n in range(3):
        with universe.transaction() as root:
            root[f"account{n}"] = root["genesis_obj"].clone(n=n)
    universe.close()
    return universe_path / "Data.fs"


def test_every_transaction_is_found_where_it_is(file: Path) -> None:
    found = whole_transactions(file)

    assert len(found) == 5
    assert [it.start for it in found[1:]] == [it.end for it in found[:-1]]
    assert found[-1].end == file.stat().st_size
    assert whole_transactions(file, found[2].end) == found[3:]


def test_one_that_is_still_being_written_is_left_out(file: Path) -> None:
    *whole, last = whole_transactions(file)
    data = bytearray(file.read_bytes())
    data[last.start + STATE_AT] = ord("c")
    file.write_bytes(data)

    assert whole_transactions(file) == whole


@pytest.mark.parametrize("missing_bytes", [1, 8, 9, 100])
def test_one_that_is_torn_is_left_out(file: Path, missing_bytes: int) -> None:
    *whole, _last = whole_transactions(file)
    file.write_bytes(file.read_bytes()[:-missing_bytes])

    assert whole_transactions(file) == whole


@pytest.mark.parametrize("at", [0, 8, STATE_AT])
def test_damage_with_more_behind_it_is_told(file: Path, at: int) -> None:
    third = whole_transactions(file)[2]
    data = bytearray(file.read_bytes())
    data[third.start + at : third.start + at + 8] = b"\x7f" * 8
    file.write_bytes(data)

    with pytest.raises(CorruptedError):
        whole_transactions(file)
