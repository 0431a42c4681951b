"""Which moment is meant, what the log says of it, and how far back the history reaches.

A moment is named by its transaction (16 hexadecimal digits), by a time, or by a time as
text. Whatever lies between two transactions means the one before.
"""

from __future__ import annotations

import base64
import datetime as dt
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from BTrees.OOBTree import OOBTree
from persistent.timestamp import TimeStamp
from transaction import TransactionManager
from ZODB.Connection import Connection
from ZODB.POSException import POSKeyError
from ZODB.utils import p64, u64, z64

from batos.errors import NoSuchMoment, UniverseUnreadable
from batos.universe.log import Moment, moment_of
from batos.universe.reading import transactions
from batos.universe.records import check_details
from batos.universe.universe import Root, Universe

When = str | dt.datetime
"""A transaction's tid, a time, or a time as text (ISO 8601; without a zone: local)."""

BEGINS = "begins"  # in the journal's book: the tid at which a pack let the history begin
_TID = re.compile(r"[0-9a-f]{16}")
_SECONDS_ONLY = re.compile(r"[^.,]*\d\d:\d\d:\d\d[^.,]*")
_LAST = 2**63 - 2  # no storage has a tid beyond it
_EMPTY = b"initial database creation"  # ZODB's own, of the empty root before the birth


@contextmanager
def visited(universe: Universe, when: When, context: object = None) -> Iterator[Root]:
    """Give the root as it was; it can be read only, and so can all that is reached from it.

    Args:
        universe: Where.
        when: The moment. One after the last transaction is now.
        context: What `context_of` tells of the objects.

    Raises:
        NoSuchMoment: It cannot be read, or the history does not reach back to it.
        PastReadOnly: Something was to be changed.
    """
    with connected(universe, following(tid_of(universe, when)), context) as connection:
        try:
            root = connection.root()
        except POSKeyError:  # a pack was killed before it noted where the history begins
            raise NoSuchMoment(str(when), "a pack has ended the history before") from None
        yield root


@contextmanager
def connected(
    universe: Universe, before: bytes, context: object = None
) -> Iterator[Connection]:
    """Give a connection that sees the universe as it was before a transaction."""
    manager = TransactionManager(explicit=True)
    database = universe.database
    before = min(before, following(database.lastTransaction()))  # the future is not yet
    connection = database.open(manager, before=before)
    connection.context = context
    try:
        manager.begin()
        yield connection
    finally:
        manager.abort()
        connection.context = None
        connection.close()


def following(tid: bytes) -> bytes:
    """Return the next possible tid: what is before it includes `tid`."""
    return cast("bytes", p64(min(u64(tid), _LAST) + 1))


def tid_of(universe: Universe, when: When) -> bytes:
    """Return the last possible tid of a moment, which need not be a transaction's.

    Raises:
        NoHistory: The universe keeps none.
        NoSuchMoment: It cannot be read, or the history does not reach back to it.
    """
    universe.check_history()
    tid = _read(when)
    begins = begins_at(universe)
    if tid < begins:
        local = time_of(begins).astimezone()  # as a log shows it
        why = f"the history begins at {begins.hex()}, {local:%Y-%m-%d %H:%M:%S}"
        raise NoSuchMoment(str(when), why)
    return tid


def _read(when: When) -> bytes:
    if isinstance(when, dt.datetime):
        return _until(when + dt.timedelta(microseconds=1))
    if _TID.fullmatch(when.lower()):
        return bytes.fromhex(when)
    try:
        time = dt.datetime.fromisoformat(when)
    except ValueError:
        why = "it is neither a transaction's 16 hexadecimal digits nor a time such as"
        raise NoSuchMoment(when, f"{why} 2026-01-31 or '2026-01-31 12:00:00'") from None
    # a log shows whole seconds: what happened within the second belongs to it
    return (
        _until(time + dt.timedelta(seconds=1)) if _SECONDS_ONLY.fullmatch(when) else _read(time)
    )


def _until(time: dt.datetime) -> bytes:
    """Return the last tid before a time."""
    try:
        utc = time.astimezone(dt.UTC)
        seconds = utc.second + utc.microsecond / 1e6
        stamp = TimeStamp(utc.year, utc.month, utc.day, utc.hour, utc.minute, seconds)
    except (ValueError, OverflowError) as error:
        raise NoSuchMoment(str(time), f"it is out of range ({error})") from None
    return cast("bytes", p64(u64(stamp.raw()) - 1))


def time_of(tid: bytes) -> dt.datetime:
    """Return when a transaction was."""
    return dt.datetime.fromtimestamp(TimeStamp(tid).timeTime(), dt.UTC)


def begins_at(universe: Universe) -> bytes:
    """Return the first moment of the history: the birth, or where a pack lets it begin."""
    with transactions(universe.database.storage) as found:
        first = next(one.tid for one in found if one.description != _EMPTY)
    return max(cast("bytes", first), packed_until(universe))


def packed_until(universe: Universe) -> bytes:
    """Return the moment before which a pack has ended the history; zero if none has."""
    with universe.transaction() as root:
        book = root.get("journal")
        try:
            until = book.get(BEGINS, "") if isinstance(book, OOBTree) else ""
        except UniverseUnreadable:
            if not universe.safe:
                raise
            until = ""  # the journal is damaged; the rest is to be seen all the same
    return bytes.fromhex(until) or z64


def moments_of(universe: Universe, tids: Iterable[bytes]) -> dict[bytes, Moment]:
    """Return what the log says of transactions, those that a pack left included."""
    wanted = set(tids)
    if not wanted:
        return {}
    with transactions(universe.database.storage, min(wanted), max(wanted)) as found:
        return {one.tid: moment_in(one) for one in found if one.tid in wanted}


def moment_in(record: Any) -> Moment:
    """Return a transaction as a storage's iterator gives it.

    Raises:
        UniverseUnreadable: It says more of itself than data.
    """
    check_details(record.extension_bytes)
    return moment_of(
        {
            "id": base64.encodebytes(record.tid),
            "time": TimeStamp(record.tid).timeTime(),
            "user_name": record.user.decode(errors="replace"),
            "description": record.description.decode(errors="replace"),
            **record.extension,
        }
    )
