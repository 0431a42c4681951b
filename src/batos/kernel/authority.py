"""Which slots a method may write: those with data, of an object that is not primordial.

That it is the method's own receiver, and permits it, is the guards' business (`holding`).
A person's program may write any slot. Source that a model wrote may not: a parent slot,
a slot with behaviour, or a primordial would change what other objects do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from batos.errors import SlotRefused
from batos.kernel.delegation import PARENT_MARK
from batos.kernel.lookup import find
from batos.kernel.method import is_behaviour
from batos.kernel.uvm_object import remove_slot, write_slot

if TYPE_CHECKING:
    from batos.kernel.uvm_object import UvmObject


def write_data_slot(receiver: UvmObject, name: str, value: object) -> None:
    """Write a slot as a method may: this is also what `setSlot_value_` does.

    Raises:
        SlotRefused: The slot or the object is not the method's to write.
        NotStorable: The value cannot last.
    """
    _check(receiver, name)
    if is_behaviour(value):
        raise SlotRefused(name, "a method may write data only")
    write_slot(receiver, name, value)


def remove_data_slot(receiver: UvmObject, name: str) -> None:
    """Remove a slot as a method may.

    Raises:
        SlotRefused: The slot or the object is not the method's to change.
    """
    _check(receiver, name)
    remove_slot(receiver, name)


def _check(receiver: UvmObject, name: str) -> None:
    if receiver._sealed:
        raise SlotRefused(name, f"{receiver!r} is primordial")
    if name.endswith(PARENT_MARK):
        raise SlotRefused(name, "a method may not change what an object delegates to")
    found = find(receiver, name)
    if found is not None and is_behaviour(found.value):
        raise SlotRefused(name, "a method may not replace behaviour")
