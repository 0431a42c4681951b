"""Look at an object, or change it, without sending it a message.

What a mirror writes it also *annotates*: when the slot came to be, by what, and a comment.
Questions about a whole universe are the business of `universe.browser`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, cast

from batos.errors import NoSuchMethod, SlotRefused
from batos.kernel import delegation, lookup
from batos.kernel.ambiguity import Ambiguity, ambiguities
from batos.kernel.lookup import Found
from batos.kernel.method import Method, Primitive, is_behaviour
from batos.kernel.moving import promotion
from batos.kernel.runtime import runtime_of, tell_witness
from batos.kernel.uvm_object import (
    UvmObject,
    note_slot,
    notes_of,
    remove_slot,
    rename_slot,
    write_slot,
)
from batos.kernel.values import Mergeable, plain

Kind = Literal["data", "method", "primitive", "parent"]


@dataclass(frozen=True)
class Slot:
    """A slot as a mirror shows it, with its annotation."""

    name: str
    value: object
    kind: Kind
    holder: UvmObject  # the object whose own it is
    comment: str = ""
    created: dt.datetime | None = None  # in UTC; None: no mirror wrote it
    by: str = ""  # a person, "the mind (proposal 3)", a message: what it came from


class Mirror:
    """What one object is made of. Nothing here wakes a mind or runs a method."""

    def __init__(self, obj: UvmObject) -> None:
        self._obj = obj

    # --- look ----------------------------------------------------------------------------

    def slots(self) -> Mapping[str, object]:
        """Return the object's own slots, parents and behaviour among them, read only."""
        return MappingProxyType(self._obj._slots)

    def slot(self, name: str) -> Slot:
        """Return the slot that a name leads to, with its annotation.

        A parent slot is looked for in the object itself only: nobody inherits one.

        Raises:
            SlotRefused: Neither the object nor an ancestor has it.
        """
        is_own = name in self._obj._slots
        if not is_own and name.endswith(delegation.PARENT_MARK):
            raise SlotRefused(name, "the object has no such slot of its own")
        found = lookup.find(self._obj, name)
        if found is None:
            raise SlotRefused(name, "neither the object nor an ancestor has such a slot")
        note = notes_of(found.holder).get(name, {})
        return Slot(
            name=name,
            value=found.value,
            kind=kind_of(name, found.value),
            holder=found.holder,
            comment=str(note.get("comment", "")),
            created=cast("dt.datetime | None", note.get("created")),
            by=str(note.get("by", "")),
        )

    def data(self) -> dict[str, object]:
        """Return the object's own data: no parents, no behaviour."""
        return {
            name: value
            for name, value in self._obj._slots.items()
            if kind_of(name, value) == "data"
        }

    def parents(self) -> tuple[UvmObject, ...]:
        """Return the objects it delegates to, from left to right."""
        return delegation.parents_of(self._obj)

    def ambiguities(self) -> list[Ambiguity]:
        """Return the selectors of which only the order of parents says where they lead."""
        return ambiguities(self._obj)

    def find(self, selector: str) -> Found | None:
        """Return the slot that `selector` leads to and its holder, or None."""
        return lookup.find(self._obj, selector)

    def understands(self, selector: str) -> bool:
        """Tell whether the object or an ancestor has a slot of this name."""
        return lookup.find(self._obj, selector) is not None

    def selectors(self) -> list[str]:
        """Return every name it understands, its own first."""
        return delegation.selectors(self._obj)

    def method(self, selector: str) -> Method:
        """Return the method that `selector` leads to.

        Raises:
            NoSuchMethod: It leads to nothing, or to something without source.
        """
        found = lookup.find(self._obj, selector)
        if found is None or not isinstance(found.value, Method):
            raise NoSuchMethod(selector, tuple(self._methods()))
        return found.value

    def _methods(self) -> Iterator[str]:
        for name in delegation.selectors(self._obj):
            found = lookup.find(self._obj, name)
            if found is not None and isinstance(found.value, Method):
                yield name

    # --- change --------------------------------------------------------------------------

    def set(
        self,
        name: str,
        value: object,
        comment: str = "",
        by: str = "",
        created: dt.datetime | None = None,
    ) -> None:
        """Write a slot of its own, a parent slot such as `parent*` included.

        A slot is created when it comes to be, or when behaviour is put in or out of it. A
        new value of one that was there leaves `created` and `by` as they are.

        Args:
            name: The slot.
            value: What it shall hold.
            comment: What it is for; none leaves the one that is there.
            by: What it comes from.
            created: When; now, unless given.

        Raises:
            SlotRefused: The name cannot be a slot's.
            NotStorable: The value cannot last.
        """
        slots = self._obj._slots
        is_new = name not in slots or is_behaviour(value) or is_behaviour(slots[name])
        write_slot(self._obj, name, value)
        if isinstance(value, Method):
            tell_witness(self._obj, name, value)
        if is_new:
            self.annotate(name, comment or None, by, created or dt.datetime.now(dt.UTC))
        elif comment:
            self.annotate(name, comment)

    def annotate(
        self,
        name: str,
        comment: str | None = None,
        by: str | None = None,
        created: dt.datetime | None = None,
    ) -> None:
        """Say something of one of its own slots; what is None stays as it is.

        Raises:
            SlotRefused: It has no such slot of its own.
        """
        utc = created.astimezone(dt.UTC) if created else None
        said = {"comment": comment, "created": utc, "by": by}
        note = dict(notes_of(self._obj).get(name, {}))
        note |= {key: value for key, value in said.items() if value is not None}
        note_slot(self._obj, name, {key: value for key, value in note.items() if value != ""})

    def rename(self, old: str, new: str) -> None:
        """Give one of its own slots another name; it keeps its place and its annotation.

        Raises:
            SlotRefused: It has no such slot of its own, has one of the new name, or the new
                name cannot be this slot's.
        """
        rename_slot(self._obj, old, new)

    def copy(
        self,
        name: str,
        to: UvmObject,
        as_name: str | None = None,
        by: str = "",
        created: dt.datetime | None = None,
    ) -> None:
        """Copy one of its own slots to another object, or to another name, with its comment.

        A method is copied with its source and its provenance, a container by value; a
        counter or a queue in a container becomes a number or a list. Objects are not copied,
        and neither is what lasts by itself, as weights do: the copy refers to the same ones.

        Raises:
            SlotRefused: It has no such slot of its own, the other object has one of that
                name, or the name cannot be this slot's.
            NotStorable: The value cannot be copied: it contains itself.
        """
        if name not in self._obj._slots:
            raise SlotRefused(name, "the object has no such slot of its own")
        slot = self.slot(name)
        target = as_name or name
        if target in to._slots:
            raise SlotRefused(target, "the other object has a slot of this name already")
        Mirror(to).set(target, _copied(slot.value), slot.comment, by, created)

    def remove(self, name: str) -> None:
        """Take one of its own slots away, and its annotation.

        Raises:
            SlotRefused: It has no such slot of its own.
        """
        remove_slot(self._obj, name)

    def define(
        self,
        source: str,
        provenance: Mapping[str, object] | None = None,
        comment: str = "",
        by: str = "",
    ) -> str:
        """Install a method from its source, through the same gate as a generated one.

        Returns:
            The selector: the name in the source's `def`.

        Raises:
            SourceRefused: The language gate refuses the source.
            SlotRefused: The name cannot be a slot's.
        """
        selector = runtime_of(self._obj).compile(source).__name__
        origin = provenance or {"by": "a person"}
        self.set(selector, Method(source, origin), comment, by or str(origin.get("by", "")))
        return selector

    def promote(
        self, selector: str, to: UvmObject | None = None, by: str = "", origin: str = ""
    ) -> UvmObject:
        """Move one of its own methods to a prototype, so that its siblings understand it.

        What they answered so far is not looked at; `universe.promote` does that first.

        Returns:
            The prototype; by default it is the first parent.

        Raises:
            PromotionRefused: See `moving.promotion`.
        """
        target, method = promotion(self._obj, selector, to)
        slot = self.slot(selector)
        noted = {"promoted_from": origin or repr(self._obj), "promoted_by": by}
        moved = Method(method.source, {**method.provenance, **noted})
        Mirror(target).set(selector, moved, slot.comment, slot.by)
        self.remove(selector)
        return target

    def seal(self) -> None:
        """Make the object primordial: generated methods may not write to it."""
        self._obj._p_changed = True  # first: it loads the object, which forgets what is unsaved
        self._obj.__dict__["_sealed"] = True


def _copied(value: object) -> object:
    if isinstance(value, Method):
        return Method(value.source, value.provenance)
    if isinstance(value, Mergeable):
        return type(value)(plain(value))  # each is made of its content
    return plain(value)


def kind_of(name: str, value: object) -> Kind:
    """Return what a slot of this name and value is."""
    if name.endswith(delegation.PARENT_MARK):
        return "parent"
    if isinstance(value, Method):
        return "method"
    return "primitive" if isinstance(value, Primitive) else "data"


def mirror(obj: UvmObject) -> Mirror:
    """Return a mirror on `obj`."""
    return Mirror(obj)
