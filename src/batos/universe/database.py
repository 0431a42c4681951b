"""The object database under a universe, wherever it is kept, and the one in a folder.

A folder's is opened whole, or refused with a reason; `stores` opens the others. For all of
them: no foreign class is loaded or stored, damage is told as such, and so is a server that
is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from persistent import Persistent
from zc.lockfile import LockError
from ZODB.Connection import Connection
from ZODB.DB import DB
from ZODB.FileStorage.format import CorruptedError
from ZODB.POSException import ConflictError, POSError
from ZODB.utils import u64, z64

from batos.errors import (
    TransactionOver,
    UniverseBusy,
    UniverseUnreachable,
    UniverseUnreadable,
)
from batos.kernel.runtime import STILL, Runtime
from batos.universe.blobs import sweep, sync
from batos.universe.records import check_stored, record_class
from batos.universe.storage import UniverseStorage

# What ZODB raises when it reads a file that is damaged.
DAMAGED = (POSError, CorruptedError, OSError, ValueError, EOFError, MemoryError, OverflowError)


@dataclass(frozen=True)
class Server:
    """What keeps a database outside of this process; of a folder's, nothing."""

    shown: str = ""  # its address, without a password
    gone: tuple[type[Exception], ...] = ()  # the errors which say that it does not answer


@contextmanager
def reachable(server: Server) -> Iterator[None]:
    """Tell it as one error if the server does not answer.

    Raises:
        UniverseUnreachable: It does not.
    """
    try:
        yield
    except server.gone as error:
        why = " ".join(str(error).split()) or type(error).__name__
        raise UniverseUnreachable(server.shown, why) from None


class _Connection(Connection):  # type: ignore[misc]  # ZODB is untyped
    """A connection that carries the runtime of the objects it loads, and a context.

    What it stores is checked first, and a blob's bytes are on the disk before its record.
    """

    context: object = None  # the running transaction's, for whoever opened it

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)
        if self.before is None:  # one that looks at the past stores nothing
            self._storage.store = _checked(self._storage.store)
            self._storage.storeBlob = _synced(_checked(self._storage.storeBlob))

    @property
    def runtime(self) -> Runtime:
        """The database's: objects in its cache may have bound functions of it."""
        runtime: Runtime = self.db().runtime
        return runtime

    def setstate(self, obj: Persistent) -> None:
        self._check_open(obj)
        try:
            with reachable(self.db().server):
                super().setstate(obj)
        except (ConflictError, UniverseUnreachable):
            raise
        except DAMAGED as error:
            why = error.__cause__ or error
            if isinstance(why, UniverseUnreadable):
                raise why from None
            raise UniverseUnreadable("a record", repr(why)) from error

    def register(self, obj: Persistent) -> None:
        self._check_open(obj)
        super().register(obj)

    def _check_open(self, obj: Persistent) -> None:
        if self.opened is None:
            raise TransactionOver(f"<{type(obj).__name__} {u64(obj._p_oid):#x}>")


class Database(DB):  # type: ignore[misc]  # ZODB is untyped
    """A database whose objects run by a runtime, and are of known classes."""

    klass = _Connection
    runtime = STILL
    server = Server()

    def classFactory(  # noqa: N802  ZODB's name
        self, _connection: Connection, module: str, name: str
    ) -> object:
        return record_class(module, name)


def open_database(path: Path, read_only: bool = False, create: bool = False) -> DB:
    """Open the database in the folder `path`.

    Raises:
        UniverseBusy: Another process owns it.
        UniverseUnreadable: Its files are damaged; they are left as they are.
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
        raise UniverseUnreadable(str(path), f"{type(error).__name__}: {error}") from error
    if not read_only:
        sweep(path / "blobs")
    return database


def _database_on(storage: UniverseStorage, create: bool) -> DB:
    try:
        if not create and storage.lastTransaction() == z64:
            raise CorruptedError("it holds no whole transaction")
        return Database(storage)
    except BaseException:
        storage.close()
        raise


def _holder(path: Path) -> str:
    pid = (path / "Data.fs.lock").read_text().strip()
    return f"process {pid}" if pid else "another process"


def _checked(store: Callable[..., object]) -> Callable[..., object]:
    """Let a storage take no record that could not be loaded again."""

    def checked(oid: bytes, serial: bytes, record: bytes, *rest: object) -> object:
        check_stored(record)
        return store(oid, serial, record, *rest)

    return checked


def _synced(store_blob: Callable[..., object]) -> Callable[..., object]:
    """Bring a blob's bytes to the disk before a storage takes them; most storages do not."""

    def synced(oid: bytes, serial: bytes, record: bytes, staged: str, *rest: Any) -> object:
        sync(Path(staged))
        return store_blob(oid, serial, record, staged, *rest)

    return synced
