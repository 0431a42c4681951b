"""Files that are torn, garbled or copied: what is lost, and what is never touched."""

from __future__ import annotations

import pickle
import random
import shutil
from contextlib import closing
from pathlib import Path

import pytest
from tests.universe.pieces import ends_of, kept
from ZODB.Connection import TransactionMetaData
from ZODB.FileStorage import FileStorage
from ZODB.utils import p64, z64

from batos.errors import UniverseUnreadable
from batos.kernel.mirror import mirror
from batos.kernel.uvm_object import UvmObject
from batos.kernel.values import plain
from batos.universe.universe import Universe, open_universe


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


def contents(universe: Universe) -> dict[str, object]:
    """Return all data of a universe's objects, and what its log says."""
    found: dict[str, object] = {"log": [moment.note for moment in universe.log(100, True)]}
    with universe.transaction() as root:
        for name, value in root.items():
            if isinstance(value, UvmObject):
                found[name] = plain(mirror(value).data(), lambda thing: type(thing).__name__)
    return found


def flip(data: bytes, at: int) -> bytes:
    bit = 1 << random.Random(at).randrange(8)
    return data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]


@pytest.mark.parametrize("with_index", [False, True])
def test_one_wrong_bit_is_refused_or_told_or_keeps_everything_readable(
    long_path: Path, with_index: bool
) -> None:
    universe = open_universe(long_path)
    everything = contents(universe)
    universe.close()
    data, index = (long_path / "Data.fs").read_bytes(), long_path / "Data.fs.index"
    saved_index = index.read_bytes()
    chance = random.Random(7)
    told = same = 0
    for at in chance.sample(range(4, len(data)), 250):
        (long_path / "Data.fs").write_bytes(flip(data, at))
        index.unlink(missing_ok=True)
        if with_index:
            index.write_bytes(saved_index)

        try:
            with closing(open_universe(long_path)) as universe:
                same += contents(universe) == everything
        except UniverseUnreadable:
            told += 1

        assert (long_path / "Data.fs").read_bytes() + kept(long_path) == flip(data, at)

    assert told > 50
    assert same > 50


def test_one_wrong_bit_in_the_index_changes_nothing(long_path: Path) -> None:
    universe = open_universe(long_path)
    everything = contents(universe)
    universe.close()
    index = long_path / "Data.fs.index"
    saved = index.read_bytes()
    for at in range(len(saved)):
        index.write_bytes(flip(saved, at))

        universe = open_universe(long_path, read_only=True)

        assert contents(universe) == everything
        universe.close()


@pytest.mark.parametrize("name", ["Data.fs.tmp", "Data.fs.lock", "Data.fs.index.index_tmp"])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe garbage \x00", bytes(5000)])
def test_what_else_lies_beside_the_file_may_hold_anything(
    long_path: Path, name: str, content: bytes
) -> None:
    (long_path / name).write_bytes(content)

    universe = open_universe(long_path)

    with universe.transaction() as root:
        root["account"].n += 1
        assert root["account"].n == 13
    universe.close()


def test_a_pack_that_was_killed_before_its_last_step_is_taken_back(long_path: Path) -> None:
    file = long_path / "Data.fs"
    data = file.read_bytes()
    file.rename(long_path / "Data.fs.old")
    (long_path / "Data.fs.pack").write_bytes(data[:1000])

    open_universe(long_path).close()

    assert file.read_bytes() == data
    assert not (long_path / "Data.fs.pack").exists()


def test_an_index_of_the_file_before_it_was_packed_is_not_believed(long_path: Path) -> None:
    open_universe(long_path).close()
    index = (long_path / "Data.fs.index").read_bytes()
    universe = open_universe(long_path)
    universe._database.pack()
    for n in range(20, 60):  # the file is longer again than the index knows it
        with universe.transaction() as root:
            root["account"].n = n
    universe.close()
    (long_path / "Data.fs.index").write_bytes(index)

    with closing(open_universe(long_path)) as again, again.transaction() as root:
        assert root["account"].n == 59


def test_after_a_kill_only_the_last_megabytes_are_read_again(long_path: Path) -> None:
    universe = open_universe(long_path)
    for n in range(20):
        with universe.transaction() as root:
            root["account"].large = random.Random(n).randbytes(1 << 20)
    (known,) = long_path.glob("Data.fs.index")  # as a kill leaves it

    data = known.read_bytes()
    position = pickle.loads(data)

    assert position > 16 << 20
    universe.close()


def test_a_damage_in_the_middle_is_told_to_a_reader_too(long_path: Path) -> None:
    data = (long_path / "Data.fs").read_bytes()
    at = ends_of(data)[-3] + 8  # where a length stands
    (long_path / "Data.fs").write_bytes(data[:at] + b"\x7f" * 8 + data[at + 8 :])

    with pytest.raises(UniverseUnreadable, match=f"damaged at byte {at - 8}, and goes on at"):
        open_universe(long_path, read_only=True)


def test_a_file_without_a_root_is_refused_and_gets_none(tmp_path: Path) -> None:
    file = tmp_path / "Data.fs"
    storage = FileStorage(str(file))
    transaction = TransactionMetaData()
    storage.tpc_begin(transaction)
    storage.store(p64(1), z64, b"a record", "", transaction)
    storage.tpc_vote(transaction)
    storage.tpc_finish(transaction)
    storage.close()
    data = file.read_bytes()

    with pytest.raises(UniverseUnreadable, match="it has no root"):
        open_universe(tmp_path)

    assert file.read_bytes() == data
