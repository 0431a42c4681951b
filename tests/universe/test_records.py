"""A universe from elsewhere: its file may name any class, and none of it is called."""

from __future__ import annotations

import datetime as dt
import pickle
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from BTrees.OOBTree import OOBTree
from persistent.mapping import PersistentMapping
from ZODB.Connection import TransactionMetaData
from ZODB.FileStorage import FileStorage
from ZODB.serialize import PersistentPickler

from batos.errors import BatosError, UniverseUnreadable
from batos.kernel.message import Message
from batos.kernel.method import Method, Primitive
from batos.kernel.mirror import mirror
from batos.kernel.uvm_object import UvmObject
from batos.universe.journal import Journal, Proposal, State
from batos.universe.records import check_stored, record_class
from batos.universe.universe import Universe, open_universe

UVM_OBJECT = b"cbatos.kernel.uvm_object\nUvmObject\nq\x00."  # what a record begins with
FOREIGN = [
    ("os", "system"),
    ("posix", "system"),
    ("builtins", "eval"),
    ("builtins", "getattr"),
    ("__builtin__", "eval"),
    ("subprocess", "Popen"),
    ("pathlib", "Path"),
    ("copyreg", "__newobj_ex__"),
    ("batos.kernel.uvm_object", "write_slot"),
    ("batos.universe.blobs", "sweep"),
    ("batos.universe.journal", "Journal"),
    ("ZODB.blob", "BlobFile"),
    ("no.such.module", "thing"),
]


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """A file that is made by whoever runs what the records name."""
    return tmp_path / "mark"


def calls_touch(mark: Path, module: str = "os", name: str = "system") -> bytes:
    """A pickle that calls a function when it is loaded."""
    return f"c{module}\n{name}\n(Vtouch {mark}\ntR.".encode()


def oid_of(path: Path, name: str) -> bytes:
    universe = open_universe(path)
    with universe.transaction() as root:
        oid: bytes = root[name]._p_oid
    universe.close()
    return oid


def store(path: Path, oid: bytes, data: bytes, details: bytes = b"") -> bytes:
    """Write a record as any program could, and return its transaction."""
    storage = FileStorage(str(path / "Data.fs"), blob_dir=str(path / "blobs"))
    transaction = TransactionMetaData(b"", b"crafted", details)
    storage.tpc_begin(transaction)
    storage.store(oid, storage.getTid(oid), data, "", transaction)
    storage.tpc_vote(transaction)
    tid: bytes = storage.tpc_finish(transaction)
    storage.close()
    return tid


@pytest.mark.parametrize(("module", "name"), FOREIGN)
def test_a_record_that_names_another_class_is_refused_and_nothing_is_called(
    universe_path: Path, mark: Path, module: str, name: str
) -> None:
    oid = oid_of(universe_path, "digital_ether")
    store(universe_path, oid, UVM_OBJECT + calls_touch(mark, module, name))

    universe = open_universe(universe_path)

    with (
        universe.transaction() as root,
        pytest.raises(UniverseUnreadable, match=f"{module}.{name}, which has no place"),
    ):
        mirror(root["digital_ether"]).slots()
    universe.close()
    assert not mark.exists()


def test_the_crafted_pickle_does_call_when_nobody_guards_it(mark: Path) -> None:
    pickle.loads(calls_touch(mark))

    assert mark.exists()


@pytest.mark.parametrize("kind", ["cos\nsystem\nq\x00.", "(cos\nsystem\n(Vtrue\ntt."])
def test_a_record_of_another_class_is_refused(universe_path: Path, kind: str) -> None:
    oid = oid_of(universe_path, "digital_ether")
    store(universe_path, oid, kind.encode() + b"}.")

    universe = open_universe(universe_path)

    with pytest.raises(BatosError), universe.transaction() as root:
        mirror(root["digital_ether"]).slots()
    universe.close()


def test_a_reference_that_names_another_class_is_refused(universe_path: Path) -> None:
    oid = oid_of(universe_path, "digital_ether")
    reference = b"(U\x08" + oid + b"cos\nsystem\ntQ"
    state = b"}(V_slots\n}(Vfriend\n" + reference + b"su" + b"."
    store(universe_path, oid, UVM_OBJECT + state)

    universe = open_universe(universe_path)

    with pytest.raises(UniverseUnreadable), universe.transaction() as root:
        mirror(root["digital_ether"]).slots()
    universe.close()


