"""What may lie in a slot, and in which form.

A plain list, dict or set that is changed inside a stored object would survive an abort:
the database does not see the change. So each becomes its persistent twin when it is
written. What cannot last (functions, files, a `Send`, objects of a class that no universe
keeps) is refused at the write, where the mistake is, and not at the commit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableSet
from typing import Any

from persistent import Persistent
from persistent.list import PersistentList
from persistent.mapping import PersistentMapping

from batos.errors import NotStorable

ATOMS: frozenset[type] = frozenset(
    {
        *(type(None), bool, int, float, complex, str, bytes),
        *(dt.date, dt.time, dt.datetime, dt.timedelta, dt.timezone),
    }
)
IMMUTABLE = ATOMS - {dt.time, dt.datetime}  # which may carry a named zone
# By the names of their modules: the jail does without ZODB, and `kernel` knows nothing of it.
LASTING: Mapping[str, frozenset[str]] = {
    "batos.kernel.uvm_object": frozenset({"UvmObject"}),  # and its maps, which bear this name
    "batos.kernel.method": frozenset({"Method"}),
    "batos.kernel.shared": frozenset({"Counter", "Queue"}),
    "batos.kernel.values": frozenset({"PersistentSet"}),
    "persistent.list": frozenset({"PersistentList"}),
    "persistent.mapping": frozenset({"PersistentMapping"}),
    "BTrees.OOBTree": frozenset({"OOBTree", "OOBucket", "OOSet", "OOTreeSet"}),
    "BTrees.IOBTree": frozenset({"IOBTree", "IOBucket", "IOSet", "IOTreeSet"}),
    "ZODB.blob": frozenset({"Blob"}),
}
_FIXED_ZONES = (type(None), dt.timezone)  # a named zone is a class of somebody else's
MAX_DEPTH = 50  # containers in containers
_UNFINISHED = object()  # stands for a container while its items are looked at


class PersistentSet(Persistent, MutableSet[object]):  # type: ignore[misc]  # untyped base
    """A set whose changes the database sees."""

    def __init__(self, items: Iterable[object] = ()) -> None:
        self._items = set(items)

    def __contains__(self, item: object) -> bool:
        return item in self._items

    def __iter__(self) -> Iterator[object]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def add(self, value: object) -> None:
        """Put `value` in.

        Raises:
            NotStorable: It cannot last.
        """
        kept = storable(value, "a stored set")
        self._p_changed = True  # first: where no change is possible, this is what fails
        self._items.add(kept)

    def discard(self, value: object) -> None:
        """Take `value` out if it is in."""
        self._p_changed = True
        self._items.discard(value)

    def update(self, items: Iterable[object]) -> None:
        """Put all `items` in.

        Raises:
            NotStorable: One of them cannot last; then none is put in.
        """
        kept = [storable(item, "a stored set") for item in items]
        self._p_changed = True
        self._items.update(kept)

    def union(self, *others: Iterable[object]) -> PersistentSet:
        """Return a new set of what lies in this one or in any of the others."""
        return PersistentSet(self._items.union(*others))

    def intersection(self, *others: Iterable[object]) -> PersistentSet:
        """Return a new set of what lies in all of them."""
        return PersistentSet(self._items.intersection(*others))

    def difference(self, *others: Iterable[object]) -> PersistentSet:
        """Return a new set of what lies in this one only."""
        return PersistentSet(self._items.difference(*others))

    def __copy__(self) -> PersistentSet:
        return PersistentSet(self._items)

    def __repr__(self) -> str:
        return f"PersistentSet({sorted(self._items, key=repr)})"


class Mergeable(Persistent):  # type: ignore[misc]  # persistent is untyped
    """A value that many transactions may change at once; what it holds is its content."""

    def content(self) -> object:
        """Return a number or a list."""
        raise NotImplementedError


class StandIn(Persistent):  # type: ignore[misc]  # persistent is untyped
    """Stands in a copy of objects for what was not copied; it never comes to a commit."""


def storable(value: object, where: str) -> object:
    """Return `value` in the form in which a slot keeps it.

    A container that lies in two places stays one. One that is stored already is taken as it
    is: its items were looked at when it was stored.

    Args:
        value: Anything.
        where: What it is to be written to, for the error.

    Raises:
        NotStorable: It, or something in it, cannot last.
    """
    if type(value) in IMMUTABLE:
        return value
    form = _Form(where)
    twin = form.of(value)
    form.settle_new()
    return twin


def settle(container: PersistentList | PersistentMapping | PersistentSet) -> None:
    """Give what lies in a stored container the form in which a slot would keep it.

    A program may append a plain list to one; its later changes would be lost.

    Raises:
        NotStorable: Something in it cannot last.
    """
    _Form(f"a stored {_NAMES[type(container)]}", is_commit=True).settle(container)


class _Form:
    """What becomes of one value and of all that lies in it."""

    def __init__(self, where: str, is_commit: bool = False) -> None:
        self._where = where
        self._is_commit = is_commit  # then each record says itself of which class it is
        self._known: dict[int, object] = {}  # twins of containers
        self._met: set[int] = set()  # persistent containers
        self._new: list[Persistent] = []  # those whose items are not looked at yet

    def of(self, value: object, depth: int = 0) -> object:
        """Return the form of a value; `depth` is of containers around it."""
        kind = type(value)
        if isinstance(value, dt.datetime | dt.time) and type(value.tzinfo) not in _FIXED_ZONES:
            raise NotStorable(f"{kind.__name__} in a named time zone", self._where)
        if kind in ATOMS:
            return value
        if isinstance(value, Persistent):
            self._meet(value)
            return value
        if self._known.get(id(value)) is _UNFINISHED:
            raise NotStorable(f"{kind.__name__} that contains itself", self._where)
        if id(value) in self._known:
            return self._known[id(value)]
        if depth > MAX_DEPTH:
            raise NotStorable("container nested too deeply", self._where)
        self._known[id(value)] = _UNFINISHED
        twin = self._known[id(value)] = self._container(value, depth + 1)
        return twin

    def settle_new(self) -> None:
        """Settle the persistent containers that were met and are new."""
        while self._new:
            self.settle(self._new.pop())

    def settle(self, container: Any) -> None:
        """Give the items of a persistent container their form, in place."""
        if isinstance(container, PersistentList):
            container.data[:] = [self.of(item) for item in container.data]
        elif isinstance(container, PersistentSet):
            container._items = {self.of(item) for item in container._items}
        elif isinstance(container, PersistentMapping):
            pairs = [(self.of(key), self.of(item)) for key, item in container.data.items()]
            container.data.clear()
            container.data.update(pairs)
        else:
            self._settle_tree(container)

    def _settle_tree(self, tree: Any) -> None:
        for key in list(tree.keys()):
            self.of(key)
            if hasattr(tree, "items") and (kept := self.of(tree[key])) is not tree[key]:
                tree[key] = kept

    def _meet(self, value: Persistent) -> None:
        kind = type(value)
        if self._is_commit or isinstance(value, StandIn):
            return
        if kind.__name__ not in LASTING.get(kind.__module__, ()):
            why = "its class has no place in a universe"
            raise NotStorable(kind.__name__, self._where, why)
        is_container = kind in _NAMES or kind.__module__.startswith("BTrees.")
        if is_container and value._p_jar is None and id(value) not in self._met:
            self._met.add(id(value))
            self._new.append(value)

    def _container(self, value: object, depth: int) -> object:
        kind = type(value)
        if kind in (list, tuple, set, frozenset):
            items = [self.of(item, depth) for item in value]  # type: ignore[attr-defined]
            twin = {list: PersistentList, set: PersistentSet}.get(kind, kind)
            return twin(items)
        if isinstance(value, dict):
            pairs = {
                self.of(key, depth): self.of(item, depth) for key, item in dict.items(value)
            }
            return PersistentMapping(pairs)
        raise NotStorable(kind.__name__, self._where)


_NAMES: Mapping[type, str] = {
    PersistentList: "list",
    PersistentMapping: "dict",
    PersistentSet: "set",
}


def plain(value: object, leaf: Callable[[object], object] = lambda value: value) -> object:
    """Return a copy of data as Python's own types: the opposite of `storable`.

    Args:
        value: Anything.
        leaf: What becomes of all that is no container; an object of the universe stays
            what it is unless this says otherwise.
    """
    return _copy(value, leaf, {})


def _copy(value: object, leaf: Callable[[object], object], known: dict[int, object]) -> object:
    if id(value) in known:
        return known[id(value)]
    held = value.content() if isinstance(value, Mergeable) else value
    if isinstance(held, list | PersistentList):
        items: list[object] = []
        known[id(value)] = items  # before its items: a stored list may contain itself
        items.extend(_copy(item, leaf, known) for item in held)
        return items
    if isinstance(value, dict | PersistentMapping):
        pairs: dict[object, object] = {}
        known[id(value)] = pairs
        for key, item in value.items():
            pairs[_copy(key, leaf, known)] = _copy(item, leaf, known)
        return pairs
    if isinstance(value, PersistentSet):
        return {_copy(item, leaf, known) for item in value}
    if type(value) in (tuple, set, frozenset):
        copied = type(value)(_copy(item, leaf, known) for item in value)  # type: ignore[call-arg,attr-defined]
        known[id(value)] = copied
        return copied
    return leaf(held)
