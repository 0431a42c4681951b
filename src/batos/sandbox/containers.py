"""Changing containers: growth is bounded, and what enters a stored one can last.

A function appended to a list in a slot would fail at the commit, far from the mistake; a
plain list in it would lose its later changes. So what enters a stored container takes the
form of a slot's value first. What is in it already is burned for before: three levels of
`[x] * 1000` hold a billion items in three small lists, and copying them would never end.
"""

from __future__ import annotations

import operator
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from persistent import Persistent
from persistent.list import PersistentList
from persistent.mapping import PersistentMapping

from batos.errors import NotStorable
from batos.kernel.shared import Counter, Queue
from batos.kernel.values import ATOMS, IMMUTABLE, PersistentSet, storable
from batos.sandbox import operators
from batos.sandbox.iterators import bounded
from batos.sandbox.meter import METER
from batos.sandbox.operators import check_length
from batos.sandbox.texts import modulo

STORED = frozenset({PersistentList, PersistentMapping, PersistentSet, Queue})
_NESTING = frozenset({list, tuple, set, frozenset})


def weigh(value: object) -> None:
    """Burn a step for each item in containers, as often as it would be copied."""
    for _ in _leaves(value):
        pass


def lasting(value: object, where: str, container: object = None) -> object:
    """Return `value` in the form in which it is kept.

    Args:
        value: Anything.
        where: What it is to be written to, for the error.
        container: What it enters, if that is a stored container.

    Raises:
        NotStorable: It cannot last, or a container would contain itself.
    """
    if type(value) in IMMUTABLE:
        return operators.check_bits(value) if type(value) is int else value
    _refuse_circle(value, where, container)
    for leaf in _leaves(value):
        if type(leaf) is int:
            operators.check_bits(leaf)
        elif type(leaf) not in ATOMS and not isinstance(leaf, Persistent):
            raise NotStorable(type(leaf).__name__, where)
    return storable(value, where)


def _leaves(value: object) -> Iterator[object]:
    """Yield what is no container; what the database knows already is not looked into.

    `slot + [function]` is a new stored list, which `storable` would take as it is.
    """
    pending = [value]
    while pending:
        held: Any = pending.pop()
        known = type(held) in STORED and held._p_jar is not None
        items = None if known else _items(held)
        if items is None:
            yield held
            continue
        METER.spend(len(items))
        pending.extend(items)


def _refuse_circle(value: object, where: str, container: object) -> None:
    """Refuse what leads back to the container that it enters, or to itself.

    Stored containers are looked into as well; each container is looked into once.
    """
    around, seen = {id(container)}, set[int]()
    pending = [(value, False)]
    while pending:
        held, is_left = pending.pop()
        if is_left:
            around.remove(id(held))
            continue
        items = _items(held)
        if items is None:
            continue
        if id(held) in around:
            raise NotStorable(f"{type(held).__name__} that contains itself", where)
        if id(held) in seen:
            continue
        METER.spend(len(items))
        seen.add(id(held))
        around.add(id(held))
        pending.append((held, True))
        pending.extend((item, False) for item in items if type(item) not in ATOMS)


def _items(held: Any) -> Collection[object] | None:
    """Return what a container holds, keys included, or None for anything else."""
    if isinstance(held, dict | PersistentMapping):
        return [*held.keys(), *held.values()]
    return held if type(held) in _NESTING or type(held) in STORED else None


class StoredWriter:
    """Stands for a stored container on the left of an assignment to its items."""

    __slots__ = ("_container",)

    def __init__(self, container: PersistentList | PersistentMapping) -> None:
        self._container = container

    def __setitem__(self, key: Any, value: Any) -> None:
        if type(key) is slice and type(self._container) is PersistentList:
            value = [lasting(item, "a stored list", self._container) for item in bounded(value)]
            check_length(len(self._container) + len(value))
        else:
            key = lasting(key, "a key", self._container)
            value = lasting(value, "a stored container", self._container)
        self._container[key] = value

    def __delitem__(self, key: Any) -> None:
        del self._container[key]


# --- methods of containers; the first parameter is the container -----------------------------


def extend(container: Any, items: Iterable[Any]) -> None:
    container.extend(_added(container, items))


def extend_left(container: Any, items: Iterable[Any]) -> None:
    container.extendleft(_added(container, items))


def _added(container: Any, items: Iterable[Any]) -> Any:
    added = bounded(items)
    check_length(len(container) + len(added))
    METER.allocate(list, len(added))
    return added


def stored_extend(container: PersistentList, items: Iterable[Any]) -> None:
    added = _added(container, items)
    container.extend([lasting(item, "a stored list", container) for item in added])


def entering(name: str, place: int = 0) -> Callable[..., Any]:
    """Return the method `name`, whose argument at `place` is kept."""

    def call(container: Any, *args: Any) -> Any:
        kept = list(args)
        if place < len(args):
            kept[place] = lasting(args[place], "a stored container", container)
        return getattr(container, name)(*kept)

    return call


def stored_default(container: PersistentMapping, key: Any, default: Any = None) -> Any:
    key = lasting(key, "a key", container)
    return container.setdefault(key, lasting(default, "a stored dict", container))


def stored_update(container: PersistentMapping, /, *others: Any, **items: Any) -> None:
    for key, value in dict(*others, **items).items():
        kept = lasting(key, "a key", container)
        container[kept] = lasting(value, "a stored dict", container)


def stored_insert(container: PersistentSet, items: Iterable[Any]) -> None:
    for item in bounded(items):
        container.add(lasting(item, "a stored set", container))


def stored_union(container: PersistentSet, *others: Iterable[Any]) -> PersistentSet:
    union = PersistentSet(container)
    for items in others:
        stored_insert(union, items)
    return union


# --- how `x op= y` is done, by the name of the operator's node -----------------------------


def add_in_place(a: Any, b: Any) -> Any:
    if type(a) is PersistentList:
        stored_extend(a, b)
    elif type(a) is list or type(a) is deque:
        extend(a, b)
    elif type(a) is Counter:
        a.change(b)
    else:
        return operators.add(a, b)
    return a


def or_in_place(a: Any, b: Any) -> Any:
    if type(a) is PersistentMapping:
        stored_update(a, b)
        return a
    if type(a) is PersistentSet:
        stored_insert(a, b)
        return a
    a |= b
    return a


def xor_in_place(a: Any, b: Any) -> Any:
    if type(a) is PersistentSet:
        b = {lasting(item, "a stored set", a) for item in bounded(b)}
    a ^= b
    return a


IN_PLACE: Mapping[str, Callable[[Any, Any], Any]] = {
    "Add": add_in_place,
    "Sub": operator.isub,
    "Mult": operators.multiply,
    "Div": operator.itruediv,
    "FloorDiv": operator.ifloordiv,
    "Mod": modulo,
    "Pow": operators.power,
    "LShift": operators.shift_left,
    "RShift": operator.irshift,
    "BitOr": or_in_place,
    "BitXor": xor_in_place,
    "BitAnd": operator.iand,
    "MatMult": operator.imatmul,
}
