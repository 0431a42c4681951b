"""End a part of the history, so that the space of old states comes back."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from persistent.timestamp import TimeStamp
from ZODB.FileStorage.FileStorage import FileStorageError
from ZODB.POSException import ReadOnlyError

from batos.errors import HistoryStays, NotInFolder, UniverseReadOnly
from batos.universe.conflicts import Turns, retried
from batos.universe.disk import telling
from batos.universe.log import LASTING, Moment
from batos.universe.moments import BEGINS, begins_at, moments_of
from batos.universe.reading import transactions
from batos.universe.unfinished import strike_off
from batos.universe.universe import Universe

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")
_SOON_S = 1e-6  # more than a float loses of a tid, less than a commit takes


@dataclass(frozen=True)
class Ending:
    """Where a pack lets the history begin, and how much it ends."""

    begins: Moment
    ended: int  # transactions that cannot be looked at or undone any more


@dataclass(frozen=True)
class Packed:
    """What a pack has done."""

    ending: Ending
    before_bytes: int  # the universe's folder, weights included
    after_bytes: int


def span_of(text: str) -> dt.timedelta:
    """Return a span of time that somebody typed.

    >>> span_of("30d"), span_of("0")
    (datetime.timedelta(days=30), datetime.timedelta(0))

    Raises:
        ValueError: It cannot be read.
    """
    if text == "0":
        return dt.timedelta()
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no span of time; write 30d, 12h, 2w or 0")
    return dt.timedelta(**{_UNITS[found[2]]: float(found[1])})


def plan_pack(universe: Universe, keep: dt.timedelta) -> Ending:
    """Return what a pack would end if it was done now; nothing is changed.

    Raises:
        NotInFolder: It lies at an address, and is packed with other tools.
    """
    _check_place(universe)
    begins, last, ended = begins_at(universe), b"", 0
    limit = _limit(universe, keep)
    with transactions(universe.database.storage, begins) as found:
        for transaction in found:
            if last and transaction.tid > limit:
                break
            last, ended = transaction.tid, ended + 1 if last else 0
    return Ending(moments_of(universe, [last])[last], ended)


def pack(universe: Universe, keep: dt.timedelta, user: str = "") -> Packed:
    """End the history before a moment: what was overwritten by then is removed for good.

    Every state from that moment on can be looked at as before.

    Args:
        universe: Where.
        keep: How much of the history stays, counted from now.
        user: Who does it.

    Raises:
        HistoryStays: Another pack is at work.
        NotInFolder: It lies at an address, and is packed with other tools.
        UniverseReadOnly: It was opened to be read.
        OSError: The disk is full; the universe is as it was.
    """
    _check_place(universe)
    if universe.database.storage.isReadOnly():
        raise UniverseReadOnly(universe.shown)
    ending = plan_pack(universe, keep)
    before = size_bytes(universe.path)
    if ending.ended:
        tid = bytes.fromhex(ending.begins.tid)
        _pack_to(universe, tid)
        retried(lambda: _note(universe, ending, user), Turns())
    return Packed(ending, before, size_bytes(universe.path))


def _check_place(universe: Universe) -> None:
    address = universe.address
    if address is not None:
        raise NotInFolder(address.shown, address.keeper, f"{address.packed_by} packs it")


def _pack_to(universe: Universe, tid: bytes) -> None:
    try:
        with telling(universe.path, "the pack"):
            universe.database.pack(TimeStamp(tid).timeTime() + _SOON_S)
    except FileStorageError as error:
        raise HistoryStays(str(error)) from error
    except ReadOnlyError:
        raise UniverseReadOnly(universe.shown) from None


def _note(universe: Universe, ending: Ending, user: str) -> None:
    note = f"pack: the history begins at {ending.begins.tid}, {ending.ended} transactions ended"
    with universe.transaction(note, user, {LASTING: True}) as root:
        root["journal"][BEGINS] = ending.begins.tid
        strike_off(root, universe)  # the objects that were taken out before it are gone now


def _limit(universe: Universe, keep: dt.timedelta) -> bytes:
    """Return the tid up to which everything is older than what is kept."""
    if not keep:
        last: bytes = universe.database.lastTransaction()
        return last
    then = dt.datetime.now(dt.UTC) - keep
    seconds = then.second + then.microsecond / 1e6
    limit: bytes = TimeStamp(
        then.year, then.month, then.day, then.hour, then.minute, seconds
    ).raw()
    return limit


def size_bytes(folder: Path) -> int:
    """Return what a folder takes on the disk; a file with two names counts once."""
    files = {(found.st_dev, found.st_ino): found.st_size for found in _files(folder)}
    return sum(files.values())


def _files(folder: Path) -> Iterator[os.stat_result]:
    for path, _folders, names in os.walk(folder):
        for name in names:
            file = Path(path) / name
            if file.is_file():
                yield file.stat()
