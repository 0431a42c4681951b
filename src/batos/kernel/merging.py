"""Two transactions changed one object: keep both changes, where they do not touch.

Used by `_p_resolveConflict`, also when a transaction is undone that others have followed.
What is compared are states of the database: objects in them are references.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from ZODB.POSException import ConflictError

Key = TypeVar("Key")

_ABSENT = object()


def merged(
    old: Mapping[Key, object], committed: Mapping[Key, object], new: Mapping[Key, object]
) -> dict[Key, object]:
    """Return what is committed with the changes that lead from `old` to `new`.

    The keys stand as they are committed, new ones last; but if only `new` added, removed or
    renamed keys, they stand as there: the order of parent slots means something.

    Raises:
        ConflictError: Both changed the same key. The same value does not make it the same
            change: two that each add one to a counter must add two.
    """
    result = dict(committed)
    for key in [*old, *(key for key in new if key not in old)]:
        was, there, here = (state.get(key, _ABSENT) for state in (old, committed, new))
        if _same(here, was):
            continue
        if not _same(there, was):
            raise ConflictError(f"both changed {key!r}")
        if here is _ABSENT:
            del result[key]
        else:
            result[key] = here
    if list(committed) == list(old):
        return {key: result[key] for key in new}
    return result


def _same(one: object, other: object) -> bool:
    """Tell whether two values are one value: `True` is not `1`."""
    if type(one) is not type(other):
        return False
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    try:
        return bool(one == other)
    except ValueError:  # references to different objects refuse to be compared
        return False
