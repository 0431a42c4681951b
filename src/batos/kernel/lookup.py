"""Where a selector leads: to a slot of the receiver, or of one of its ancestors.

The order is depth first, parents from left to right, each object once, so cycles end.
A parent slot is a slot whose name ends in `*`; it holds one object or a tuple of them.
Nothing here sends a message. Every lookup goes through `find`, so that a faster one can
take its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from batos.kernel.uvm_object import UvmObject

PARENT_MARK = "*"


@dataclass(frozen=True)
class Found:
    """A slot, and the object that holds it."""

    holder: UvmObject
    value: object


def find(receiver: UvmObject, selector: str) -> Found | None:
    """Return the first slot named `selector` on the way up, or None."""
    for candidate in ancestry(receiver):
        slots = candidate._slots
        if selector in slots:
            return Found(candidate, slots[selector])
    return None


def ancestry(receiver: UvmObject) -> Iterator[UvmObject]:
    """Yield the receiver, then every object it delegates to, in the order they are asked."""
    seen: set[int] = set()
    to_visit = [receiver]
    while to_visit:
        candidate = to_visit.pop()
        if id(candidate) in seen:
            continue
        seen.add(id(candidate))
        yield candidate
        to_visit.extend(reversed(parents_of(candidate)))


def parents_of(obj: UvmObject) -> tuple[UvmObject, ...]:
    """Return the objects that `obj` delegates to directly, from left to right."""
    parents: list[UvmObject] = []
    for name, value in obj._slots.items():
        if name.endswith(PARENT_MARK):
            parents.extend(value if isinstance(value, tuple) else (value,))
    return tuple(parents)


def selectors(receiver: UvmObject) -> list[str]:
    """Return every name that the receiver understands, its own first, each once."""
    names = dict.fromkeys(name for holder in ancestry(receiver) for name in holder._slots)
    return [name for name in names if not name.endswith(PARENT_MARK)]
