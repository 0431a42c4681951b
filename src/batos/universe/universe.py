"""One object database: open it, change it in transactions, look back, undo.

A universe in a folder has its objects in `Data.fs`, the weights in `blobs`. One process at
a time may change it; any number may read it meanwhile. One at an address is for many
processes; see `stores`. What the objects do when they are sent a message comes from outside,
as a `Runtime` that is bound to each connection.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

from transaction import TransactionManager
from ZODB.DB import DB
from ZODB.POSException import ReadOnlyError, UndoError

from batos.errors import (
    NoHistory,
    UndoConflict,
    UniverseMissing,
    UniverseReadOnly,
    UniverseUnreadable,
)
from batos.kernel.runtime import Runtime
from batos.universe.addresses import Address
from batos.universe.connection import reachable
from batos.universe.database import DAMAGED, open_database
from batos.universe.disk import telling
from batos.universe.log import Moment, can_be_undone, last_change, moment_of
from batos.universe.packs import take_back
from batos.universe.reading import transactions
from batos.universe.stores import open_store
from batos.universe.undoing import CarefulUndo

Root = MutableMapping[str, Any]

_ALL = 10**9  # more transactions than a log has


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

    @property
    def database(self) -> DB:
        """The database itself, for the other modules of this room."""
        return self._database

    @property
    def safe(self) -> bool:
        """Whether it was opened only to be looked at."""
        return bool(self._database.safe)

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
            DiskFull: There is no space for the change; it was aborted.
            UniverseUnreachable: Its server does not answer (any more).
        """
        server = self._database.server  # the caller's own errors are none of its
        manager = TransactionManager(explicit=True)
        with reachable(server):
            connection = self._database.open(manager)
        connection.context = context
        try:
            with reachable(server):
                current = manager.begin()
                current.note(_brief(note))
                current.setUser(_brief(user))
                root = connection.root()
            yield root
            for key, value in details.items():
                if value:
                    current.setExtendedInfo(key, value)
            with reachable(server, in_doubt=True), telling(self.path, "the change"):
                manager.commit()
        except BaseException as error:
            with reachable(server):
                manager.abort()
            if isinstance(error, ReadOnlyError):
                raise UniverseReadOnly(self.shown) from None
            raise
        finally:
            connection.context = None
            with reachable(server):
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
                wanted = None if everything else can_be_undone
                found = self._database.undoLog(0, -limit, wanted)
            return [moment_of(info) for info in found]
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
            NoHistory: Its database keeps none.
            UndoConflict: There is no such transaction, a later one changed the same objects,
                or refers to what it created, it would bring back a reference to what is
                gone, or it belongs to the journal.
            UniverseReadOnly: It was opened to be read.
            UniverseUnreachable: Its server does not answer (any more).
        """
        self.check_history()
        with reachable(self._database.server):
            return self._undo(tid, user)

    @property
    def keeps_history(self) -> bool:
        """Whether there is a log, and a past to look at."""
        return bool(self._database.supportsUndo())

    def check_history(self) -> None:
        """Refuse to go on where nothing of the past is kept.

        Raises:
            NoHistory: Its database keeps none.
        """
        if not self.keeps_history:
            raise NoHistory(self.shown)

    def _undo(self, tid: str | None, user: str) -> Moment:
        undone = self._find(tid)
        undoing = CarefulUndo(self._database, bytes.fromhex(undone.tid))
        manager = TransactionManager(explicit=True)
        current = manager.begin()
        current.note(_brief(f"undo: {undone.note}"))
        current.setUser(_brief(user))
        current.setExtendedInfo("undoes", undone.tid)
        try:
            current.join(undoing)
            server = self._database.server
            with reachable(server, in_doubt=True), telling(self.path, "the undo"):
                manager.commit()
        except UndoError as error:
            manager.abort()
            why = "a later transaction changed the same objects; undo that one first"
            later = self._later_than(undone.tid, error)
            raise UndoConflict(undone.tid, why, later, is_overtaken=True) from error
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
            return last_change(moments.values())
        if tid not in moments:
            raise UndoConflict(tid, "there is no such transaction")
        if moments[tid].lasts:
            raise UndoConflict(tid, "it records a birth or what was proposed, and that lasts")
        return moments[tid]

    def _later_than(self, tid: str, error: UndoError) -> tuple[str, ...]:
        """Return which later transactions changed what could not be undone, newest first."""
        failed = dict(getattr(error, "_errs", [(error._oid, None)])).keys()
        later = []
        with transactions(self._database.storage, bytes.fromhex(tid)) as found:
            for record in found:
                if record.tid.hex() > tid and any(one.oid in failed for one in record):
                    note = record.description.decode(errors="replace")
                    later.append(f"{record.tid.hex()} {note}".strip())
        return tuple(reversed(later))

    def close(self) -> None:
        """Let go of the files."""
        self._database.close()


def is_universe(path: Path) -> bool:
    """Tell whether a universe lies at `path`."""
    return (path / "Data.fs").is_file()


def open_universe(
    path: Path | Address, read_only: bool = False, safe: bool = False
) -> Universe:
    """Open the universe in a folder, or at an address.

    Args:
        path: Its folder, or where it lies else; see `address_of`.
        read_only: Read it while another process may own it; it stays as it is now.
        safe: Only look at it: read only, and records of unknown classes are shown as such.

    Raises:
        UniverseMissing: There is none.
        UniverseBusy: Another process owns it.
        UniverseUnreadable: Its files are damaged.
        UniverseDenied: This process may not use them like that.
        UniverseUnreachable: Its server does not answer.
        StoreMissing: An optional part of batos is not installed.
    """
    if isinstance(path, Address):
        return Universe(path.folder, open_store(path, read_only or safe, safe=safe), path)
    path = path.absolute()  # the process may change its folder
    with telling(path, "opening it"):
        take_back(path)
        if not is_universe(path):
            raise UniverseMissing(str(path), is_taken=path.exists())
    return Universe(path, open_database(path, read_only=read_only or safe, safe=safe))


def _brief(text: str) -> str:
    """Return what a transaction can keep: 64 KiB of UTF-8 are its limit."""
    kept = text if len(text) <= 1000 else text[:999] + "…"
    return kept.encode("utf-8", "backslashreplace").decode()
