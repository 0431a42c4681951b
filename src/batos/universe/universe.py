"""One object database: open it, change it in transactions, look back, undo.

A universe in a folder has its objects in `Data.fs`, the weights in `blobs`. One process at
a time may change it; any number may read it meanwhile. One at an address is for many
processes; see `stores`. What the objects do when they are sent a message comes from outside,
as a `Runtime` that is bound to each connection.
"""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from transaction import TransactionManager
from ZODB.DB import DB
from ZODB.POSException import ReadOnlyError, UndoError

from batos.errors import (
    UndoConflict,
    UniverseMissing,
    UniverseReadOnly,
    UniverseUnreadable,
)
from batos.kernel.runtime import Runtime
from batos.universe.addresses import Address
from batos.universe.database import DAMAGED, open_database, reachable
from batos.universe.references import in_use
from batos.universe.stores import open_store, up_to_date

Root = MutableMapping[str, Any]

_ALL = 10**9  # more transactions than a log has
_FIRST_NOTE = b"initial database creation"  # ZODB's, of the empty root before the birth

LASTING = "lasting"  # in a transaction's details: a birth or a record, which is never undone


@dataclass(frozen=True)
class Moment:
    """One transaction of the past."""

    tid: str  # 16 hexadecimal digits
    time: dt.datetime
    user: str
    note: str
    details: Mapping[str, object]  # what the program said of it beyond the note

    @property
    def lasts(self) -> bool:
        """Whether it can never be undone: a birth, or an entry of the journal."""
        return LASTING in self.details or self.note == _FIRST_NOTE.decode()

    @property
    def grew(self) -> list[str]:
        """The methods that grew in it, in words."""
        return list(cast("Iterable[str]", self.details.get("grew", ())))

    @property
    def undoes(self) -> str | None:
        """The transaction that this one has undone, if that is what it did."""
        tid = self.details.get("undoes")
        return None if tid is None else str(tid)


class Universe:
    """An open universe. Safe to use from several threads; close it when done."""

    def __init__(self, path: Path, database: DB, address: Address | None = None) -> None:
        """Hold an open database.

        Args:
            path: The folder with what of it lies on this machine.
            database: What to hold; it is closed with this object.
            address: Where it lies, if that is not the folder.
        """
        self.path = path
        self.address = address
        self._database = database

    @property
    def shown(self) -> str:
        """Where it lies, in words: its folder, or its URI without a password."""
        return self.address.shown if self.address else str(self.path)

    def bind(self, runtime: Runtime) -> None:
        """Let the objects run by `runtime`; until then, and without it, nothing runs.

        Call it once, before the first transaction.
        """
        self._database.runtime = runtime

    @contextmanager
    def transaction(
        self,
        note: str = "",
        user: str = "",
        details: Mapping[str, object] = MappingProxyType({}),
        context: object = None,
    ) -> Iterator[Root]:
        """Open a transaction of its own; commit at the end, or abort on an error.

        Args:
            note: What is done, for the log.
            user: Who does it.
            details: More for the log: data, read when the transaction commits. What is empty
                by then is left out.
            context: What `context_of` tells of every object that is loaded in it.

        Raises:
            ConflictError: Another transaction changed the same object; try all of it again.
            UniverseReadOnly: It was opened to be read, and something changed.
            UniverseUnreachable: Its server does not answer (any more).
        """
        with (
            reachable(self._database.server),
            self._opened(note, user, details, context) as root,
        ):
            yield root

    @contextmanager
    def _opened(
        self, note: str, user: str, details: Mapping[str, object], context: object
    ) -> Iterator[Root]:
        manager = TransactionManager(explicit=True)
        connection = self._database.open(manager)
        connection.context = context
        try:
            current = manager.begin()
            current.note(_brief(note))
            current.setUser(_brief(user))
            yield connection.root()
            for key, value in details.items():
                if value:
                    current.setExtendedInfo(key, value)
            manager.commit()
        except ReadOnlyError:
            manager.abort()
            raise UniverseReadOnly(self.shown) from None
        except BaseException:
            manager.abort()
            raise
        finally:
            connection.context = None
            connection.close()

    def log(self, limit: int = 20, everything: bool = False) -> list[Moment]:
        """Return the last transactions, newest first.

        Args:
            limit: How many at most.
            everything: With what can never be undone, too: the birth and the journal.

        Raises:
            UniverseUnreadable: The log is damaged.
        """
        try:
            with reachable(self._database.server):
                wanted = None if everything else _can_be_undone
                found = self._database.undoLog(0, -limit, wanted)
            return [_moment(info) for info in found]
        except DAMAGED as error:
            raise UniverseUnreadable(self.shown, f"its log: {error}") from error

    def undo(self, tid: str | None, user: str = "") -> Moment:
        """Undo one transaction: its objects are again as before it.

        The journal keeps what it recorded; only the change itself goes.

        Args:
            tid: Which one; None stands for the last that can be undone.
            user: Who undoes it.

        Returns:
            The transaction that was undone.

        Raises:
            UndoConflict: There is no such transaction, a later one changed the same objects,
                or refers to what it created, or it belongs to the journal.
            UniverseReadOnly: It was opened to be read.
            UniverseUnreachable: Its server does not answer (any more).
        """
        if not self._database.supportsUndo():
            why = f"{self.shown} keeps no history"
            raise UndoConflict(tid or "(the last one)", why)
        with reachable(self._database.server):
            return self._undo(tid, user)

    def _undo(self, tid: str | None, user: str) -> Moment:
        undone = self._find(tid)
        with up_to_date(self._database.storage) as storage:
            used = in_use(storage, bytes.fromhex(undone.tid))
        if used:
            why = "a later transaction refers to what it created; undo that one first"
            raise UndoConflict(undone.tid, why)
        manager = TransactionManager(explicit=True)
        current = manager.begin()
        current.note(_brief(f"undo: {undone.note}"))
        current.setUser(_brief(user))
        current.setExtendedInfo("undoes", undone.tid)
        try:
            self._database.undo(base64.encodebytes(bytes.fromhex(undone.tid)).rstrip(), current)
            manager.commit()
        except UndoError as error:
            manager.abort()
            why = "a later transaction changed the same objects; undo that one first"
            raise UndoConflict(undone.tid, why) from error
        except ReadOnlyError:
            manager.abort()
            raise UniverseReadOnly(self.shown) from None
        except BaseException:
            manager.abort()
            raise
        return undone

    def _find(self, tid: str | None) -> Moment:
        moments = {moment.tid: moment for moment in self.log(_ALL, everything=True)}
        if tid is None:
            return _last_change(moments.values())
        if tid not in moments:
            raise UndoConflict(tid, "there is no such transaction")
        if moments[tid].lasts:
            raise UndoConflict(tid, "it records a birth or what was proposed, and that lasts")
        return moments[tid]

    def close(self) -> None:
        """Let go of the files."""
        self._database.close()


