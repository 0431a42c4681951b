"""An undo that leaves no reference to what is not there, whoever commits meanwhile.

It takes away what its transaction created, which nothing may refer to by then, and brings old
states back, which may refer to nothing that is gone. Both are asked twice: before, when the
log from there on may be long, and of what was committed since, when nobody else can commit.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from ZODB.DB import DB, TransactionalUndo
from ZODB.POSException import POSKeyError
from ZODB.serialize import referencesf
from ZODB.utils import load_current, p64, u64

from batos.errors import UndoConflict
from batos.universe.reading import Storage, is_there, transactions, up_to_date


@dataclass(frozen=True)
class Effect:
    """What undoing a transaction does to records."""

    tid: bytes
    takes_away: frozenset[bytes]
    brings_back: frozenset[bytes]
    needs: frozenset[bytes]  # what the states that come back refer to


class CarefulUndo(TransactionalUndo):  # type: ignore[misc]  # ZODB is untyped
    """Undoes one transaction as a part of another one, if nothing dangles by it.

    Raises:
        UndoConflict: Something would; it is refused at once, or when the other one commits.
    """

    def __init__(self, database: DB, tid: bytes) -> None:
        super().__init__(database, [base64.encodebytes(tid).rstrip()])
        with up_to_date(database.storage) as storage:
            self._checked_until = storage.lastTransaction()
            self._effect = effect_of(storage, tid)
            self._check(storage, after=tid)

    def tpc_vote(self, transaction: object) -> None:
        """Undo; from now on every kind of storage lets nobody else commit before this does."""
        super().tpc_vote(transaction)
        with up_to_date(self._db.storage) as storage:
            self._check(storage, self._checked_until)

    def _check(self, storage: Storage, after: bytes) -> None:
        effect = self._effect
        if any(not is_there(storage, oid) for oid in effect.needs - effect.brings_back):
            why = "what it would bring back refers to an object that is gone"
            raise UndoConflict(effect.tid.hex(), why)
        if _is_used(storage, effect, after):
            why = "a later transaction refers to what it created; undo that one first"
            raise UndoConflict(effect.tid.hex(), why, is_overtaken=True)


def effect_of(storage: Storage, tid: bytes) -> Effect:
    """Return what undoing a transaction would do."""
    takes_away, brings_back, needs = set[bytes](), set[bytes](), set[bytes]()
    with transactions(storage, tid, tid) as found:
        oids = [record.oid for transaction in found for record in transaction]
    for oid in oids:
        before = _state_before(storage, oid, tid)
        if before is None:
            takes_away.add(oid)
        else:
            brings_back.add(oid)
            needs.update(referencesf(before))
    return Effect(tid, frozenset(takes_away), frozenset(brings_back), frozenset(needs))


def _state_before(storage: Storage, oid: bytes, tid: bytes) -> bytes | None:
    try:
        found = storage.loadBefore(oid, tid)
    except POSKeyError:  # its creation was undone
        return None
    return None if found is None else found[0]


def _is_used(storage: Storage, effect: Effect, after: bytes) -> bool:
    """Tell whether something that was written after a moment refers to what is taken away.

    What the transaction itself wrote does not count: undoing changes it back, or refuses to.
    """
    own = effect.takes_away | effect.brings_back
    with transactions(storage, p64(u64(after) + 1)) as found:
        return any(
            record.oid not in own
            and _refers(record.data, effect.takes_away)
            and _is_current(storage, record)
            for transaction in found
            for record in transaction
        )


def _refers(data: bytes | None, oids: frozenset[bytes]) -> bool:
    return data is not None and not oids.isdisjoint(referencesf(data))


def _is_current(storage: Storage, record: Any) -> bool:
    try:
        _data, serial = load_current(storage, record.oid)
    except POSKeyError:
        return False
    return bool(serial == record.tid)
