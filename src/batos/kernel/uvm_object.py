"""The one kind of object there is: slots of its own, parents to ask, clones.

How a selector finds its slot is `lookup`'s business; what happens to a name that nobody
knows is `message`'s.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, cast

from persistent import Persistent

from batos.errors import SlotRefused
from batos.kernel import lookup
from batos.kernel.delegation import LONGEST_NAME, PARENT_MARK, parents_of, selectors
from batos.kernel.merging import merged_object
from batos.kernel.message import Send, is_probe
from batos.kernel.method import is_behaviour
from batos.kernel.values import storable

Note = Mapping[str, object]  # what a mirror says of a slot, as plain data

_OWN_STATE = ("_p_", "_v_")  # persistent's own names, and volatile ones

# Like `obj._p_changed = True`, without the detour by `__setattr__`.
_set_changed: Callable[[Persistent, bool], None] = Persistent.__dict__["_p_changed"].__set__


class UvmObject(Persistent, metaclass=lookup.Map):  # type: ignore[misc]  # untyped base
    """An object that answers from its own slots, then from its parents'.

    A clone starts empty and delegates to its original, so it takes one small database
    record until it differs. `obj.name` reads a slot or binds a method, `obj.name = value`
    writes a slot of its own, and a name that nobody knows becomes a `Send`, which is falsy
    and does nothing until it is called. A `Mirror` shows and changes slots without sending.

    All slots lie in `_slots`, in the order in which they were written; data lies in
    `__dict__` beside it as well, where Python reads it without a detour. What is said of
    slots lies in `_notes`, which is there only if a mirror wrote something.
    """

    _slots: dict[str, object]  # read only: `put` and `take` change it

    # Python's own way to read an attribute. Persistent's would load a ghost first; here a
    # ghost is an object without slots and without a map, and `__getattr__` loads it.
    __getattribute__ = object.__getattribute__

    def __init__(self, **slots: object) -> None:
        self.__dict__["_slots"] = {}
        for name, value in slots.items():
            write_slot(self, name, value)

    def clone(self, /, **slots: object) -> UvmObject:
        """Return an empty child that delegates to this object, with `slots` of its own."""
        child = UvmObject()
        put(child, "parent*", self)
        for name, value in slots.items():
            write_slot(child, name, value)
        return child

    @property
    def parents(self) -> tuple[UvmObject, ...]:
        """The objects this one delegates to, from left to right."""
        return parents_of(self)

    @property
    def _sealed(self) -> bool:
        """Whether it is a primordial: generated methods may not write to it."""
        self._p_activate()
        return bool(self.__dict__.get("_sealed"))

    def __getattr__(self, name: str) -> Any:
        if name == "_slots":
            return self._loaded_slots()
        if name.startswith("_"):
            raise AttributeError(name)
        if type(self)._start is None:  # not loaded, or not asked since it changed
            lookup.map_of(self)
            return getattr(self, name)
        found = lookup.find(self, name)
        if found is not None:
            return lookup.remember(self, name, found)
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

    # --- its state -----------------------------------------------------------------------

    def _loaded_slots(self) -> dict[str, object]:
        self._p_activate()
        try:
            return cast("dict[str, object]", self.__dict__["_slots"])
        except KeyError:  # it was stored by a savepoint, and that was rolled back
            raise AttributeError("_slots") from None

    def __getstate__(self) -> dict[str, object]:
        state: dict[str, object] = {"_slots": self._slots}
        if notes := notes_of(self):
            state["_notes"] = notes
        if self._sealed:
            state["_sealed"] = True
        return state

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        lookup.shape_changed(self)
        self.__dict__.clear()
        self.__dict__.update(state)
        for name, value in state["_slots"].items():
            if name.endswith(PARENT_MARK):
                _check_parents(name, value)  # a record from elsewhere may say anything
            if not is_behaviour(value):
                self.__dict__[name] = value

    def _p_deactivate(self) -> None:
        lookup.shape_changed(self)
        super()._p_deactivate()

    def _p_resolveConflict(  # noqa: N802  ZODB's name
        self, old: dict[str, Any], saved: dict[str, Any], new: dict[str, Any]
    ) -> dict[str, Any]:
        """Merge the changes that two transactions made to different slots.

        Raises:
            ConflictError: Both changed the same slot.
        """
        return merged_object(old, saved, new)

    def __reduce__(self) -> tuple[object, ...]:
        return _blank, (), self.__getstate__()  # its class may be a map, which nobody can name

    def __copy__(self) -> UvmObject:
        twin = UvmObject()
        for name, value in self._slots.items():
            put(twin, name, value)
        for name, note in notes_of(self).items():
            put_note(twin, name, note)
        if self._sealed:
            twin.__dict__["_sealed"] = True
        return twin

    def __dir__(self) -> Iterable[str]:
        return [*_INBORN, *selectors(self)]

    def __repr__(self) -> str:
        oid = cast("bytes | None", self._p_oid)
        return "<a new object>" if oid is None else f"<object {int.from_bytes(oid, 'big'):#x}>"


def _blank() -> UvmObject:
    return UvmObject.__new__(UvmObject)


_INBORN = frozenset(dir(UvmObject))


def write_slot(obj: UvmObject, name: str, value: object) -> None:
    """Write a slot of the object's own.

    Nothing is noted of it: that would double the cost of a write, and the log says who.
    What a mirror noted stays as long as the slot.

    Raises:
        SlotRefused: The name cannot be a slot's.
        NotStorable: The value cannot last.
    """
    check_slot_name(name)
    if not is_behaviour(value):
        value = storable(value, f"the slot {name!r}")
    if name.endswith(PARENT_MARK):
        _check_parents(name, value)
    _set_changed(obj, True)  # first: where no change is possible, this is what fails
    put(obj, name, value)


def remove_slot(obj: UvmObject, name: str) -> None:
    """Take a slot of the object's own away.

    Raises:
        SlotRefused: The object has no such slot of its own.
    """
    _check_own(obj, name)
    _set_changed(obj, True)
    take(obj, name)


def rename_slot(obj: UvmObject, old: str, new: str) -> None:
    """Give a slot of the object's own another name; it keeps its place and its note.

    Raises:
        SlotRefused: There is no such slot, or the new name cannot be its name.
    """
    _check_own(obj, old)
    check_slot_name(new)
    if new in obj._slots:
        raise SlotRefused(new, "the object has a slot of this name already")
    if new.endswith(PARENT_MARK):
        _check_parents(new, obj._slots[old])
    _set_changed(obj, True)
    for names in (obj._slots, obj.__dict__.get("_notes", {})):
        renamed = [(new if name == old else name, value) for name, value in names.items()]
        names.clear()  # and not replaced: others read an object's slots through this dict
        names.update(renamed)
    if old in obj.__dict__:
        obj.__dict__[new] = obj.__dict__.pop(old)
    lookup.shape_changed(obj)


def note_slot(obj: UvmObject, name: str, note: Note) -> None:
    """Note something of a slot of the object's own, in place of what was noted before.

    Raises:
        SlotRefused: The object has no such slot of its own.
    """
    _check_own(obj, name)
    _set_changed(obj, True)
    put_note(obj, name, note)


def notes_of(obj: UvmObject) -> Mapping[str, Note]:
    """Return what is noted of the object's own slots, by their names."""
    obj._p_activate()
    return cast("Mapping[str, Note]", obj.__dict__.get("_notes", {}))


