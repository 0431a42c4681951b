"""Who refers to whom, read from the records as they lie; no object is made of them.

An object's containers, methods and weights have records of their own and are its *parts*;
the root and all that is no object below it (the journal) are parts of the root.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ZODB.Connection import Connection
from ZODB.POSException import POSKeyError
from ZODB.serialize import referencesf
from ZODB.utils import get_pickle_metadata, z64

from batos.universe.moments import following
from batos.universe.reading import last_transaction
from batos.universe.records import is_part


@dataclass(frozen=True)
class Owner:
    """An object, or the root, with what belongs to it."""

    oid: bytes
    parts: frozenset[bytes]  # its own record among them
    refers_to: frozenset[bytes]  # other objects


def survey(connection: Connection, starts: Iterable[bytes] = (z64,)) -> Iterator[Owner]:
    """Yield everything that is reached from some objects, each once, as one moment has it."""
    records = _Records(connection)
    to_visit = list(starts)
    seen = set(to_visit)
    while to_visit:
        owner = records.owner(to_visit.pop())
        yield owner
        found = owner.refers_to - seen
        seen |= found
        to_visit.extend(found)


def owners_of(connection: Connection, oids: set[bytes]) -> set[bytes]:
    """Return the objects that some records are parts of, as one moment has it."""
    records = _Records(connection)
    owners = {oid for oid in oids if records.is_object(oid)}
    left = {oid for oid in oids - owners if records.is_there(oid)} - {z64}
    for oid in owners:  # most often a part is written together with its owner
        left -= records.owner(oid).parts
    if left:
        left -= records.owner(z64).parts  # the journal, receipts
    if left:
        owners |= {one.oid for one in survey(connection) if not left.isdisjoint(one.parts)}
    return owners - {z64}


class _Records:
    """The records of one moment."""

    def __init__(self, connection: Connection) -> None:
        self._storage: Any = connection.db().storage
        self._before = connection.before or following(last_transaction(self._storage))
        self._kinds: dict[bytes, bool | None] = {}  # whether it is an object; None: not there

    def owner(self, oid: bytes) -> Owner:
        parts, others = {oid}, set()
        to_read = [oid]
        while to_read:
            for reference in self._references(to_read.pop()):
                if reference in parts or reference in others:
                    continue
                if self.is_object(reference):
                    others.add(reference)
                elif self.is_there(reference):
                    parts.add(reference)
                    to_read.append(reference)
        return Owner(oid, frozenset(parts), frozenset(others))

    def is_object(self, oid: bytes) -> bool:
        return self._kind(oid) is True

    def is_there(self, oid: bytes) -> bool:
        return self._kind(oid) is not None

    def _kind(self, oid: bytes) -> bool | None:
        if oid not in self._kinds:
            data = self._data(oid)
            kind = None if data is None else not is_part(*get_pickle_metadata(data))
            self._kinds[oid] = kind
        return self._kinds[oid]

    def _references(self, oid: bytes) -> Iterable[bytes]:
        data = self._data(oid)
        references: list[bytes] = [] if data is None else referencesf(data)
        return references

    def _data(self, oid: bytes) -> bytes | None:
        try:
            found = self._storage.loadBefore(oid, self._before)
        except POSKeyError:
            return None
        return None if found is None else found[0]
