"""Who is asked, in which order: the receiver, then its parents, depth first, left to right.

Each object is asked once, so cycles end. A parent slot is a slot whose name ends in `*`;
it holds one object or a tuple of them. This is the definition; `lookup` answers by it, and
remembers. Nothing here sends a message.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from batos.kernel.uvm_object import UvmObject

PARENT_MARK = "*"
LONGEST_NAME = 200  # characters of a slot's name, its mark included; older slots may have more


def ancestry(*receivers: UvmObject) -> Iterator[UvmObject]:
    """Yield the receivers, each followed by all that it delegates to, as they are asked."""
    seen: set[int] = set()
    to_visit = list(reversed(receivers))
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
