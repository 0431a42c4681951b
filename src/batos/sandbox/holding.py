"""What a method may change: what its own receiver holds, in a slot or inside one.

The grammar keeps the receiver under a name that source cannot say, and hands it to every
guard: `me`. A stored container is changed only by methods of the object in whose slots it
lies. What lies in another object's is copied when it enters one's own, so none lies in two.
Containers that come from neither (sums, slices, copies) are plain ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from persistent.list import PersistentList
from persistent.mapping import PersistentMapping

from batos.errors import NotItsOwn
from batos.kernel.permissions import require_call, require_write
from batos.kernel.shared import Counter, Queue
from batos.kernel.uvm_object import UvmObject
from batos.kernel.values import IMMUTABLE, PersistentSet, plain
from batos.sandbox.meter import METER

# What changes a stored container, by its exact type.
CHANGES: Mapping[type, frozenset[str]] = {
    PersistentList: frozenset(
        {"append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"}
    ),
    PersistentMapping: frozenset(["clear", "pop", "popitem", "setdefault", "update"]),
    PersistentSet: frozenset(["add", "clear", "discard", "pop", "remove", "update"]),
    Queue: frozenset({"put", "take"}),
    Counter: frozenset({"change"}),
}
_MAPPINGS = (dict, PersistentMapping)
_NESTING = (*_MAPPINGS, list, tuple, set, frozenset, PersistentList, PersistentSet, Queue)


# --- objects ---------------------------------------------------------------------------


def require_own(me: object, receiver: UvmObject, name: str) -> None:
    """Refuse a write of another object's slot, and of one's own where that is not permitted.

    Raises:
        NotItsOwn, NotPermitted: The method may not write it.
    """
    if receiver is not me:
        raise NotItsOwn(name, f"is a slot of {receiver!r}")
    if ("write", id(me)) not in METER.permitted:
        require_write(receiver)
        METER.permitted["write", id(me)] = receiver  # kept, so that nothing else gets its id


def require_answer(me: object, receiver: UvmObject) -> None:
    """Refuse a message to another object that takes none from the sender.

    Raises:
        NotPermitted: It takes none.
    """
    if (id(me), id(receiver)) not in METER.permitted:
        require_call(me, receiver)
        METER.permitted[id(me), id(receiver)] = me, receiver


# --- containers ------------------------------------------------------------------------


def holds(me: object, container: object) -> bool:
    """Tell whether a stored container lies in the slots of an object, at whatever depth."""
    if not isinstance(me, UvmObject):
        return False
    values = me._slots.values()
    for value in values:
        if value is container:
            return True
    pending = [value for value in values if isinstance(value, _NESTING)]
    seen = set(map(id, pending))  # a program may have made a circle
    while pending:
        items = _items(pending.pop())
        METER.spend(len(items) >> 3)
        for item in items:
            if item is container:
                return True
            if isinstance(item, _NESTING) and id(item) not in seen:
                seen.add(id(item))
                pending.append(item)
    return False


def require_held(me: object, container: object) -> None:
    """Refuse a change of a stored container that lies elsewhere.

    Raises:
        NotItsOwn, NotPermitted: The method may not change it.
    """
    if not holds(me, container):
        kind = type(plain(container)).__name__
        raise NotItsOwn(f"this {kind}", "lies in a slot of another object")
    assert isinstance(me, UvmObject)  # noqa: S101  it holds something
    require_own(me, me, "")


def own(me: object, value: Any) -> Any:
    """Return a value as it may enter what `me` holds: what others hold is copied."""
    if type(value) in IMMUTABLE:
        return value
    return plain(value) if _is_others(me, value) else value


def own_each(me: object, items: Any) -> Any:
    """Return what is to be put in one by one, as `own` does; an iterator becomes a list."""
    if isinstance(items, _NESTING) or not hasattr(type(items), "__iter__"):
        return own(me, items)
    if isinstance(items, str | bytes | range):
        return items
    kept = []
    for item in items:
        METER.burn()
        kept.append(own(me, item))
    return kept


def changing(
    me: object, container: Any, name: str, rule: Callable[..., Any] | None
) -> Callable[..., Any]:
    """Return a stored container's method that changes it; whether it may is asked at the call.

    Args:
        me: Whose method it is that asks for it.
        container: The container.
        name: The method.
        rule: What stands in its place, if that is not Python's own.
    """

    def change(*args: Any, **keywords: Any) -> Any:
        require_held(me, container)
        kept = [own_each(me, value) for value in args]
        named = {key: own(me, value) for key, value in keywords.items()}
        if rule is not None:
            return rule(container, *kept, **named)
        return getattr(container, name)(*kept, **named)

    return change


def loose(value: Any) -> Any:
    """Return a new container as a plain one: it lies in no slot, so anyone may change it."""
    kind = type(value)
    if kind is PersistentList or kind is PersistentMapping:
        return value.data
    return set(value) if kind is PersistentSet else value


def loosened(name: str) -> Callable[..., Any]:
    """Return a stored container's method that makes a new one, which is plain then."""

    def call(container: Any, *args: Any) -> Any:
        return loose(getattr(container, name)(*args))

    return call


def _is_others(me: object, value: object) -> bool:
    pending, seen = [value], set[int]()
    while pending:
        held = pending.pop()
        if type(held) in CHANGES:
            if not holds(me, held):
                return True
        elif isinstance(held, _NESTING) and id(held) not in seen:
            seen.add(id(held))
            items = _items(held)
            METER.spend(len(items) >> 3)
            pending.extend(items)
    return False


def _items(held: Any) -> list[object]:
    items = list(held)
    return [*items, *held.values()] if isinstance(held, _MAPPINGS) else items
