"""Remove an object for good: from the present, from the past, and from the journal.

Deleting only takes a name away; every old state stays in the files. Forgetting takes the
object out of what refers to it, redacts what the rest of the universe says of it, and lets
nothing that is still needed lie in a transaction whose note speaks of it: all of that in
one transaction, which notes that the forgetting is unfinished. Then it ends all of the
history, and looks whether something of the object still stands in the universe's files.
Whatever comes between the two, `finish` does the rest. It cannot reach what left the
universe.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, cast

from persistent.list import PersistentList
from persistent.mapping import PersistentMapping
from ZODB.blob import Blob
from ZODB.Connection import Connection
from ZODB.POSException import POSKeyError
from ZODB.utils import get_pickle_metadata, z64

from batos.errors import (
    BatosError,
    ForgetRefused,
    ForgettingUnfinished,
    NotInFolder,
    UniverseReadOnly,
)
from batos.kernel.delegation import PARENT_MARK
from batos.kernel.method import Method
from batos.kernel.mirror import mirror
from batos.kernel.uvm_object import UvmObject
from batos.kernel.values import PersistentSet, plain
from batos.universe.conflicts import Turns, retried
from batos.universe.delivery import redact_receipts
from batos.universe.journal import redact
from batos.universe.log import LASTING
from batos.universe.moments import moment_in
from batos.universe.names import named_object
from batos.universe.packing import Packed, pack
from batos.universe.reading import transactions
from batos.universe.references import survey
from batos.universe.remains import Remains, names_ever, remains_of, still_there
from batos.universe.states import names_in, own_slots
from batos.universe.unfinished import note_unfinished, strike_off, unfinished
from batos.universe.universe import Root, Universe

BEYOND_REACH = (
    "backups and copies of the folder",
    "bundles that were exported",
    "adapters that were trained with it",
    "blocks of the disk that are free now",
    "numbers, short texts and parts of its texts that others have noted",
)
_NOTE = "forget: an object and all history"


@dataclass(frozen=True)
class Forgotten:
    """What forgetting did, and what it could not do."""

    name: str
    proposals: int  # entries of the journal that were redacted
    cut: tuple[str, ...]  # references of others that were removed: object and slot
    packed: Packed
    still_there: tuple[str, ...]  # slots whose value stands in the files all the same
    beyond_reach: tuple[str, ...] = BEYOND_REACH


@dataclass(frozen=True)
class Finished:
    """What the second half of forgettings did, and what it could not do."""

    objects: int
    packed: Packed
    still_there: tuple[str, ...]
    beyond_reach: tuple[str, ...] = BEYOND_REACH


def forget(universe: Universe, name: str, cut: bool = False, user: str = "") -> Forgotten:
    """Remove an object for good. All of the history ends with it.

    Args:
        universe: Where.
        name: The root's name of the object.
        cut: Whether others that refer to it lose these references; one that delegates to
            it then delegates to its parents.
        user: Who does it.

    Raises:
        NoSuchObject: The root has no such object.
        ForgetRefused: It is primordial, or others refer to it.
        ForgettingUnfinished: Its past could not be ended; `finish`, or this again, does it.
        NotInFolder: It lies at an address, so its files are out of reach.
        UniverseReadOnly: It was opened to be read.
    """
    if universe.address is not None:
        address = universe.address
        instead = (
            f"`batos unname {name}` takes its name away; its past goes when"
            f" {address.packed_by} packs the database"
        )
        raise NotInFolder(address.shown, address.keeper, instead)
    if universe.database.storage.isReadOnly():
        raise UniverseReadOnly(universe.shown)
    if _waits(universe, name):
        done = finish(universe, user)
        assert done is not None  # noqa: S101  it waits
        return Forgotten(name, 0, (), done.packed, done.still_there)
    with universe.transaction() as root:
        obj = named_object(root, name)
        if obj._sealed:
            raise ForgetRefused(name, "it is primordial: the others live by it")
        oid = cast("bytes", obj._p_oid)
    remains = remains_of(universe, oid)
    taken = retried(lambda: _take_out(universe, oid, remains, cut, user), Turns())
    done = _end_past(universe, unfinished(universe), user, name)
    return Forgotten(name, *taken, done.packed, done.still_there)


def finish(universe: Universe, user: str = "") -> Finished | None:
    """End the past of what was taken out before, if a forgetting was broken off.

    Returns:
        None if none was.

    Raises:
        ForgettingUnfinished: The past could not be ended this time either.
        UniverseReadOnly: It was opened to be read.
    """
    oids = unfinished(universe)
    if not oids:
        return None
    if universe.database.storage.isReadOnly():
        raise UniverseReadOnly(universe.shown)
    return _end_past(universe, oids, user, "an object")


def _waits(universe: Universe, name: str) -> bool:
    """Tell whether a name meant an object whose forgetting was broken off."""
    with universe.transaction() as root:
        if name in root:
            return False
    return any(name in names_ever(universe, oid) for oid in unfinished(universe))


# --- out of the present ------------------------------------------------------------------


def _take_out(
    universe: Universe, oid: bytes, remains: Remains, cut: bool, user: str
) -> tuple[int, tuple[str, ...]]:
    """Return how many entries of the journal were redacted, and whose references were cut."""
    with universe.transaction(_NOTE, user, {LASTING: True}) as root:
        connection = cast("Any", root)._p_jar
        obj = connection.get(oid)
        names = [name for name, value in root.items() if value is obj]
        referrers = _referrers(connection, root, obj)
        if referrers and not cut:
            raise ForgetRefused(names[0], "others still refer to it", tuple(referrers.values()))
        for holder, where in referrers.items():
            if not _cut(cast("UvmObject", connection.get(holder)), obj):
                why = f"{where} holds it in a way that cannot be cut; take it out there first"
                raise ForgetRefused(names[0], why)
        for name in names:
            del root[name]
        redacted = redact(root, remains)
        redact_receipts(root, remains)
        _redact_methods(connection, remains)
        _move_on(universe, connection, remains, oid)
        note_unfinished(root, oid)
    return redacted, tuple(referrers.values())


def _referrers(connection: Connection, root: Root, obj: UvmObject) -> dict[bytes, str]:
    """Return who refers to an object, besides the root: its oid, and its name and slots."""
    names = names_in(root)
    found = {}
    for owner in survey(connection):
        if obj._p_oid in owner.refers_to and owner.oid not in (obj._p_oid, z64):
            holder = connection.get(owner.oid)
            slots = [s for s, value in own_slots(holder).items() if _holds(value, obj)]
            found[owner.oid] = f"{names.get(owner.oid, repr(holder))}: {', '.join(slots)}"
    return found


def _holds(value: object, obj: UvmObject) -> bool:
    found = []
    plain(value, lambda leaf: found.append(1) if leaf is obj else None)
    return bool(found)


def _cut(holder: UvmObject, obj: UvmObject) -> bool:
    """Take an object out of another one's slots; tell whether nothing of it is left there."""
    was_in = False
    for slot, value in list(own_slots(holder).items()):
        if not _holds(value, obj):
            continue
        was_in = True
        left = (
            _other_parents(value, obj) if slot.endswith(PARENT_MARK) else _without(value, obj)
        )
        if _holds(left, obj) and left is not obj:
            return False
        if left is obj or left == ():
            mirror(holder).remove(slot)
        else:
            mirror(holder).set(slot, left)
    return was_in


