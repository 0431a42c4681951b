"""Safe mode: any universe is shown, nothing of it runs, and nothing foreign is called."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from tests.universe.test_records import FOREIGN, UVM_OBJECT, calls_touch, oid_of, store
from tests.universe.test_verifying import SHAPES, record_of
from ZODB._compat import PersistentUnpickler

from batos.errors import (
    ExtraMissing,
    NothingRuns,
    SlotRefused,
    UniverseReadOnly,
    UniverseUnreadable,
)
from batos.kernel.message import send
from batos.kernel.mirror import mirror
from batos.opening import open_uvm
from batos.universe.moments import visited
from batos.universe.past import diff, history
from batos.universe.placeholders import UnknownRecord, shown_class
from batos.universe.states import names_in, own_slots, shown_slots
from batos.universe.universe import Universe, open_universe

Write = Callable[..., str]


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """A file that is made by whoever runs what the records name."""
    return tmp_path / "mark"


def renamed(path: Path) -> None:
    """Let every object be of a class that is not there, as after a renaming in the code."""
    file = path / "Data.fs"
    file.write_bytes(file.read_bytes().replace(b"UvmObject", b"OldObject"))  # as long


def test_a_universe_can_be_seen_and_neither_changed_nor_run(
    universe: Universe, universe_path: Path, write: Write
) -> None:
    write("account", balance=1)
    with universe.transaction("spend") as root:
        del root["account"].balance
    with universe.transaction("earn") as root:
        root["account"].balance = 2

    safe = open_universe(universe_path, safe=True)  # while another process owns it

    assert [event.became for event in history(safe, "account")][-1] == "created"
    with safe.transaction() as root:
        assert root["account"].balance == 2
        with pytest.raises(ExtraMissing):
            send(root["account"], "unknown")
        with pytest.raises(UniverseReadOnly, match="safe"):
            root["account"].balance = 3
        assert root["account"].balance == 2
    safe.close()


def test_no_method_runs_and_no_mind_loads(universe: Universe, universe_path: Path) -> None:
    with universe.transaction("teach") as root:
        root["account"] = root["genesis_obj"].clone(balance=1)
    universe.close()
    with open_uvm(universe_path, "unwalled") as uvm, uvm.transaction("teach") as root:
        mirror(root["account"]).define("def answer(self):\n    return 1")

    with open_uvm(universe_path, safe=True) as safe:
        with pytest.raises(NothingRuns):
            safe.send("account", "answer")
        with safe.transaction() as root, pytest.raises(NothingRuns):
            send(root["account"], "answer")
        with safe.transaction() as root, pytest.raises(NothingRuns):
            mirror(root["account"]).define("def f(self):\n    return 1")
        with safe.at(safe.log(1)[0].tid) as root, pytest.raises(NothingRuns):
            send(root["account"], "answer")
        with pytest.raises(UniverseReadOnly):
            safe.undo()
        with pytest.raises(UniverseReadOnly):
            safe.restore("account", safe.log(2)[1].tid)
        assert not safe.mind_loaded


def test_a_renamed_class_is_shown_as_a_record_of_it(
    universe: Universe, universe_path: Path, write: Write
) -> None:
    write("account", balance=1, entries=[1, 2])
    tid = write("friend", balance=2)
    with universe.transaction("befriend") as root:
        root["friend"].of = root["account"]
    universe.close()
    renamed(universe_path)

    strict = open_universe(universe_path)
    with strict.transaction() as root, pytest.raises(UniverseUnreadable, match="--safe"):
        dict(root)
    strict.close()
    safe = open_universe(universe_path, safe=True)

    with safe.transaction() as root:
        record: Any = root["account"]
        assert repr(record) == "a record of batos.kernel.uvm_object.OldObject"
        shown = {slot: one.text for slot, one in shown_slots(record, names_in(root)).items()}
        assert shown == {"parent*": "genesis_obj", "balance": "1", "entries": "[1, 2]"}
        with pytest.raises(UniverseReadOnly):
            record.balance = 2
        with pytest.raises(UniverseReadOnly):
            record._p_changed = True
        assert own_slots(root["friend"])["of"] is record
    assert [event.became for event in history(safe, "account")] == ["created"]
    assert [one.name for one in diff(safe, tid)] == ["friend"]
    with visited(safe, tid) as root:
        assert own_slots(root["friend"])["balance"] == 2
    safe.close()


@pytest.mark.parametrize(("module", "name"), FOREIGN)
def test_a_foreign_class_is_shown_and_neither_imported_nor_called(
    universe_path: Path, mark: Path, module: str, name: str
) -> None:
    oid = oid_of(universe_path, "digital_ether")
    state = b"}(V_slots\n}(Vodd\n" + calls_touch(mark, module, name)[:-1] + b"uu."
    store(universe_path, oid, UVM_OBJECT + state)

    safe = open_universe(universe_path, safe=True)

    with safe.transaction() as root:
        odd = mirror(root["digital_ether"]).slots()["odd"]
        assert repr(odd) == f"a record of {module}.{name}"
        assert isinstance(odd, UnknownRecord)
    safe.close()
    assert not mark.exists()


class Plain:
    """An object with a state, as pickles of others have them."""

    def __init__(self) -> None:
        self.a = 1


class Slotted:
    """One without a dictionary."""

    __slots__ = ("a",)

    def __init__(self) -> None:
        self.a = 1


class Rows(list[int]):
    """A list of their own."""


class Table(dict[str, int]):
    """A dictionary of their own."""


class Reduced:
    """One that says how it is made, with all that can be said."""

    def __reduce__(self) -> tuple[object, ...]:
        return (Reduced, (1, 2), {"b": 3}, iter([4]), iter([(5, 6)]))


@pytest.mark.parametrize("protocol", range(4))
def test_objects_of_any_shape_are_kept_raw(protocol: int) -> None:
    objects = [Plain(), Rows([7]), Table(k=8), Reduced(), *([Slotted()] * (protocol > 1))]
    data = BytesIO(pickle.dumps(objects, protocol))

    shown = PersistentUnpickler(shown_class, None, data).load()

    assert [repr(one) for one in shown] == [
        f"a record of {__name__}.{type(one).__name__}" for one in objects
    ]


@pytest.fixture
def without_journal(universe: Universe, universe_path: Path, write: Write) -> Path:
    """A universe whose journal cannot be read."""
    write("account", balance=1)
    write("account", balance=2)
    with universe.transaction() as root:
        oid = root["journal"]._p_oid
    universe.close()
    store(universe_path, oid, b"no journal at all")
    return universe_path


def test_a_damaged_journal_hides_nothing_else(without_journal: Path) -> None:
    with open_uvm(without_journal, safe=True) as safe:
        with safe.transaction() as root:
            assert root["account"].balance == 2
        events = safe.history("account")
        assert [event.became for event in events] == ["changed", "created"]
        with safe.at(events[1].moment.tid) as root:
            assert root["account"].balance == 1
        assert len(safe.log()) == 3
        with pytest.raises(UniverseUnreadable):
            safe.journal.list()
        with pytest.raises(UniverseUnreadable):
            safe.unfinished_forgettings()


@pytest.mark.parametrize("case", SHAPES)
def test_an_object_of_no_shape_hides_no_other(
    universe: Universe, universe_path: Path, write: Write, case: str
) -> None:
    write("account", balance=1)
    universe.close()
    store(universe_path, oid_of(universe_path, "digital_ether"), record_of(SHAPES[case][0]))

    with open_uvm(universe_path, safe=True) as safe, safe.transaction() as root:
        assert root["account"].balance == 1
        assert set(root) >= {"account", "digital_ether"}
        with suppress(UniverseUnreadable, SlotRefused):
            mirror(root["digital_ether"]).slots()
