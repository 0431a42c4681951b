"""Two transactions changed one object: keep both changes, where they do not touch.

Used by `_p_resolveConflict`, also when a transaction is undone that others have followed.
What is compared are states of the database: objects in them are references.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, NoReturn, TypeVar

from batos.kernel.permissions import PERMISSIONS

Key = TypeVar("Key")
Value = TypeVar("Value")

_ABSENT = object()
# Of these, values that are not the same may be equal (a moment in two zones), and one that is
# the same may not (not a number).
_TOLD_APART_AS_TEXT = (float, complex, dt.datetime, dt.time)


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


def merged_object(
    old: Mapping[str, Any], saved: Mapping[str, Any], new: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the merged state of an object: its slots, their annotations, and its seal.

    Raises:
        ConflictError: Both changed the same slot, or gave one another name.
    """
    slots = merged(old["_slots"], saved["_slots"], new["_slots"], once=True)
    if list(saved["_slots"]) == list(old["_slots"]):  # a renamed slot keeps its place
        slots = {name: slots[name] for name in new["_slots"]}
    notes = merged(*_parts("_notes", {}, old, saved, new))
    result: dict[str, Any] = {"_slots": slots}
    if kept := {
        name: note for name, note in notes.items() if name in slots or name == PERMISSIONS
    }:
        result["_notes"] = kept  # without those of slots that the other one removed
    was, there, here = _parts("_sealed", False, old, saved, new)
    if here if there == was else there:
        result["_sealed"] = True
    return result


def _parts(key: str, default: Any, *states: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    old, saved, new = (state.get(key, default) for state in states)
    return old, saved, new


def same(one: object, other: object) -> bool:
    """Tell whether two values of states are one value: `True` is not `1`, nor -0.0 0.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, frozenset) and isinstance(other, frozenset):
        return _typed(one) == _typed(other)
    if isinstance(one, _TOLD_APART_AS_TEXT):
        return repr(one) == repr(other)
    try:
        return one is other or bool(one == other)
    except ValueError:  # references to different objects refuse to be compared
        return False


def _typed(items: frozenset[object]) -> set[tuple[type, object]]:
    return {(type(item), item) for item in items}


def conflict() -> NoReturn:
    """Raise ZODB's error for changes that cannot be merged."""
    from ZODB.POSException import ConflictError  # noqa: PLC0415  the jail does without ZODB

    raise ConflictError
