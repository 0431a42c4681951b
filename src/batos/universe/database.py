"""The object database in a universe's folder: opened whole, or refused with a reason."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import NoReturn

from persistent import Persistent
from zc.lockfile import LockError
from ZODB.blob import Blob
from ZODB.Connection import Connection
from ZODB.DB import DB
from ZODB.FileStorage.format import CorruptedError
from ZODB.POSException import ConflictError, POSError, POSKeyError
from ZODB.serialize import ObjectWriter
from ZODB.utils import u64, z64

from batos.errors import (
    BatosError,
    PastReadOnly,
    TransactionOver,
    UniverseBusy,
    UniverseReadOnly,
    UniverseUnreadable,
    WeightsDamaged,
)
from batos.kernel.runtime import STILL, Runtime
from batos.universe.blobs import sweep
from batos.universe.disk import refusal
from batos.universe.placeholders import shown_class
from batos.universe.records import record_class
from batos.universe.storage import UniverseStorage
from batos.universe.writer import RecordWriter

_THREADS = 64  # as many have a connection kept for them; beyond that ZODB warns
# What it logs of a damage, traces and records, is said in a line by the error that is raised.
logging.getLogger("ZODB").addHandler(logging.NullHandler())

# What ZODB raises when it reads a file that is damaged.
DAMAGED = (POSError, CorruptedError, OSError, ValueError, EOFError, MemoryError, OverflowError)


class _Connection(Connection):  # type: ignore[misc]  # ZODB is untyped
    """A connection that carries the runtime of the objects it loads, and a context."""

    context: object = None  # the running transaction's, for whoever opened it

    @property
    def runtime(self) -> Runtime:
        """The database's: objects in its cache may have bound functions of it."""
        runtime: Runtime = self.db().runtime
        return runtime

    def setstate(self, obj: Persistent) -> None:
        self._check_open(obj)
        try:
            super().setstate(obj)
        except ConflictError:
            raise
        except Exception as error:  # a damaged pickle may raise anything
            why = error.__cause__ or error
            if isinstance(why, BatosError):
                raise why from None
            if isinstance(obj, Blob) and isinstance(why, POSKeyError):
                place = str(why.args[0]).removeprefix("No blob file at ")
                raise WeightsDamaged(place, "the file is not there") from error
            where = f"the object {u64(obj._p_oid):#x} of {self.db().storage.getName()}"
            raise UniverseUnreadable(where, repr(why)) from error

    def register(self, obj: Persistent) -> None:
        self._check_open(obj)
        if self.isReadOnly():
            obj._p_deactivate()  # some change their state before they ask: it is read anew
            self._refuse_write()
        super().register(obj)

    def add(self, obj: Persistent) -> None:
        if self.opened is not None and self.isReadOnly():
            self._refuse_write()
        super().add(obj)

    def _refuse_write(self) -> NoReturn:
        if self.before is not None:
            raise PastReadOnly
        raise UniverseReadOnly(self.db().place)

    def _store_objects(self, writer: ObjectWriter, transaction: object) -> None:
        super()._store_objects(RecordWriter.instead_of(writer), transaction)

    def _check_open(self, obj: Persistent) -> None:
        if self.opened is None:
            raise TransactionOver(f"<{type(obj).__name__} {u64(obj._p_oid):#x}>")


class Database(DB):  # type: ignore[misc]  # ZODB is untyped
    klass = _Connection
    runtime = STILL
    place = ""
    safe = False  # whether a record of a class that has no place is shown as what it is

    def classFactory(  # noqa: N802  ZODB's name
        self, _connection: Connection, module: str, name: str
    ) -> object:
        return shown_class(module, name) if self.safe else record_class(module, name)


def open_database(
    path: Path, read_only: bool = False, create: bool = False, safe: bool = False
) -> DB:
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
        database = _database_on(storage, create)
    except LockError:
        raise UniverseBusy(str(path), _holder(path)) from None
    except DAMAGED as error:
        if create:
            raise  # there is nothing to be read yet: the disk fails
        told = refusal(error, path, "opening it")
        if told is not None:
            raise told from error
        raise UniverseUnreadable(str(path), f"{type(error).__name__}: {error}") from error
    database.place, database.safe = str(path), safe
    if not read_only:
        sweep(path / "blobs")
    return database


def _database_on(storage: UniverseStorage, create: bool) -> DB:
    try:
        if not create and storage.lastTransaction() == z64:
            raise CorruptedError("it holds no whole transaction")
        if not create and z64 not in storage._index:
            raise CorruptedError("it has no root")  # ZODB would begin an empty one
        return Database(storage, pool_size=_THREADS)
    except BaseException:
        storage.close()
        raise


def _holder(path: Path) -> str:
    pid = (path / "Data.fs.lock").read_text(errors="replace").strip()
    return f"process {pid}" if pid.isdecimal() else "another process"
