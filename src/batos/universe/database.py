"""The object database under a universe, wherever it is kept, and the one in a folder.

A folder's is opened whole, or refused with a reason; `stores` opens the others. For all of
them no foreign class is loaded.
"""

from __future__ import annotations

import logging
from pathlib import Path

from zc.lockfile import LockError
from ZODB.Connection import Connection
from ZODB.DB import DB
from ZODB.FileStorage.format import CorruptedError
from ZODB.POSException import POSError
from ZODB.utils import z64

from batos.errors import UniverseBusy, UniverseUnreadable
from batos.kernel.runtime import STILL
from batos.universe.blobs import sweep
from batos.universe.connection import Server, UniverseConnection
from batos.universe.disk import refusal
from batos.universe.placeholders import shown_class
from batos.universe.reading import last_transaction
from batos.universe.records import record_class
from batos.universe.storage import UniverseStorage

# What it logs of a damage is said in a line by the error that is raised.
logging.getLogger("ZODB").addHandler(logging.NullHandler())

# What ZODB raises when it reads a file that is damaged.
DAMAGED = (POSError, CorruptedError, OSError, ValueError, EOFError, MemoryError, OverflowError)

_THREADS = 64  # as many have a connection kept for them; beyond that ZODB warns


class Database(DB):  # type: ignore[misc]  # ZODB is untyped
    """A database whose objects run by a runtime, and are of known classes."""

    klass = UniverseConnection
    runtime = STILL
    server = Server()

    def __init__(self, storage: object, place: str = "", safe: bool = False) -> None:
        """Open what a storage keeps.

        Args:
            storage: Any of ZODB's; it is closed with this object.
            place: Where it lies, for errors.
            safe: Whether a record of a class that has no place is shown as what it is.
        """
        self.place = place
        self.safe = safe
        super().__init__(storage, pool_size=_THREADS)

    def lastTransaction(self) -> bytes:  # noqa: N802  ZODB's name
        """Return the last transaction's tid, as it is by now in any kind of storage."""
        return last_transaction(self.storage)

    def classFactory(  # noqa: N802  ZODB's name
        self, _connection: Connection, module: str, name: str
    ) -> object:
        return shown_class(module, name) if self.safe else record_class(module, name)


def open_database(
    path: Path, read_only: bool = False, create: bool = False, safe: bool = False
) -> Database:
    """Open the database in the folder `path`; `safe` shows records of classes unknown.

    Raises:
        UniverseBusy: Another process owns it.
        UniverseUnreadable: Its files are damaged; they are left as they are.
        UniverseDenied: This process may not write to them, or not even read them.
        DiskFull: There is no space for what opening needs.
        OSError: It cannot be created.
    """
    file = path / "Data.fs"
    try:
        if not create and file.stat().st_size == 0:
            raise CorruptedError("it is empty")
        storage = UniverseStorage(file, read_only, create, blob_dir=path / "blobs")
        database = _database_on(storage, create, str(path), safe)
    except LockError:
        raise UniverseBusy(str(path), _holder(path)) from None
    except DAMAGED as error:
        if create:
            raise  # there is nothing to be read yet: the disk fails
        told = refusal(error, path, "opening it")
        if told is not None:
            raise told from error
        raise UniverseUnreadable(str(path), f"{type(error).__name__}: {error}") from error
    if not read_only:
        sweep(path / "blobs")
    return database


def _database_on(storage: UniverseStorage, create: bool, place: str, safe: bool) -> Database:
    try:
        if not create and storage.lastTransaction() == z64:
            raise CorruptedError("it holds no whole transaction")
        if not create and z64 not in storage._index:
            raise CorruptedError("it has no root")  # ZODB would begin an empty one
        return Database(storage, place, safe)
    except BaseException:
        storage.close()
        raise


def _holder(path: Path) -> str:
    pid = (path / "Data.fs.lock").read_text(errors="replace").strip()
    return f"process {pid}" if pid.isdecimal() else "another process"
