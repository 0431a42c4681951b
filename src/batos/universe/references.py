"""Who refers to whom: the records of a `walk`, gathered by the objects that they belong to.

An object's containers, methods and weights have records of their own and are its *parts*;
the root and all that is no object below it (the journal) are parts of the root.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ZODB.Connection import Connection
from ZODB.utils import p64, u64, z64

from batos.universe.walk import REFER_TO_NOTHING, Record, Records, is_object


@dataclass(frozen=True)
class Owner:
    """An object, or the root, with what belongs to it."""

    oid: bytes
    parts: frozenset[bytes]  # its own record among them
    refers_to: frozenset[bytes]  # other objects


def survey(connection: Connection, starts: Iterable[bytes] = (z64,)) -> Iterator[Owner]:
    """Yield everything that is reached from some objects, each once, as one moment has it."""
    records = Records(connection)
    to_visit = list(starts)
    seen = set(to_visit)
    while to_visit:
        owner = _owner(records, to_visit.pop())
        yield owner
        found = owner.refers_to - seen
        seen |= found
        to_visit.extend(found)


def owners_of(connection: Connection, oids: set[bytes]) -> set[bytes]:
    """Return the objects that some records are parts of, as one moment has it."""
    records = Records(connection)
    there = {oid: record for oid in oids if (record := records.find(u64(oid))) is not None}
    owners = {oid for oid, record in there.items() if is_object(record.kind)}
    left = there.keys() - owners - {z64}
    for oid in owners:  # most often a part is written together with its owner
        left -= _owner(records, oid).parts
    if left:
        left -= _owner(records, z64).parts  # the journal, receipts
    if left:
        owners |= {one.oid for one in survey(connection) if not left.isdisjoint(one.parts)}
    return owners - {z64}


def _owner(records: Records, oid: bytes) -> Owner:
    parts, others = {u64(oid)}, set[int]()
    to_read = [u64(oid)]
    while to_read:
        record = records.find(to_read.pop())
        for reference in record.references if record else ():
            if reference.oid in parts or reference.oid in others:
                continue
            kind = reference.kind or _kind(records.find(reference.oid))
            if is_object(kind):
                others.add(reference.oid)
                continue
            parts.add(reference.oid)
            if kind not in REFER_TO_NOTHING:
                to_read.append(reference.oid)
    return Owner(oid, frozenset(map(p64, parts)), frozenset(map(p64, others)))


def _kind(record: Record | None) -> object:
    return record and record.kind
