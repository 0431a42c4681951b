"""What may lie in a slot, and in which form.

A plain list, dict or set that is changed inside a stored object would survive an abort:
the database does not see the change. So each becomes its persistent twin when it is
written. What cannot last (functions, files, a `Send`) is refused at the write, where the
mistake is, and not at the commit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, MutableSet

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
        """Put `value` in."""
        self._p_changed = True  # first: where no change is possible, this is what fails
        self._items.add(value)

    def discard(self, value: object) -> None:
        """Take `value` out if it is in."""
        self._p_changed = True
        self._items.discard(value)

    def update(self, items: Iterable[object]) -> None:
        """Put all `items` in."""
        self._p_changed = True
        self._items.update(items)

    @classmethod
    def _from_iterable(cls, items: Iterable[object]) -> set[object]:  # type: ignore[override]
        """What `|`, `&`, `-` and `^` make lies in no slot: a plain set."""
        return set(items)

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


class Shared(Persistent):  # type: ignore[misc]  # persistent is untyped
    """A value that many transactions may change at once; what it holds is its content."""

    def content(self) -> object:
        """Return a number or a list."""
        raise NotImplementedError


def storable(value: object, where: str) -> object:
    """Return `value` in the form in which a slot keeps it.

    A container that lies in two places stays one.

    Args:
        value: Anything.
        where: What it is to be written to, for the error.

    Raises:
        NotStorable: It, or something in it, cannot last.
    """
    if type(value) in IMMUTABLE:
        return value
    return _twin(value, where, 0, {})


def settle(container: PersistentList | PersistentMapping) -> None:
    """Give what lies in a stored container the form in which a slot would keep it.

    A program may append a plain list to one; its later changes would be lost.

    Raises:
        NotStorable: Something in it cannot last.
    """
    if isinstance(container, PersistentList):
        container.data[:] = [storable(item, "a stored list") for item in container.data]
        return
    pairs = [
        (storable(key, "a key"), storable(item, "a stored dict"))
        for key, item in container.data.items()
    ]
    container.data.clear()
    container.data.update(pairs)


def _twin(value: object, where: str, depth: int, known: dict[int, object]) -> object:
    kind = type(value)
    if isinstance(value, dt.datetime | dt.time) and type(value.tzinfo) not in _FIXED_ZONES:
        raise NotStorable(f"{kind.__name__} in a named time zone", where)
    if kind in ATOMS or isinstance(value, Persistent):
        return value
    if known.get(id(value)) is _UNFINISHED:
        raise NotStorable(f"{kind.__name__} that contains itself", where)
    if id(value) in known:
        return known[id(value)]
    if depth > MAX_DEPTH:
        raise NotStorable("container nested too deeply", where)
    known[id(value)] = _UNFINISHED
    twin = known[id(value)] = _container(value, where, depth + 1, known)
    return twin


def _container(value: object, where: str, depth: int, known: dict[int, object]) -> object:
    kind = type(value)
    if kind in (list, tuple, set, frozenset):
        items = [_twin(item, where, depth, known) for item in value]  # type: ignore[attr-defined]
        twin = {list: PersistentList, set: PersistentSet}.get(kind, kind)
        return twin(items)
    if isinstance(value, dict):
        pairs = {
            _twin(key, where, depth, known): _twin(item, where, depth, known)
            for key, item in dict.items(value)
        }
        return PersistentMapping(pairs)
    raise NotStorable(kind.__name__, where)


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
    held = value.content() if isinstance(value, Shared) else value
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
