"""What happened to one object, and what differs between two moments.

Both compare states: an object is loaded as it was, its slots are shown as text, and two
texts are the same or not. Nothing of it sends a message.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, cast

from ZODB.Connection import Connection
from ZODB.POSException import POSKeyError
from ZODB.utils import z64

from batos.errors import NoSuchObject
from batos.kernel.uvm_object import UvmObject
from batos.universe.log import LASTING, Moment
from batos.universe.moments import (
    When,
    connected,
    following,
    moment_in,
    moments_of,
    packed_until,
    tid_of,
)
from batos.universe.placeholders import UnknownRecord
from batos.universe.reading import transactions
from batos.universe.references import owners_of
from batos.universe.states import (
    Change,
    Names,
    Slots,
    changes_between,
    names_in,
    own_records,
    shown_slots,
)
from batos.universe.universe import Root, Universe

Became = Literal["created", "changed", "removed"]
_Object = UvmObject | UnknownRecord


@dataclass(frozen=True)
class Event:
    """What one transaction did to an object."""

    moment: Moment
    became: Became
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Difference:
    """What differs in one object between two moments."""

    name: str  # the root's, or its oid in words
    became: Became
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class _State:
    """What a name meant at one moment."""

    slots: Slots | None  # None: nothing
    oid: bytes = b""
    since: bytes = z64  # the last transaction that may have changed it


# --- one object ------------------------------------------------------------------------


def history(universe: Universe, name: str, limit: int = 20) -> list[Event]:
    """Return what happened to the object of this name, newest first.

    A change in a container, a method or weights of its own counts. If the name meant
    another object before, that is a part of the name's history.

    Args:
        universe: Where.
        name: A name of the root, of today or of the past.
        limit: How many events at most.

    Raises:
        NoHistory: The universe keeps none.
        NoSuchObject: The name never meant an object, as far back as the history goes.
    """
    universe.check_history()
    with connected(universe, b"\xff" * 8) as connection:
        names = names_in(connection.root())
    begins = packed_until(universe)
    found: list[tuple[bytes, Became, tuple[Change, ...]]] = []
    after = _state(universe, name, b"\xff" * 8, names)
    ever = after.slots is not None
    while len(found) < limit and after.since > begins:
        before = _state(universe, name, after.since, names)
        ever = ever or before.slots is not None
        changes = changes_between(before.slots or {}, after.slots or {})
        became = _became(before, after)
        if became is not None:
            found.append((after.since, became, changes))
        after = before
    if not ever:
        raise NoSuchObject(name, tuple(sorted(names.values())))
    moments = moments_of(universe, [tid for tid, _, _ in found])
    return [Event(moments[tid], became, changes) for tid, became, changes in found]


def _state(universe: Universe, name: str, before: bytes, names: Names) -> _State:
    with connected(universe, before) as connection:
        try:
            root = connection.root()
            obj, since = root.get(name), cast("bytes", root._p_serial)
        except POSKeyError:
            return _State(None)  # before there was anything
        if not isinstance(obj, _Object):
            return _State(None, since=since)
        serials = [cast("bytes", one._p_serial) for one in own_records(obj)]
        return _State(shown_slots(obj, names), obj._p_oid, max(since, *serials))


def _became(before: _State, after: _State) -> Became | None:
    if before.slots is None:
        return None if after.slots is None else "created"
    if after.slots is None:
        return "removed"
    same = before.slots == after.slots and before.oid == after.oid
    return None if same else "changed"


# --- everything ------------------------------------------------------------------------


def diff(universe: Universe, first: When, second: When | None = None) -> list[Difference]:
    """Return what differs between two moments, by object; `second` None means now.

    Raises:
        NoSuchMoment: One of them cannot be read, or lies before the history.
    """
    ends = universe.database.lastTransaction() if second is None else tid_of(universe, second)
    starts = tid_of(universe, first)
    with (
        connected(universe, following(starts)) as old,
        connected(universe, following(ends)) as new,
    ):
        names = names_in(new.root(), old.root())
        written = _written(universe, *sorted((starts, ends)))
        written = owners_of(old, written) | owners_of(new, written)
        return list(_differences(old, new, written, names))


def _written(universe: Universe, starts: bytes, ends: bytes) -> set[bytes]:
    """Return the records that were written after a moment, up to another; not the journal's."""
    oids: set[bytes] = set()
    storage = universe.database.storage
    with transactions(storage, following(starts), ends) as found:
        for transaction in found:
            if LASTING not in moment_in(transaction).details:
                oids.update(record.oid for record in transaction)
    return oids


def _differences(
    old: Connection, new: Connection, written: set[bytes], names: Names
) -> Iterator[Difference]:
    before, after = _bound(old.root()), _bound(new.root())
    for name in dict.fromkeys((*after, *before)):
        was, is_ = before.get(name), after.get(name)
        if was != is_ or is_ in written:
            yield from _difference(name, _slots(old, was, names), _slots(new, is_, names))
    unnamed = written - set(before.values()) - set(after.values())
    for oid in sorted(unnamed):
        name = f"<object {int.from_bytes(oid, 'big'):#x}>"
        yield from _difference(name, _slots(old, oid, names), _slots(new, oid, names))


def _difference(name: str, was: Slots | None, is_: Slots | None) -> Iterator[Difference]:
    changes = changes_between(was or {}, is_ or {})
    if was is None and is_ is not None:
        yield Difference(name, "created", changes)
    elif is_ is None and was is not None:
        yield Difference(name, "removed", changes)
    elif changes:
        yield Difference(name, "changed", changes)


def _bound(root: Root) -> dict[str, bytes]:
    return {name: obj._p_oid for name, obj in root.items() if isinstance(obj, _Object)}


def _slots(connection: Connection, oid: bytes | None, names: Names) -> Slots | None:
    if oid is None:
        return None
    try:
        obj = connection.get(oid)
    except POSKeyError:
        return None
    return shown_slots(obj, names) if isinstance(obj, _Object) else None
