"""Records, one or every one that can be reached from the root, one after the other.

Records are read as they lie in the database, at the moment that the root's transaction
sees, and are let go of again: no object is made of them, so nothing can run, nothing stays
in a connection's cache, and nothing is marked as changed. Kept are the numbers of the
records that were met. What the open transaction has not committed is not seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import Any, NamedTuple

from ZODB._compat import PersistentUnpickler
from ZODB.blob import Blob
from ZODB.Connection import Connection
from ZODB.POSException import ConflictError, POSKeyError
from ZODB.utils import p64, u64

from batos.errors import UniverseUnreadable
from batos.kernel.method import Method
from batos.kernel.uvm_object import UvmObject
from batos.universe.placeholders import UnknownRecord

ROOT = 0  # the number of the root's record
REFER_TO_NOTHING = (Blob, Method)


class Reference(NamedTuple):
    """What stands in a record for another one."""

    oid: int
    kind: object  # its class; None: the record does not say


@dataclass(frozen=True)
class Record:
    """One record: in place of objects it has references."""

    oid: int
    kind: object  # its class
    slots: Mapping[str, object]  # of an object; the names in the root; else none
    source: str  # of a method
    references: tuple[Reference, ...]  # all that lie in it, in order


class Records:
    """The records of a universe as a connection sees them: its transaction's, or the past."""

    def __init__(self, connection: Connection) -> None:
        self._storage = connection._storage  # it has the records of its own moment
        self._class = partial(connection.db().classFactory, connection)

    def walk(self) -> Iterator[Record]:
        """Yield the root's record and all that can be reached from it, each once.

        Left out are methods and blobs, which refer to nothing; see `read`.

        Raises:
            UniverseUnreadable: A record is damaged, or missing.
        """
        seen = {ROOT}
        to_visit = [ROOT]
        while to_visit:
            record = self.read(to_visit.pop())
            for reference in record.references:
                if reference.oid not in seen and reference.kind not in REFER_TO_NOTHING:
                    seen.add(reference.oid)
                    to_visit.append(reference.oid)
            yield record

    def read(self, oid: int) -> Record:
        """Return one record.

        Raises:
            UniverseUnreadable: It is damaged, or missing.
        """
        record = self.find(oid)
        if record is None:
            raise UniverseUnreadable(f"the record {oid:#x}", "it is missing")
        return record

    def find(self, oid: int) -> Record | None:
        """Return one record, or None if there was none at this moment.

        Raises:
            UniverseUnreadable: It is damaged.
        """
        references: list[Reference] = []

        def refer(stored: object) -> Reference | None:
            reference = _reference(stored)
            if reference is not None:
                references.append(reference)
            return reference

        try:
            data, _serial = self._storage.load(p64(oid))
            unpickler = PersistentUnpickler(self._class, refer, BytesIO(data))
            kind = unpickler.load()
            kind = kind[0] if isinstance(kind, tuple) else kind  # with what it is made with
            state = unpickler.load()
            source = state["source"] if kind is Method else ""
            return Record(oid, kind, _slots(oid, kind, state), source, tuple(references))
        except POSKeyError:
            return None
        except (ConflictError, UniverseUnreadable):
            raise
        except Exception as error:  # whatever a damaged pickle may raise
            raise UniverseUnreadable(f"the record {oid:#x}", repr(error)) from error


def is_object(kind: object) -> bool:
    """Tell whether a record is an object's, by its class, and not a container's or an index's.

    What a record of an unknown class belongs to cannot be told: it counts as an object.
    """
    unknown = isinstance(kind, type) and issubclass(kind, UnknownRecord)
    return kind is UvmObject or unknown


def references_in(value: object) -> Iterator[Reference]:
    """Yield the references in a slot's value, so far as it lies in the object's own record."""
    to_visit = [value]
    while to_visit:
        held = to_visit.pop()
        if isinstance(held, Reference):  # which is a tuple itself
            yield held
        elif isinstance(held, tuple | frozenset):
            to_visit.extend(held)


def _slots(oid: int, kind: object, state: Any) -> dict[str, object]:
    if oid == ROOT:
        return dict(state["data"])
    return dict(state["_slots"]) if kind is UvmObject else {}


def _reference(stored: object) -> Reference | None:
    """Return what ZODB wrote for another object; None for a weak reference, or elsewhere."""
    match stored:
        case (bytes() as oid, kind):
            return Reference(u64(oid), kind)
        case bytes() as oid:
            return Reference(u64(oid), None)
    return None
