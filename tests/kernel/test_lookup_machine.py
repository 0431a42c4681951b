"""Whatever is done to objects, a lookup answers as its definition does.

Two connections edit, commit, abort, roll back and forget the same objects in any order.
What each of them should hold is kept in plain dicts; what a selector leads to is found by
walking up the parents, without a map. `make fuzz` runs the same for longer. Annotations are
left out (they conflict on their own account; see `test_mirror`).
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
import transaction
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
)
from transaction import TransactionManager
from ZODB.DemoStorage import DemoStorage
from ZODB.POSException import ConflictError

from batos.kernel import lookup
from batos.kernel.delegation import ancestry
from batos.kernel.message import Send
from batos.kernel.method import Primitive, is_behaviour
from batos.kernel.mirror import mirror
from batos.kernel.runtime import Runtime
from batos.kernel.uvm_object import UvmObject, write_slot
from batos.universe.database import Database

OBJECTS = 5
NAMES = ("a", "b", "c")
Slots = dict[str, object]  # objects in it by their numbers

numbers = st.integers(0, OBJECTS - 1)
sides = st.integers(0, 1)
names = st.sampled_from(NAMES)
values = st.one_of(
    st.integers(0, 9), st.sampled_from([Primitive("one"), Primitive("two"), Primitive("none")])
)


def one(_self: object) -> str:
    return "one"


class Two:
    """Callable, and no function."""

    def __call__(self, _self: object) -> str:
        return "two"


BEHAVIOUR: dict[str, Callable[..., object]] = {"one": one, "two": Two()}


class Side:
    """A connection, and what its transaction should see."""

    def __init__(self, database: Database) -> None:
        self.manager = TransactionManager(explicit=True)
        self.connection = database.open(self.manager)
        self.base: list[Slots] = []
        self.seen: list[Slots] = []

    def begin(self, committed: list[Slots]) -> None:
        self.manager.begin()
        self.base = [dict(slots) for slots in committed]
        self.seen = [dict(slots) for slots in committed]

    @property
    def objects(self) -> list[Any]:
        return [self.connection.root()[f"o{number}"] for number in range(OBJECTS)]


class Lookups(RuleBasedStateMachine):
    savepoints = Bundle("savepoints")

    def __init__(self) -> None:
        super().__init__()
        self.chance = random.Random(7)
        self.database = Database(DemoStorage())
        self.database.runtime = Runtime(BEHAVIOUR, lambda _source: one)
        self.committed: list[Slots] = [{} for _ in range(OBJECTS)]
        first = Side(self.database)
        first.manager.begin()
        for number in range(OBJECTS):
            first.connection.root()[f"o{number}"] = UvmObject()
        first.manager.commit()
        first.connection.close()
        self.sides = [Side(self.database), Side(self.database)]
        for side in self.sides:
            side.begin(self.committed)

    @initialize(side=sides, parents=st.lists(st.lists(numbers, max_size=2), min_size=OBJECTS))
    def begin(self, side: int, parents: list[list[int]]) -> None:
        for number in range(OBJECTS):
            self.delegate(side, number, parents[number])
            self.write(side, number, NAMES[number % len(NAMES)], number)

    # --- edits -------------------------------------------------------------------------

    @rule(side=sides, number=numbers, name=names, value=values)
    def write(self, side: int, number: int, name: str, value: object) -> None:
        write_slot(self.sides[side].objects[number], name, value)
        self.sides[side].seen[number][name] = value

    @rule(side=sides, number=numbers, parents=st.lists(numbers, max_size=3))
    def delegate(self, side: int, number: int, parents: list[int]) -> None:
        objects = self.sides[side].objects
        value = tuple(objects[parent] for parent in parents)
        write_slot(objects[number], "parent*", value)
        self.sides[side].seen[number]["parent*"] = tuple(parents)

    @rule(side=sides, number=numbers, place=st.integers(0, 9))
    def remove(self, side: int, number: int, place: int) -> None:
        slots = self.sides[side].seen[number]
        if slots:
            name = sorted(slots)[place % len(slots)]
            mirror(self.sides[side].objects[number]).remove(name)
            del slots[name]

    # --- transactions -------------------------------------------------------------------

    @rule(side=sides)
    def commit(self, side: int) -> None:
        ours = self.sides[side]
        expected = self._merged(ours)
        try:
            ours.manager.commit()
        except ConflictError:
            assert expected is None
            ours.manager.abort()
        else:
            assert expected is not None
            self.committed = expected
        ours.begin(self.committed)

    @rule(side=sides)
    def abort(self, side: int) -> None:
        self.sides[side].manager.abort()
        self.sides[side].begin(self.committed)

    @rule(target=savepoints, side=sides)
    def save(self, side: int) -> tuple[Side, Any, transaction.Transaction, list[Slots]]:
        ours = self.sides[side]
        kept = [dict(slots) for slots in ours.seen]
        return ours, ours.manager.savepoint(), ours.manager.get(), kept

    @rule(saved=consumes(savepoints))
    def roll_back(self, saved: tuple[Side, Any, transaction.Transaction, list[Slots]]) -> None:
        ours, savepoint, of, kept = saved
        if ours in self.sides and ours.manager.get() is of and savepoint.valid:
            savepoint.rollback()
            ours.seen = [dict(slots) for slots in kept]

    # --- memory -------------------------------------------------------------------------

    @rule(side=sides, number=numbers)
    def forget_one(self, side: int, number: int) -> None:
        self.sides[side].objects[number]._p_deactivate()

    @rule(side=sides)
    def forget_all(self, side: int) -> None:
        self.sides[side].connection.cacheMinimize()

    @rule(side=sides)
    def reopen(self, side: int) -> None:
        """Close the connection, and take one from the pool."""
        self.sides[side].manager.abort()
        self.sides[side].connection.close()
        self.sides[side] = Side(self.database)
        self.sides[side].begin(self.committed)

    # --- what must hold -----------------------------------------------------------------

    @invariant()
    def a_read_answers_as_its_definition(self) -> None:
        """Read a part of all there is: the maps know some of it before, and some not."""
        chance = self.chance
        for side in self.sides:
            for receiver in side.objects:
                for name in NAMES:
                    if chance.random() < 0.5:
                        check_read(receiver, name)

    @rule(side=sides)
    def compare(self, side: int) -> None:
        for receiver, slots in zip(
            self.sides[side].objects, self.sides[side].seen, strict=True
        ):
            objects = {id(obj): n for n, obj in enumerate(self.sides[side].objects)}
            found = {
                name: tuple(objects[id(one)] for one in value) if name == "parent*" else value
                for name, value in receiver._slots.items()
            }
            assert found == slots

    @invariant()
    def own_data_lies_where_python_reads_it(self) -> None:
        for side in self.sides:
            for obj in side.objects:
                if obj._p_changed is None:
                    continue
                lies = {k: v for k, v in obj.__dict__.items() if not k.startswith("_")}
                slots = obj.__dict__["_slots"]
                assert lies == {k: v for k, v in slots.items() if not is_behaviour(v)}

    def teardown(self) -> None:
        for side in self.sides:
            side.manager.abort()
            side.connection.close()
        self.database.close()

    def _merged(self, ours: Side) -> list[Slots] | None:
        """Return what is committed afterwards, or None where the same slot was changed."""
        result = [dict(slots) for slots in self.committed]
        for old, there, here, slots in zip(
            ours.base, self.committed, ours.seen, result, strict=True
        ):
            for name in old | here:
                if same(here, old, name):
                    continue
                if not same(there, old, name):
                    return None
                slots.pop(name, None)
                if name in here:
                    slots[name] = here[name]
        return result


def same(some: Slots, others: Slots, name: str) -> bool:
    return (name in some) == (name in others) and some.get(name) == others.get(name)


def check_read(receiver: Any, name: str) -> None:
    """Compare what is found with the definition, and what is read with what is found."""
    by_definition = next((obj for obj in ancestry(receiver) if name in obj._slots), None)
    found = lookup.find(receiver, name)
    value = getattr(receiver, name)
    if by_definition is None:
        assert found is None
        assert isinstance(value, Send)
        return
    assert found == (by_definition, by_definition._slots[name])
    if isinstance(found.value, Primitive):
        assert value.__self__ is receiver
        expected = BEHAVIOUR.get(found.value.name)
        assert expected is None or value.__func__ is expected
    else:
        assert value == found.value


TestLookups = Lookups.TestCase


@pytest.mark.parametrize("seed", range(3))
def test_a_long_walk_finds_nothing_that_is_stale(seed: int) -> None:
    walk(seed, steps=1000)


@pytest.mark.fuzz
def test_walks_without_end_find_nothing_that_is_stale() -> None:
    seed = 1000
    ends = time.monotonic() + float(os.environ.get("BATOS_FUZZ_S", "60"))
    while time.monotonic() < ends:
        walk(seed, steps=3000)
        seed += 1


def test_threads_with_a_connection_each_read_what_is_so() -> None:
    machine = Lookups()  # for its objects; its own connections stay as they are

    with ThreadPoolExecutor(4) as threads:
        roaming = [threads.submit(roam, machine.database, seed, 400) for seed in range(4)]
        committed = [one.result() for one in roaming]

    assert all(committed)
    machine.teardown()


def roam(database: Database, seed: int, steps: int) -> int:
    """Edit and read in a connection of one's own; return how many commits went through."""
    side, chance, committed = Side(database), random.Random(seed), 0
    side.manager.begin()
    for turn in range(steps):
        obj, name = chance.choice(side.objects), chance.choice(NAMES)
        match chance.randrange(5):
            case 0:
                mirror(obj).set("parent*", tuple(chance.choices(side.objects, k=turn % 3)))
            case 1 if name in obj._slots:
                mirror(obj).remove(name)
            case 2:
                mirror(obj).set(name, Primitive(chance.choice(("one", "two"))))
            case _:
                mirror(obj).set(name, turn)
        for receiver in side.objects:
            check_read(receiver, name)
        if turn % 5 == 0:
            try:
                side.manager.commit()
                committed += 1
            except ConflictError:
                side.manager.abort()
            side.manager.begin()
    side.manager.abort()
    side.connection.close()
    return committed


