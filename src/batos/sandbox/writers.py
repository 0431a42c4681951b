"""What stands on the left of an assignment: slots and items, with what may be done to them.

Nothing here reads: the guards do, and `holding` says what is a method's to change.
"""

from __future__ import annotations

import functools
from typing import Any

from persistent.list import PersistentList
from persistent.mapping import PersistentMapping

from batos.kernel.authority import remove_data_slot, write_data_slot
from batos.kernel.uvm_object import UvmObject
from batos.sandbox import allowed
from batos.sandbox.containers import IN_PLACE, StoredWriter, lasting
from batos.sandbox.holding import CHANGES, own, own_each, require_held, require_own


class SlotWriter:
    """Stands for an object on the left of an assignment to its slots."""

    __slots__ = ("_me", "_receiver")
    _me: object
    _receiver: UvmObject

    def __init__(self, me: object, receiver: UvmObject) -> None:
        object.__setattr__(self, "_me", me)
        object.__setattr__(self, "_receiver", receiver)

    def __setattr__(self, name: str, value: object) -> None:
        require_own(self._me, self._receiver, name)
        write_data_slot(self._receiver, name, kept(self._me, name, value))

    def __delattr__(self, name: str) -> None:
        require_own(self._me, self._receiver, name)
        remove_data_slot(self._receiver, name)


def slots_of(me: object, value: object) -> SlotWriter:
    """Return what `value.name = …` and `del value.name` are done to."""
    if isinstance(value, UvmObject):
        return SlotWriter(me, value)
    raise TypeError(f"{type(value).__name__!r} object has no slots to write")


def items_of(me: object, value: Any) -> Any:
    """Return what `value[key] = …` and `del value[key]` are done to."""
    if type(value) in allowed.WRITTEN:
        return value
    if type(value) is PersistentList or type(value) is PersistentMapping:
        require_held(me, value)
        return StoredWriter(value, functools.partial(own_each, me))
    raise TypeError(f"the items of {type(value).__name__!r} object cannot be changed")


def change(me: object, op: str, value: Any, operand: Any) -> Any:
    """Return the new value for `name op= operand`."""
    if type(value) in CHANGES:
        require_held(me, value)
        operand = own_each(me, operand)
    return IN_PLACE[op](value, operand)


def kept(me: object, name: str, value: object) -> object:
    """Return a value in the form in which a slot of the method's receiver keeps it."""
    return lasting(own(me, value), f"the slot {name!r}")
