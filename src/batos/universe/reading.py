"""What a storage has kept, read as it is by now: the same for every kind of storage.

RelStorage's first instance stands still at the moment when it was opened, and not every
storage's iterator can be closed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from ZODB.POSException import POSKeyError
from ZODB.utils import load_current

Storage = Any  # ZODB's, ZEO's and RelStorage's are untyped


@contextmanager
def up_to_date(storage: Storage) -> Iterator[Storage]:
    """Lend a storage that sees what is committed by now."""
    if not hasattr(storage, "new_instance"):
        yield storage
        return
    fresh = storage.new_instance()
    try:
        fresh.poll_invalidations()
        yield fresh
    finally:
        fresh.release()


@contextmanager
def transactions(
    storage: Storage, start: bytes | None = None, stop: bytes | None = None
) -> Iterator[Any]:
    """Lend the transactions from `start` to `stop`, both included."""
    with up_to_date(storage) as fresh:
        found = fresh.iterator(start, stop)
        try:
            yield found
        finally:
            getattr(found, "close", lambda: None)()


def last_transaction(storage: Storage) -> bytes:
    """Return the tid of the last transaction."""
    with up_to_date(storage) as fresh:
        return cast("bytes", fresh.lastTransaction())


def is_there(storage: Storage, oid: bytes) -> bool:
    """Tell whether a record is there now: nobody has undone its creation, or packed it away."""
    try:
        load_current(storage, oid)
    except POSKeyError:
        return False
    return True
