"""Bring the old state of an object back, as a new transaction.

Undoing takes a whole transaction back, and cannot where later ones changed the same
object. Restoring copies forward: the object is again as it was at a moment, whatever came
between. Containers are copied; another object is referred to, if it is still there.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, cast

from persistent import Persistent
from persistent.list import PersistentList
from persistent.mapping import PersistentMapping
from ZODB.blob import Blob
from ZODB.Connection import Connection
from ZODB.POSException import POSKeyError

from batos.errors import NoSuchObject, RestoreRefused, UniverseUnreadable
from batos.kernel.method import Method
from batos.kernel.mirror import mirror
from batos.kernel.uvm_object import UvmObject, note_slot, notes_of
from batos.kernel.values import Mergeable, PersistentSet
from batos.universe.blobs import import_weights, path_of
from batos.universe.conflicts import Turns, retried
from batos.universe.moments import When, visited
from batos.universe.past import history
from batos.universe.states import Change, Names, changes_between, names_in, shown_slots, text_of
from batos.universe.universe import Root, Universe


def restore(
    universe: Universe,
    name: str,
    when: When,
    slots: Collection[str] | None = None,
    user: str = "",
) -> tuple[Change, ...]:
    """Let an object be again as it was at a moment; it can be undone.

    A name that was taken away, or means another object by now, means the old one again.

    Args:
        universe: Where.
        name: A name of the root, of today or of then.
        when: The moment.
        slots: Only these; a slot that was not there then is taken away. None: all of them.
        user: Who restores it.

    Returns:
        What was changed; nothing if it is as it was.

    Raises:
        NoSuchMoment: There is no such moment any more.
        RestoreRefused: It was not there then, or refers to what is gone.
    """
    note = f"restore: {name} as of {when}" + (f" ({', '.join(slots)})" if slots else "")
    with visited(universe, when) as then:
        old = then.get(name)
        if not isinstance(old, UvmObject):
            why = f"there was no object of this name at {when}"
            raise RestoreRefused(name, why, _has_past(universe, name))

        def attempt() -> tuple[Change, ...]:
            with universe.transaction(note, user, {"restores": name}) as root:
                return _restored(root, then, name, old, slots)

        return retried(attempt, Turns())


def _has_past(universe: Universe, name: str) -> bool:
    try:
        return bool(history(universe, name, limit=1))
    except NoSuchObject:
        return False


def _restored(
    root: Root, then: Root, name: str, old: UvmObject, slots: Collection[str] | None
) -> tuple[Change, ...]:
    names = names_in(root, then)
    present = root.get(name)
    before = shown_slots(present, names) if isinstance(present, UvmObject) else {}
    obj = _target(root, name, old, slots)
    was, is_ = mirror(old).slots(), dict(mirror(obj).slots())
    meant = dict.fromkeys((*was, *is_)) if slots is None else slots
    for slot in meant:
        if slot not in was and slot not in is_:
            raise RestoreRefused(name, f"it has no slot {slot!r}, and had none")
        if slot not in was:
            mirror(obj).remove(slot)
    forward = _Forward(_connection(root), name)
    for slot in (slot for slot in meant if slot in was):
        copy = forward.copied(was[slot])
        if slot not in is_ or not _same(is_[slot], was[slot], copy, names):
            mirror(obj).set(slot, copy)
        note = notes_of(old).get(slot, {})
        if notes_of(obj).get(slot, {}) != note:
            note_slot(obj, slot, note)
    return changes_between(before, shown_slots(obj, names))


def _target(root: Root, name: str, old: UvmObject, slots: Collection[str] | None) -> UvmObject:
    """Return the object that gets the old state: the one of then, if it is still there."""
    present = root.get(name)
    if isinstance(present, UvmObject) and (slots is not None or present._p_oid == old._p_oid):
        return present
    found = _present(_connection(root), old)
    obj = UvmObject() if found is None else cast("UvmObject", found)
    root[name] = obj
    if old._sealed and not obj._sealed:
        mirror(obj).seal()
    return obj


def _present(connection: Connection, old: Persistent) -> Persistent | None:
    """Return the same record as it is now; None if its creation was undone, or it is gone."""
    try:
        found = connection.get(old._p_oid)
        found._p_activate()
    except (POSKeyError, UniverseUnreadable):
        return None
    return cast("Persistent", found)


def _same(present: object, old: object, copy: object, names: Names) -> bool:
    if isinstance(old, Method):
        return present is copy
    return text_of(present, names) == text_of(old, names)


class _Forward:
    """Copies what lay in the slots of one moment into the transaction of another."""

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self._name = name
        self._copies: dict[int, tuple[object, object]] = {}  # by id: what was copied, its copy

    def copied(self, value: Any) -> Any:
        """Return a value as a slot of now can hold it; one that is shared stays one."""
        if id(value) not in self._copies:
            if isinstance(value, list | PersistentList):
                items = self._remember(value, PersistentList())
                items.extend(self.copied(item) for item in value)
            elif isinstance(value, dict | PersistentMapping):
                pairs = self._remember(value, PersistentMapping())
                pairs.update({self.copied(k): self.copied(item) for k, item in value.items()})
            else:
                self._remember(value, self._other(value))
        return self._copies[id(value)][1]

    def _remember(self, value: object, copy: Any) -> Any:
        self._copies[id(value)] = (value, copy)
        return copy

    def _other(self, value: Any) -> Any:
        if isinstance(value, set | PersistentSet):
            return PersistentSet(self.copied(item) for item in value)
        if isinstance(value, tuple | frozenset):
            return type(value)(self.copied(item) for item in value)
        return self._record(value) if isinstance(value, Persistent) else value

    def _record(self, value: Any) -> Any:
        value._p_activate()
        present = _present(self._connection, value)
        if isinstance(value, UvmObject):
            if present is None:
                raise RestoreRefused(self._name, f"it refers to {value!r}, which is gone")
            return present
        if isinstance(value, Method):
            return Method(value.source, value.provenance) if present is None else present
        if isinstance(value, Blob):
            if present is not None and present._p_serial == value._p_serial:
                return present
            return import_weights(self._connection, path_of(value), lambda _done, _all: None)
        if isinstance(value, Mergeable):
            return type(value)(self.copied(value.content()))
        copy = type(value)()  # a tree
        copy.update(
            self.copied(dict(value.items()) if hasattr(value, "items") else list(value))
        )
        return copy


def _connection(root: Root) -> Connection:
    return cast("Any", root)._p_jar