def test_a_crafted_root_is_refused_when_it_is_read(universe_path: Path, mark: Path) -> None:
    root_class = b"cpersistent.mapping\nPersistentMapping\nq\x00."
    store(universe_path, bytes(8), root_class + calls_touch(mark))

    universe = open_universe(universe_path)

    with pytest.raises(UniverseUnreadable), universe.transaction() as root:
        dict(root)
    universe.close()
    assert not mark.exists()


def test_what_a_transaction_says_of_itself_calls_nothing(
    universe_path: Path, mark: Path
) -> None:
    oid = oid_of(universe_path, "digital_ether")
    store(universe_path, oid, UVM_OBJECT + b"}V_slots\n}s.", details=calls_touch(mark))
    (universe_path / "Data.fs.index").unlink()  # to check it, opening would look there too

    universe = open_universe(universe_path)

    for look in (universe.log, lambda: universe.undo(None)):
        with pytest.raises(UniverseUnreadable, match=r"names os\.system"):
            look()
    universe.close()
    assert not mark.exists()


@pytest.mark.parametrize("read_only", [False, True])
def test_a_crafted_index_calls_nothing_and_is_made_anew(
    universe_path: Path, mark: Path, read_only: bool
) -> None:
    (universe_path / "Data.fs.index").write_bytes(calls_touch(mark))

    universe = open_universe(universe_path, read_only)

    with universe.transaction() as root:
        assert "genesis_obj" in root
    universe.close()
    assert not mark.exists()


def tree_records(*states: dict[str, int]) -> Iterator[bytes]:
    """What a tree's records look like while it has these items."""
    for state in states:
        file = BytesIO()
        pickler = PersistentPickler(lambda _obj: None, file, 3)
        pickler.dump(OOBTree)
        pickler.dump(OOBTree(state).__getstate__())
        yield file.getvalue()


def test_undo_merges_no_crafted_state(universe_path: Path, mark: Path) -> None:
    """To undo a change below a later one, ZODB loads three states of the object."""
    oid = bytes(8)
    first, last = tree_records({"a": 1}, {"a": 2, "b": 3})
    crafted = b"cBTrees.OOBTree\nOOBTree\nq\x00." + calls_touch(mark)
    store(universe_path, oid, first)
    tid = store(universe_path, oid, crafted)
    store(universe_path, oid, last)

    universe = open_universe(universe_path)

    with pytest.raises(UniverseUnreadable, match=r"names os\.system"):
        universe.undo(tid.hex())
    universe.close()
    assert not mark.exists()


def test_everything_a_universe_consists_of_has_a_place(
    universe: Universe, universe_path: Path
) -> None:
    proposal = Proposal("k", "r", "s", "source", {"a": [1]}, State.PROPOSED)
    Journal(universe, "ann").record(proposal, Message("s", (1,)))
    zone = dt.timezone(dt.timedelta(hours=1))
    with universe.transaction() as root:
        root["all"] = root["genesis_obj"].clone(
            numbers=[1, 2**70, 1.5, 1j, True, None],
            texts=["ß", b"\x00", "\ud800"],
            times=[
                *(dt.date(2026, 1, 1), dt.time(1, tzinfo=zone), dt.timedelta(1), zone),
                *(dt.datetime(2026, 1, 1), dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
            ],
            containers=[(1,), [1], {1: {2}}, frozenset({3})],
            method=Method("def method(self):\n    pass", {"by": "a person"}),
            primitive=Primitive("kernel.set_slot"),
            child=root["genesis_obj"].clone(),
        )
        slots = dict(mirror(root["all"]).slots())
        data = repr([slots[name] for name in ("numbers", "texts", "times", "containers")])
    universe.close()

    again = open_universe(universe_path)

    with again.transaction() as root:
        slots = dict(mirror(root["all"]).slots())
        assert repr([slots[n] for n in ("numbers", "texts", "times", "containers")]) == data
        assert slots["primitive"] == Primitive("kernel.set_slot")
        assert slots["method"].source.startswith("def method")  # type: ignore[attr-defined]
        assert len(root["journal"]["entries"]) == 1
    again.close()


def test_the_classes_that_have_a_place_are_found() -> None:
    assert record_class("batos.kernel.uvm_object", "UvmObject") is UvmObject
    assert record_class("persistent.mapping", "PersistentMapping") is PersistentMapping


def test_a_record_that_is_stored_is_one_that_can_be_loaded() -> None:
    for record in tree_records({}, {"a": 1}):
        check_stored(record)