def _last_change(newest_first: Iterable[Moment]) -> Moment:
    """Return the newest transaction that stands and is no undo itself."""
    undone: set[str] = set()
    for moment in newest_first:
        if moment.undoes is not None:
            if moment.tid not in undone:  # an undo that was undone has no effect any more
                undone.add(moment.undoes)
        elif moment.tid not in undone and not moment.lasts:
            return moment
    raise UndoConflict(
        "(the last one)", "nothing that was done since the awakening still stands"
    )


def is_universe(path: Path) -> bool:
    """Tell whether a universe lies at `path`."""
    return (path / "Data.fs").is_file()


def open_universe(path: Path | Address, read_only: bool = False) -> Universe:
    """Open the universe in a folder, or at an address.

    Args:
        path: Its folder, or where it lies else; see `address_of`.
        read_only: Read it while another process may own it; it stays as it is now.

    Raises:
        UniverseMissing: There is none.
        UniverseBusy: Another process owns it.
        UniverseUnreadable: Its files are damaged.
        UniverseUnreachable: Its server does not answer.
        StoreMissing: An optional part of batos is not installed.
    """
    if isinstance(path, Address):
        return Universe(path.folder, open_store(path, read_only), path)
    if not is_universe(path):
        raise UniverseMissing(str(path.absolute()))
    path = path.absolute()  # the process may change its folder
    return Universe(path, open_database(path, read_only=read_only))


def _brief(text: str) -> str:
    """Return what a transaction can keep: 64 KiB of UTF-8 are its limit."""
    kept = text if len(text) <= 1000 else text[:999] + "…"
    return kept.encode("utf-8", "backslashreplace").decode()


def _can_be_undone(info: Mapping[str, object]) -> bool:
    """Tell it of a transaction as it is read, so that a log is read no further than asked."""
    return LASTING not in info and info["description"] != _FIRST_NOTE


def _moment(info: Mapping[str, object]) -> Moment:
    fields = dict(info)
    tid = base64.decodebytes(_as_bytes(fields.pop("id"))).hex()
    time = dt.datetime.fromtimestamp(float(str(fields.pop("time"))), dt.UTC)
    user = str(fields.pop("user_name")).removeprefix("/").strip()  # "/" is Zope's folder
    note = str(fields.pop("description"))
    fields.pop("size", None)
    return Moment(tid, time, user, note, fields)


def _as_bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()