def _other_parents(value: object, obj: UvmObject) -> tuple[UvmObject, ...]:
    """Return the parents with the object's own in its place."""
    parents: list[UvmObject] = []
    for parent in value if isinstance(value, tuple) else (value,):
        parents.extend(mirror(obj).parents() if parent is obj else (parent,))
    return tuple(dict.fromkeys(parents))


def _without(value: object, obj: UvmObject) -> object:
    """Return data without the object; it stays in what merges changes, and where it is all."""
    if isinstance(value, list | PersistentList):
        return [_without(item, obj) for item in value if item is not obj]
    if isinstance(value, tuple | set | frozenset | PersistentSet):
        kind = set if isinstance(value, PersistentSet) else type(value)
        return kind(_without(item, obj) for item in value if item is not obj)
    if isinstance(value, dict | PersistentMapping):
        return {
            key: _without(item, obj)
            for key, item in value.items()
            if item is not obj and not _holds(key, obj)
        }
    return value


# --- out of what others say ----------------------------------------------------------------


def _redact_methods(connection: Connection, remains: Remains) -> None:
    """Redact where the methods of others come from; their sources stay as they are."""
    for owner in survey(connection):
        for part in owner.parts:
            data, _tid = cast("Any", connection)._storage.load(part)
            if get_pickle_metadata(data)[1] == Method.__name__:
                method = cast("Method", connection.get(part))
                provenance = remains.redacted(method.provenance)
                if provenance != method.provenance:
                    method.provenance = provenance


def _move_on(universe: Universe, connection: Connection, remains: Remains, oid: bytes) -> None:
    """Write again what lies in transactions that speak of the object.

    A pack keeps a transaction, and its note, as long as one of its records is current.
    """
    with transactions(universe.database.storage) as found:
        for transaction in found:
            moment = moment_in(transaction)
            oids = [record.oid for record in transaction]
            told = f"{moment.note}\n{moment.user}\n{dict(moment.details)!r}"
            if oid in oids or remains.are_in(moment.note) or remains.are_in(told):
                for one in oids:
                    _write_again(connection, one, transaction.tid)


def _write_again(connection: Connection, oid: bytes, tid: bytes) -> None:
    try:
        record = connection.get(oid)
        record._p_activate()
    except POSKeyError:
        return
    if record._p_serial == tid and not isinstance(record, Blob):
        record._p_changed = True


# --- out of the past ---------------------------------------------------------------------


def _end_past(universe: Universe, oids: tuple[bytes, ...], user: str, shown: str) -> Finished:
    """Pack, so that nothing of some objects is left, and strike them off."""
    remains = {oid: remains_of(universe, oid) for oid in oids}
    try:
        packed = pack(universe, dt.timedelta(), user)
        if unfinished(universe):  # something has come to refer to one of them
            retried(lambda: _strike_off(universe, oids, user), Turns())
    except (BatosError, OSError) as error:
        raise ForgettingUnfinished(shown, str(error)) from error
    universe.database.cacheMinimize()  # memory forgets, too
    left = [what for oid in oids for what in still_there(universe, oid, remains[oid])]
    return Finished(len(oids), packed, tuple(dict.fromkeys(left)))


def _strike_off(universe: Universe, oids: tuple[bytes, ...], user: str) -> None:
    with universe.transaction(_NOTE, user, {LASTING: True}) as root:
        strike_off(root, universe, *oids)
