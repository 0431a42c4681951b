"""Where an object's parents disagree, and only their order decides.

Self refuses such a message (`ambiguousSelector`); here the first slot on the way up wins:
depth first, left to right. A slot that a nearer object on the same way overrides is no
other answer, and a diamond's top is one answer however often it is met.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from batos.kernel.delegation import PARENT_MARK, ancestry, parents_of

if TYPE_CHECKING:
    from batos.kernel.uvm_object import UvmObject


@dataclass(frozen=True)
class Ambiguity:
    """A selector that several ancestors would answer, each on a way of its own."""

    selector: str
    holder: UvmObject  # whose slot wins
    hidden: tuple[UvmObject, ...]  # whose slots would win in another order, as they are asked


def ambiguities(receiver: UvmObject) -> list[Ambiguity]:
    """Return the selectors of which only the order of parents says where they lead."""
    asked = list(ancestry(receiver))
    found = []
    for selector in _met_twice(asked):
        answering = _answering(receiver, selector)
        holder, *hidden = (one for one in asked if id(one) in answering)
        if hidden:
            found.append(Ambiguity(selector, holder, tuple(hidden)))
    return found


def _met_twice(asked: list[UvmObject]) -> list[str]:
    """Return what more than one of the ancestors has, and the receiver has not."""
    counts: dict[str, int] = {}
    for candidate in asked[1:]:
        for name in candidate._slots:
            counts[name] = counts.get(name, 0) + 1
    own = asked[0]._slots
    return [
        name
        for name, count in counts.items()
        if count > 1 and name not in own and not name.endswith(PARENT_MARK)
    ]


def _answering(receiver: UvmObject, selector: str) -> set[int]:
    """Return who would answer, by their ids: the first on each way up."""
    return {id(one) for one in _ways(receiver, selector) if selector in one._slots}


def _ways(receiver: UvmObject, selector: str) -> Iterator[UvmObject]:
    """Yield everybody who can be reached without passing one that has the slot."""
    seen: set[int] = set()
    to_visit = [receiver]
    while to_visit:
        candidate = to_visit.pop()
        if id(candidate) in seen:
            continue
        seen.add(id(candidate))
        yield candidate
        if selector not in candidate._slots:
            to_visit.extend(parents_of(candidate))