def walk(seed: int, steps: int) -> None:
    """Take random steps on one machine: many more than hypothesis has time for."""
    machine = Lookups()
    machine.chance = random.Random(seed)
    saved: list[Any] = []
    for _ in range(steps):
        step(machine, machine.chance, saved)
        machine.a_read_answers_as_its_definition()
        machine.own_data_lies_where_python_reads_it()
    machine.teardown()


def step(machine: Lookups, chance: random.Random, saved: list[Any]) -> None:
    some = partial(chance.randrange, OBJECTS)
    side, number, name = chance.randrange(2), some(), chance.choice(NAMES)
    match chance.randrange(16):
        case 0 | 1 | 2:
            machine.write(side, number, name, chance.randrange(3))
        case 3:
            machine.write(side, number, name, Primitive(chance.choice(("one", "two", "no"))))
        case 4 | 5:
            machine.delegate(side, number, [some() for _ in range(chance.randrange(3))])
        case 6 | 7 | 8:
            machine.remove(side, number, some())
        case 9 | 10:
            machine.forget_one(side, number)
        case 11:
            saved.append(machine.save(side))
        case 12 if saved:
            machine.roll_back(saved.pop(chance.randrange(len(saved))))
        case 13 | 14:
            machine.compare(side)
        case _:
            rare = (machine.commit, machine.abort, machine.forget_all, machine.reopen)
            chance.choice(rare)(side)