def put(obj: UvmObject, name: str, value: object) -> None:
    """Put a value that can last into a slot, unseen by the database."""
    slots = obj._slots
    is_new = name not in slots
    had_behaviour = is_behaviour(slots.get(name))
    slots[name] = value
    if is_behaviour(value):
        obj.__dict__.pop(name, None)
    else:
        obj.__dict__[name] = value
    if is_behaviour(value) or had_behaviour or name.endswith(PARENT_MARK):
        lookup.shape_changed(obj)
    elif is_new:
        lookup.slots_changed(obj)


def take(obj: UvmObject, name: str) -> None:
    """Take a slot away, unseen by the database."""
    del obj._slots[name]
    obj.__dict__.pop(name, None)
    put_note(obj, name, {})
    lookup.shape_changed(obj)


def put_note(obj: UvmObject, name: str, note: Note) -> None:
    """Put a note beside a slot, unseen by the database; an empty one takes it away."""
    notes = obj.__dict__.setdefault("_notes", {}) if note else obj.__dict__.get("_notes", {})
    if note:
        notes[name] = note
    else:
        notes.pop(name, None)


@lru_cache(maxsize=4096)
def check_slot_name(name: str) -> None:
    """Raise `SlotRefused` unless `name` can be a slot's."""
    if len(name) > LONGEST_NAME:
        why = f"a slot's name has {LONGEST_NAME} characters at most, and this one {len(name):,}"
        raise SlotRefused(f"{name[:20]}…", why)
    stem = name.removesuffix(PARENT_MARK)
    if not stem.isidentifier() or not stem.isascii() or keyword.iskeyword(stem):
        raise SlotRefused(name, "a slot's name is an ASCII Python name, with * for a parent")
    if stem.startswith("_"):
        raise SlotRefused(name, "names that begin with _ are Python's own")
    if name in _INBORN:
        raise SlotRefused(name, "every object has this name already")


def _check_own(obj: UvmObject, name: str) -> None:
    if name not in obj._slots:
        raise SlotRefused(name, "the object has no such slot of its own")


def _check_parents(name: str, value: object) -> None:
    for parent in value if isinstance(value, tuple) else (value,):
        if not isinstance(parent, UvmObject):
            raise SlotRefused(name, "a parent slot holds objects")
