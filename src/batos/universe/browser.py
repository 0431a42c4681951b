"""Questions about a whole universe: who has a slot, who uses it, who refers to whom.

Each question reads every record that can be reached from the root, once (`walk`): it sends
nothing, loads no object, and works where nothing may be changed. Its time grows with the
universe; its memory too, but by some 300 bytes an object and not by what they hold: for
100,000 objects 30 MB, in about the time in which all of them could be loaded once.
Names and numbers come out, no objects: an answer outlives its transaction.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeGuard, cast

from batos.errors import NoSuchObject
from batos.kernel.delegation import PARENT_MARK
from batos.kernel.method import Method, Primitive
from batos.kernel.uvm_object import UvmObject
from batos.universe.universe import Root
from batos.universe.usage import uses
from batos.universe.walk import ROOT, Record, Records, Reference, references_in


@dataclass(frozen=True)
class Place:
    """A slot that is part of an answer."""

    object: str | None  # its name in the root, or its number as "0x1f"; None: the root itself
    slot: str
    how: str  # what the slot is, or does, in a word or two


class _Hit(NamedTuple):
    oid: int
    slot: str
    how: str


class Browser:
    """Answers questions about the universe as one transaction sees it.

    All its methods raise `UniverseUnreadable` for a record that is damaged or missing.
    """

    def __init__(self, root: Root) -> None:
        self._records = Records(cast("Any", root)._p_jar)
        entries = self._records.read(ROOT).slots
        self._numbers = {
            name: value.oid for name, value in entries.items() if isinstance(value, Reference)
        }
        self._names: dict[int, str] = {}
        for name, oid in self._numbers.items():
            self._names.setdefault(oid, name)

    def implementors(self, selector: str) -> tuple[Place, ...]:
        """Return every object's own slot of this name, and what it is."""
        return self._places(
            _Hit(record.oid, selector, _kind(selector, record.slots[selector]))
            for record in self._objects()
            if selector in record.slots
        )

    def senders(self, selector: str) -> tuple[Place, ...]:
        """Return the methods whose source sends, reads or writes a selector."""
        known: dict[int, str] = {}  # methods that lie in several slots are read once

        def use(method: int) -> str:
            if method not in known:
                known[method] = ", ".join(uses(self._records.read(method).source, selector))
            return known[method]

        return self._places(
            _Hit(record.oid, slot, use(value.oid))
            for record in self._objects()
            for slot, value in record.slots.items()
            if _is_method(value) and use(value.oid)
        )

    def understanding(self, selector: str) -> tuple[Place, ...]:
        """Return the objects that understand a selector: by a slot of their own, or not."""
        own = {record.oid for record in self._objects() if selector in record.slots}
        understood = self._below(own)
        return self._places(
            _Hit(oid, selector, "own" if oid in own else "inherited") for oid in understood
        )

    def descendants(self, target: UvmObject | str) -> tuple[int, ...]:
        """Return the numbers of the objects that delegate to one, directly or not.

        Raises:
            NoSuchObject: The root has nothing of this name.
        """
        number = self._number_of(target)
        return tuple(sorted(self._below({number}) - {number}))

    def referrers(self, target: UvmObject | str) -> tuple[Place, ...]:
        """Return the slots that refer to an object, and the names that the root has for it.

        Args:
            target: The object, its name, or its number as "0x1f".

        Raises:
            NoSuchObject: The root has nothing of this name, or nothing that can be reached
                has this number.
        """
        held_by: dict[int, list[_Hit]] = defaultdict(list)
        wanted = self._number_of(target)
        is_there = isinstance(target, UvmObject)
        for record in self._records.walk():
            is_there = is_there or record.oid == wanted
            for held, hit in _references_of(record):
                # Which containers lead to it is known only when all of them were met.
                if held.oid == wanted or held.kind not in (UvmObject, Method):
                    held_by[held.oid].append(hit)
        if not is_there:
            raise NoSuchObject(str(target), tuple(sorted(self._numbers)))
        return self._places(_through_containers(wanted, held_by))

    def _below(self, tops: set[int]) -> set[int]:
        """Return the numbers of some objects, and of all that delegate to one of them."""
        children: dict[int, array[int]] = defaultdict(lambda: array("Q"))
        for record in self._objects():
            for name, value in record.slots.items():
                if name.endswith(PARENT_MARK):
                    for parent in references_in(value):
                        children[parent.oid].append(record.oid)
        found, to_visit = set(tops), list(tops)
        while to_visit:
            for child in children.get(to_visit.pop(), ()):
                if child not in found:
                    found.add(child)
                    to_visit.append(child)
        return found

    def _objects(self) -> Iterator[Record]:
        return (record for record in self._records.walk() if record.kind is UvmObject)

    def _number_of(self, target: UvmObject | str) -> int:
        if isinstance(target, UvmObject):
            # One that is not stored yet has none; and what nobody has, nothing refers to.
            return -1 if target._p_oid is None else int.from_bytes(target._p_oid, "big")
        if target in self._numbers:
            return self._numbers[target]
        try:
            return int(target, 16) if target.startswith("0x") else self._numbers[target]
        except (KeyError, ValueError):
            raise NoSuchObject(target, tuple(sorted(self._numbers))) from None

    def _places(self, hits: Iterable[_Hit]) -> tuple[Place, ...]:
        """Return hits in names: those of the root in their order, then by number."""
        order = {oid: place for place, oid in enumerate(self._names)}
        ordered = sorted(set(hits), key=lambda hit: (order.get(hit.oid, len(order)), hit))
        return tuple(Place(self._name(hit.oid), hit.slot, hit.how) for hit in ordered)

    def _name(self, oid: int) -> str | None:
        return None if oid == ROOT else self._names.get(oid, f"{oid:#x}")


def _references_of(record: Record) -> Iterator[tuple[Reference, _Hit]]:
    """Yield what a record refers to, and from where; a container has no slots to name."""
    if record.kind is not UvmObject and record.oid != ROOT:
        for reference in record.references:
            yield reference, _Hit(record.oid, "", "")
        return
    for slot, value in record.slots.items():
        how = "name" if record.oid == ROOT else _kind(slot, value)
        for reference in references_in(value):
            yield reference, _Hit(record.oid, slot, how)


def _through_containers(wanted: int, held_by: dict[int, list[_Hit]]) -> Iterator[_Hit]:
    """Yield the slots that lead to a record, also by containers in containers."""
    seen = {wanted}
    to_visit = [wanted]
    while to_visit:
        held = to_visit.pop()
        for hit in held_by.get(held, ()):
            if hit.slot:
                yield hit if held == wanted else hit._replace(how="container")
            elif hit.oid not in seen:
                seen.add(hit.oid)
                to_visit.append(hit.oid)


def _kind(slot: str, value: object) -> str:
    if slot.endswith(PARENT_MARK):
        return "parent"
    if _is_method(value):
        return "method"
    return "primitive" if isinstance(value, Primitive) else "data"


def _is_method(value: object) -> TypeGuard[Reference]:
    return isinstance(value, Reference) and value.kind is Method
