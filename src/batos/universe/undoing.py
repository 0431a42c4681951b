"""What refers to what, in the log of any storage: asked before a transaction is undone."""

from __future__ import annotations

from typing import Any

from ZODB.POSException import POSKeyError
from ZODB.serialize import referencesf
from ZODB.utils import load_current

from batos.universe.reading import Storage, transactions


def in_use(storage: Storage, tid: bytes) -> bool:
    """Tell whether something else refers by now to an object that was created in `tid`.

    What `tid` itself created or changed does not count: undoing takes it back, or refuses to.
    """
    created: set[bytes] = set()
    changed: set[bytes] = set()
    with transactions(storage, tid) as found:
        for transaction in found:
            for record in transaction:
                if transaction.tid == tid:
                    existed = _existed(storage, record.oid, tid)
                    (changed if existed else created).add(record.oid)
                    continue
                counts = record.oid not in changed | created and _is_current(storage, record)
                if counts and _refers(record.data, created):
                    return True
    return False


def _existed(storage: Storage, oid: bytes, tid: bytes) -> bool:
    try:
        return storage.loadBefore(oid, tid) is not None
    except POSKeyError:  # its creation was undone
        return False


def _is_current(storage: Storage, record: Any) -> bool:
    try:
        _data, serial = load_current(storage, record.oid)
    except POSKeyError:
        return False
    return bool(serial == record.tid)


def _refers(data: bytes | None, created: set[bytes]) -> bool:
    return data is not None and not created.isdisjoint(referencesf(data))
