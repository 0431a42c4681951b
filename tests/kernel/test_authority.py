"""What a method may write, which is less than what a person may."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from batos.errors import NotStorable, SlotRefused
from batos.kernel.authority import remove_data_slot, write_data_slot
from batos.kernel.message import send
from batos.kernel.method import Method, Primitive
from batos.kernel.mirror import mirror
from batos.kernel.runtime import Runtime
from batos.kernel.uvm_object import UvmObject

GREET = Method("def greet(self):\n    return 'hi'", {})

Change = Callable[[UvmObject, str], None]
CHANGES: list[Change] = [
    lambda obj, name: write_data_slot(obj, name, 1),
    remove_data_slot,
]


@pytest.fixture(params=CHANGES, ids=["write", "remove"])
def change(request: pytest.FixtureRequest) -> Change:
    chosen: Change = request.param
    return chosen


def test_a_method_writes_and_removes_data() -> None:
    account = UvmObject(rate=1)

    write_data_slot(account, "balance", [100])
    remove_data_slot(account, "rate")

    assert mirror(account).data() == {"balance": [100]}


def test_a_method_may_hide_a_parents_data_with_its_own() -> None:
    account = UvmObject(rate=1).clone()

    write_data_slot(account, "rate", 2)

    assert account.rate == 2


@pytest.mark.parametrize("name", ["parent*", "law*"])
def test_parent_slots_are_not_a_methods_to_change(change: Change, name: str) -> None:
    account = UvmObject(**{name: UvmObject()})

    with pytest.raises(SlotRefused, match="delegates to"):
        change(account, name)

    assert list(mirror(account).slots()) == [name]


@pytest.mark.parametrize("behaviour", [GREET, Primitive("test.greet")])
def test_behaviour_is_not_a_methods_to_change(change: Change, behaviour: object) -> None:
    account = UvmObject(greet=behaviour)

    with pytest.raises(SlotRefused, match="replace behaviour"):
        change(account, "greet")

    assert mirror(account).slots()["greet"] is behaviour


def test_inherited_behaviour_cannot_be_hidden(change: Change) -> None:
    account = UvmObject(greet=GREET).clone().clone()

    with pytest.raises(SlotRefused, match="replace behaviour"):
        change(account, "greet")


def test_a_primordial_is_not_a_methods_to_change(change: Change) -> None:
    law = UvmObject(rate=1)
    mirror(law).seal()

    with pytest.raises(SlotRefused, match="primordial"):
        change(law, "rate")

    assert law.rate == 1


def test_a_child_of_a_primordial_is_no_primordial() -> None:
    law = UvmObject(rate=1)
    mirror(law).seal()
    child = law.clone()

    write_data_slot(child, "rate", 2)

    assert (child.rate, law.rate) == (2, 1)


@pytest.mark.parametrize("behaviour", [GREET, Primitive("test.greet")])
def test_a_method_writes_no_behaviour(behaviour: object) -> None:
    with pytest.raises(SlotRefused, match="data only"):
        write_data_slot(UvmObject(), "greet", behaviour)


def test_the_rules_of_names_and_values_hold_for_methods_too() -> None:
    with pytest.raises(SlotRefused):
        write_data_slot(UvmObject(), "_slots", {})
    with pytest.raises(NotStorable):
        write_data_slot(UvmObject(), "rate", print)


def test_set_slot_is_the_same_as_a_message(connection: Any, traits: Any) -> None:
    connection.db().runtime = Runtime({"kernel.set_slot": write_data_slot}, lambda _: print)
    traits.setSlot_value_ = Primitive("kernel.set_slot")
    account = traits.clone(balance=100)

    send(account, "setSlot_value_", "balance", 50)

    assert account.balance == 50
    for name in ("parent*", "setSlot_value_", "doesNotUnderstand_"):
        with pytest.raises(SlotRefused):
            send(account, "setSlot_value_", name, 50)


def test_a_seal_is_stored(connection: Any, traits: Any) -> None:
    manager = connection.transaction_manager
    traits._p_deactivate()  # sealed without having been read

    mirror(traits).seal()
    manager.commit()
    traits._p_deactivate()

    with pytest.raises(SlotRefused, match="primordial"):
        write_data_slot(traits, "rate", 1)
    traits.rate = 1  # a person may
