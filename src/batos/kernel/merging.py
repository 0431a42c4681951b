"""Two transactions changed one object: keep both changes, where they do not touch.

Used by `_p_resolveConflict`, also when a transaction is undone that others have followed.
What is compared are states of the database: objects in them are references.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")

_ABSENT = object()


def merged(
    old: Mapping[Key, Value],
    saved: Mapping[Key, Value],
    new: Mapping[Key, Value],
    once: bool = False,
) -> dict[Key, Value]:
    """Return `saved` with what `new` changed since `old`, key by key.

    Args:
        old: What both began with.
        saved: What was committed meanwhile.
        new: What is to be committed.
        once: Whether it is a conflict that both took the same key away.

    Raises:
        ConflictError: Both changed the same key. The same value does not make it the same
            change: two that each add one to a number must add two.
    """
    both = dict(saved)
    for key in [*old, *(key for key in new if key not in old)]:
        was, there, here = (state.get(key, _ABSENT) for state in (old, saved, new))
        if same(here, was):
            continue
        if here is there is _ABSENT and not once:
            continue
        if not same(there, was):
            conflict()
        if key in new:
            both[key] = new[key]
        else:
            del both[key]
    return both


def same(one: object, other: object) -> bool:
    """Tell whether two values of states are one value: `True` is not `1`."""
    if type(one) is not type(other):
        return False
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    try:
        return one is other or bool(one == other)
    except ValueError:  # references to different objects refuse to be compared
        return False


def conflict() -> NoReturn:
    """Raise ZODB's error for changes that cannot be merged."""
    from ZODB.POSException import ConflictError  # noqa: PLC0415  the jail does without ZODB

    raise ConflictError
