"""Files that are torn, garbled or copied: what is lost, and what is never touched."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from batos.errors import UniverseUnreadable
from batos.universe.universe import open_universe


def garble(data: bytes, kind: str) -> bytes:
    middle = len(data) // 2
    return {
        "empty": b"",
        "text": b"this is no database\n" * 100,
        "header only": data[:4],
        "header and text": data[:4] + b"this is no database\n" * 100,
        "zeros": bytes(len(data)),
        "no start": data[100:],
        "zeros in the middle": data[: middle - 200] + bytes(400) + data[middle + 200 :],
        "a hole in the middle": data[: middle - 50] + data[middle + 50 :],
    }[kind]


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


@pytest.mark.parametrize(
    "kind",
    [
        "empty",
        "text",
        "header only",
        "header and text",
        "zeros",
        "no start",
        "zeros in the middle",
        "a hole in the middle",
    ],
)
def test_a_damaged_universe_is_refused_and_left_as_it_is(long_path: Path, kind: str) -> None:
    data = garble((long_path / "Data.fs").read_bytes(), kind)
    (long_path / "Data.fs").write_bytes(data)

    for _ in range(2):  # the first try leaves no lock
        with pytest.raises(UniverseUnreadable, match="Nothing was changed"):
            open_universe(long_path)

    assert (long_path / "Data.fs").read_bytes() == data
    assert not list(long_path.glob("*.tr*"))


def test_a_length_that_is_destroyed_in_the_middle_cuts_nothing_off(long_path: Path) -> None:
    data = (long_path / "Data.fs").read_bytes()
    universe = open_universe(long_path, read_only=True)
    tid = bytes.fromhex(universe.log(6)[-1].tid)
    universe.close()
    at = data.index(tid) + 8  # a transaction begins with its tid and its length
    data = data[:at] + b"\x7f" * 8 + data[at + 8 :]
    (long_path / "Data.fs").write_bytes(data)

    with pytest.raises(UniverseUnreadable, match=f"damaged at byte {at - 8}"):
        open_universe(long_path)

    assert (long_path / "Data.fs").read_bytes() == data


def test_whatever_is_damaged_no_transaction_but_the_last_is_ever_cut_off(
    long_path: Path,
) -> None:
    whole = (long_path / "Data.fs").read_bytes()
    last_bytes = 8 + int.from_bytes(whole[-8:], "big")  # its length stands behind it
    chance = random.Random(7)
    refused = 0
    for _ in range(150):
        at = chance.randrange(4, len(whole) - last_bytes)
        length = chance.choice([1, 8, 50, 200])
        data = whole[:at] + chance.randbytes(length) + whole[at + length :]
        (long_path / "Data.fs").write_bytes(data)
        (long_path / "Data.fs.index").unlink(missing_ok=True)
        try:
            open_universe(long_path).close()
        except UniverseUnreadable:
            refused += 1
        left = (long_path / "Data.fs").read_bytes()
        assert left in (data, data[:-last_bytes])

    assert refused > 50


@pytest.mark.parametrize("missing_bytes", [1, 8, 9, 50, 100, 150])
def test_a_commit_that_was_killed_is_as_if_it_had_never_begun(
    long_path: Path, missing_bytes: int
) -> None:
    data = (long_path / "Data.fs").read_bytes()
    (long_path / "Data.fs").write_bytes(data[:-missing_bytes])

    universe = open_universe(long_path)

    with universe.transaction() as root:
        assert root["account"].n == 11
        root["account"].n = 13
    assert [moment.note for moment in universe.log(2)] == ["", "count to 11"]
    universe.close()


@pytest.mark.parametrize("index", [None, b"", b"garbage", "old"])
def test_any_index_or_none_opens_the_same_universe(
    universe_path: Path, index: bytes | str | None
) -> None:
    file = universe_path / "Data.fs.index"
    old = file.read_bytes()
    with_account = open_universe(universe_path)
    with with_account.transaction() as root:
        root["account"] = root["genesis_obj"].clone(balance=100)
    with_account.close()
    if index is None:
        file.unlink()
    else:
        file.write_bytes(old if isinstance(index, str) else index)

    universe = open_universe(universe_path)

    with universe.transaction() as root:
        assert root["account"].balance == 100
    universe.close()


def test_a_copy_of_the_folder_is_the_same_universe(universe_path: Path, tmp_path: Path) -> None:
    shutil.copytree(universe_path, tmp_path / "copy.universe")

    copy = open_universe(tmp_path / "copy.universe")

    with copy.transaction() as root:
        assert "genesis_obj" in root
    copy.close()
