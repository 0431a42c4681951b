"""Every record that can be reached from the root."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest
from ZODB.utils import p64, u64

from batos.errors import UniverseUnreadable
from batos.kernel.method import Method
from batos.kernel.uvm_object import UvmObject
from batos.universe.universe import Universe
from batos.universe.walk import ROOT, Records, Reference, references_in

Write = Callable[..., str]


def records_of(root: Any) -> Records:
    return Records(root._p_jar)


def test_each_record_is_met_once_and_what_cannot_be_reached_is_not(
    universe: Universe, write: Write
) -> None:
    write("account", friends=[UvmObject(name="Ann")])
    write("other")
    with universe.transaction() as root:
        root["other"].friend, root["account"].friend = root["account"], root["other"]
        gone = root["account"].friends[0]._p_oid
    with universe.transaction() as root:
        root["account"].friends.pop()

    with universe.transaction() as root:
        met = [record.oid for record in records_of(root).walk()]
        account = u64(root["account"]._p_oid)

    assert met[0] == ROOT
    assert len(met) == len(set(met))
    assert account in met
    assert u64(gone) not in met


def test_a_walk_loads_and_changes_nothing(universe: Universe, write: Write) -> None:
    write("account", friends=[UvmObject(name="Ann")], run=Method("def run(self): ...", {}))

    with universe.transaction() as root:
        connection: Any = root._p_jar  # type: ignore[attr-defined]
        connection.cacheMinimize()
        before = connection._cache.cache_non_ghost_count
        assert len(list(records_of(root).walk())) > 5
        assert connection._cache.cache_non_ghost_count == before
        assert connection._registered_objects == []


def test_a_walk_sees_the_moment_of_its_transaction(universe: Universe, write: Write) -> None:
    write("account", balance=1)

    with universe.transaction() as root:
        write("account", balance=2)
        [seen] = [one.slots for one in records_of(root).walk() if "balance" in one.slots]

    assert seen["balance"] == 1


def test_a_method_is_read_on_demand_with_its_source(universe: Universe, write: Write) -> None:
    write("account", run=Method("def run(self): ...", {}))

    with universe.transaction() as root:
        records = records_of(root)
        [account] = [one for one in records.walk() if "run" in one.slots]
        value = account.slots["run"]

        assert isinstance(value, Reference)
        assert records.read(value.oid).source == "def run(self): ..."


def test_references_lie_in_tuples_of_tuples() -> None:
    one, other = Reference(1, None), Reference(2, UvmObject)

    assert set(references_in((one, (3, (other,)), frozenset({4})))) == {one, other}
    assert list(references_in(5)) == []


@pytest.mark.parametrize(
    "data",
    [
        b"no pickle",
        b"",
        pickle.dumps(UvmObject) + pickle.dumps({"_slot": {}}),
        pickle.dumps(UvmObject) + pickle.dumps(None),
        pickle.dumps(Method) + pickle.dumps({}),
        pickle.dumps(UvmObject),
        b"cos\nsystem\n.",
        None,
    ],
)
def test_a_record_that_is_damaged_or_foreign_is_named_and_not_run(
    universe: Universe, data: bytes | None
) -> None:
    class Damaged:
        def load(self, oid: bytes) -> tuple[bytes, bytes]:
            if data is None:
                return storage.load(p64(10**6))  # type: ignore[no-any-return]
            return (data, b"") if oid == p64(7) else storage.load(oid)

    with universe.transaction() as root:
        storage = root._p_jar._storage  # type: ignore[attr-defined]
        records = records_of(root)
        records._storage = Damaged()

        with pytest.raises(UniverseUnreadable, match="record"):
            records.read(7)
