"""What verifying finds: shapes that no object has, and a reason for whatever is wrong."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from tests.universe.test_damage import flip
from tests.universe.test_records import UVM_OBJECT, oid_of, store
from ZODB.utils import u64

from batos.errors import Damaged
from batos.kernel.method import Method, Primitive
from batos.kernel.mirror import mirror
from batos.universe.shapes import problems_of, shape_of
from batos.universe.universe import Universe, open_universe
from batos.universe.verifying import verify

Write = Callable[..., str]
ETHER = "digital_ether"


class Refers:
    """Stands for a reference while a record is written by hand."""

    def __init__(self, oid: bytes, kind: type | None) -> None:
        self.id = (oid, kind) if kind else oid


def record_of(state: object, header: bytes = UVM_OBJECT) -> bytes:
    """Return an object's record with any state."""
    file = BytesIO()
    pickler = pickle.Pickler(file, 3)
    pickler.persistent_id = lambda it: it.id if isinstance(it, Refers) else None  # type: ignore[method-assign]
    pickler.dump(state)
    return header + file.getvalue()


def unnamed() -> Primitive:
    primitive = Primitive("x.y")
    vars(primitive)["name"] = 5
    return primitive


SHAPES: dict[str, tuple[object, str]] = {
    "no mapping": ([], "its state is no mapping but a list"),
    "no slots": ({}, "its slots are no mapping but nothing"),
    "slots that are a list": ({"_slots": [1]}, "its slots are no mapping but a list"),
    "a name that is a number": ({"_slots": {5: 1}}, "the name of a slot is no text but a int"),
    "a private name": ({"_slots": {"_x": 1}}, "the slot '_x': names that begin with _"),
    "a name with a space": ({"_slots": {"a b": 1}}, "the slot 'a b': a slot's name is"),
    "an inborn name": ({"_slots": {"clone": 1}}, "the slot 'clone': every object has"),
    "a parent that is data": (
        {"_slots": {"parent*": 5}},
        r"the parent slot 'parent\*' holds a int",
    ),
    "a parent in a list": ({"_slots": {"parent*": [1]}}, "holds a list, and no object"),
    "a method as parent": (
        {"_slots": {"parent*": (Refers(b"\0" * 7 + b"\1", Method),)}},
        "holds a Method, and no object",
    ),
    "a primitive without a name": (
        {"_slots": {"f": unnamed()}},
        "a primitive's name is no text",
    ),
    "notes of nothing": (
        {"_slots": {}, "_notes": {"x": {}}},
        "noted of a slot that it has not",
    ),
    "notes that are a list": ({"_slots": {}, "_notes": []}, "what is noted of its slots"),
    "a seal of text": ({"_slots": {}, "_sealed": "yes"}, "neither true nor false"),
    "something beside the slots": (
        {"_slots": {}, "send": 1},
        "it holds 'send' beside its slots",
    ),
}


@pytest.mark.parametrize("case", SHAPES)
def test_an_object_of_no_shape_is_found_with_its_name(universe_path: Path, case: str) -> None:
    state, told = SHAPES[case]
    oid = oid_of(universe_path, ETHER)
    store(universe_path, oid, record_of(state))

    with pytest.raises(Damaged, match=rf"object {u64(oid):#x}, {ETHER} in tran.*: .*{told}"):
        verify(universe_path)


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ({"source": 5, "provenance": {}}, "the source of the method is no text but a int"),
        ({"source": "def f(self): 1"}, "comes from is no mapping but nothing"),
    ],
)
def test_a_method_of_no_shape_is_found(
    universe: Universe, write: Write, state: object, told: str
) -> None:
    write("account", m=1)
    with universe.transaction() as root:
        method = Method("def m(self):\n    return 1", {})
        mirror(root["account"]).set("m", method)
    with universe.transaction() as root:
        oid = root["account"]._slots["m"]._p_oid
    universe.close()
    store(universe.path, oid, record_of(state, b"cbatos.kernel.method\nMethod\nq\x00."))

    with pytest.raises(Damaged, match=told):
        verify(universe.path)


def test_names_of_the_root_that_are_no_mapping_are_found(universe_path: Path) -> None:
    header = b"cpersistent.mapping\nPersistentMapping\nq\x00."
    store(universe_path, bytes(8), record_of({"data": [1]}, header))

    with pytest.raises(Damaged, match=r"the root in transaction .*: its names are no mapping"):
        verify(universe_path)


def test_every_record_that_batos_writes_has_its_shape(universe: Universe, write: Write) -> None:
    from tests.universe.bundle.conftest import put_everything_into

    with universe.transaction() as root:
        put_everything_into(root)
    found = 0
    for transaction in universe.database.storage.iterator():
        for record in transaction:
            shape = shape_of(record.data)
            assert list(problems_of(shape, is_root=record.oid == bytes(8))) == []
            found += 1
    assert found > 20


def test_one_wrong_bit_is_found_with_a_reason_or_is_not_in_the_structure(
    long_path: Path,
) -> None:
    data = (long_path / "Data.fs").read_bytes()
    problems: list[str] = []
    for at in random.Random(7).sample(range(4, len(data)), 400):
        (long_path / "Data.fs").write_bytes(flip(data, at))
        try:
            verify(long_path)
        except Damaged as error:
            problems.extend(error.problems)

    assert len(problems) > 200
    assert all(problem.rpartition(": ")[2].strip("() ") for problem in problems)


def test_damaged_details_of_a_transaction_are_found(universe_path: Path) -> None:
    oid = oid_of(universe_path, ETHER)
    universe = open_universe(universe_path)
    record = universe.database.storage.load(oid)[0]
    universe.close()
    tid = store(universe_path, oid, record, b"\x80\x03}")

    with pytest.raises(
        Damaged, match=rf"transaction {tid.hex()}: its details are damaged: EOF"
    ):
        verify(universe_path)
