"""The one kind of object there is: slots of its own, parents to ask, clones.

How a selector finds its slot is `lookup`'s business; what happens to a name that nobody
knows is `message`'s.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterable
from typing import Any, cast

from persistent import Persistent

from batos.errors import SlotRefused
from batos.kernel import lookup
from batos.kernel.lookup import PARENT_MARK
from batos.kernel.message import Send, is_probe
from batos.kernel.method import bind, is_behaviour
from batos.kernel.values import storable

_OWN_STATE = ("_p_", "_v_")  # persistent's own names, and volatile ones


class UvmObject(Persistent):  # type: ignore[misc]  # persistent is untyped
    """An object that answers from its own slots, then from its parents'.

    A clone starts empty and delegates to its original, so it takes one small database
    record until it differs. `obj.name` reads a slot or binds a method, `obj.name = value`
    writes a slot of its own, and a name that nobody knows becomes a `Send`, which is falsy
    and does nothing until it is called. A `Mirror` shows and changes slots without sending.
    """

    _slots: dict[str, object]
    _sealed: bool = False  # a primordial: generated methods may not write to it

    def __init__(self, **slots: object) -> None:
        self.__dict__["_slots"] = {}
        for name, value in slots.items():
            write_slot(self, name, value)

    def clone(self, /, **slots: object) -> UvmObject:
        """Return an empty child that delegates to this object, with `slots` of its own."""
        child = UvmObject()
        child._slots["parent*"] = self
        for name, value in slots.items():
            write_slot(child, name, value)
        return child

    @property
    def parents(self) -> tuple[UvmObject, ...]:
        """The objects this one delegates to, from left to right."""
        return lookup.parents_of(self)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        found = lookup.find(self, name)
        if found is not None:
            return bind(found.value, self)
        if is_probe(name):
            raise AttributeError(name)
        return Send(self, name)

    def __setattr__(self, name: str, value: object) -> None:
        if name.startswith(_OWN_STATE):
            super().__setattr__(name, value)
        else:
            write_slot(self, name, value)

    def __delattr__(self, name: str) -> None:
        if name.startswith(_OWN_STATE):
            super().__delattr__(name)
        else:
            remove_slot(self, name)

    def __copy__(self) -> UvmObject:
        twin = UvmObject()
        twin._slots.update(self._slots)
        return twin

    def __dir__(self) -> Iterable[str]:
        return [*super().__dir__(), *lookup.selectors(self)]

    def __repr__(self) -> str:
        oid = cast("bytes | None", self._p_oid)
        return "<a new object>" if oid is None else f"<object {int.from_bytes(oid, 'big'):#x}>"


def write_slot(obj: UvmObject, name: str, value: object) -> None:
    """Write a slot of the object's own.

    Raises:
        SlotRefused: The name cannot be a slot's.
        NotStorable: The value cannot last.
    """
    check_slot_name(name)
    if not is_behaviour(value):
        value = storable(value, f"the slot {name!r}")
    if name.endswith(PARENT_MARK):
        _check_parents(name, value)
    obj._p_changed = True  # first: where no change is possible, this is what fails
    obj._slots[name] = value


def remove_slot(obj: UvmObject, name: str) -> None:
    """Take a slot of the object's own away.

    Raises:
        SlotRefused: The object has no such slot of its own.
    """
    if name not in obj._slots:
        raise SlotRefused(name, "the object has no such slot of its own")
    obj._p_changed = True
    del obj._slots[name]


def check_slot_name(name: str) -> None:
    """Raise `SlotRefused` unless `name` can be a slot's."""
    stem = name.removesuffix(PARENT_MARK)
    if not stem.isidentifier() or not stem.isascii() or keyword.iskeyword(stem):
        raise SlotRefused(name, "a slot's name is an ASCII Python name, with * for a parent")
    if stem.startswith("_"):
        raise SlotRefused(name, "names that begin with _ are Python's own")
    if hasattr(UvmObject, name):
        raise SlotRefused(name, "every object has this name already")


def _check_parents(name: str, value: object) -> None:
    for parent in value if isinstance(value, tuple) else (value,):
        if not isinstance(parent, UvmObject):
            raise SlotRefused(name, "a parent slot holds objects")
