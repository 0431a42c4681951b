"""A connection to a universe's database: what an object needs to be loaded, run and kept.

Whatever keeps the database: what it stores could be loaded again, a blob's bytes are on the
disk before its record, no reference dangles, damage is told as such, and so is a server that
is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from persistent import Persistent
from ZODB.blob import Blob
from ZODB.Connection import Connection
from ZODB.POSException import ConflictError, POSKeyError
from ZODB.serialize import ObjectWriter
from ZODB.utils import u64

from batos.errors import (
    BatosError,
    PastReadOnly,
    TransactionOver,
    UniverseReadOnly,
    UniverseUnreachable,
    UniverseUnreadable,
    WeightsDamaged,
)
from batos.kernel.runtime import Runtime
from batos.universe.blobs import sync
from batos.universe.reading import is_there, up_to_date
from batos.universe.records import check_stored
from batos.universe.writer import RecordWriter


@dataclass(frozen=True)
class Server:
    """What keeps a database outside of this process; of a folder's, nothing."""

    shown: str = ""  # its address, without a password
    gone: tuple[type[Exception], ...] = ()  # the errors which say that it does not answer


@contextmanager
def reachable(server: Server, in_doubt: bool = False) -> Iterator[None]:
    """Tell it as one error if the server does not answer.

    Args:
        server: Which one.
        in_doubt: Whether a change is being committed, which may arrive all the same.

    Raises:
        UniverseUnreachable: It does not.
    """
    try:
        yield
    except server.gone as error:
        why = " ".join(str(error).split()) or type(error).__name__
        raise UniverseUnreachable(server.shown, why, in_doubt) from None


class UniverseConnection(Connection):  # type: ignore[misc]  # ZODB is untyped
    """A connection that carries the runtime of the objects it loads, and a context."""

    context: object = None  # the running transaction's, for whoever opened it

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)
        self._referred: set[bytes] = set()  # by the records of the commit under way
        self._stored: set[bytes] = set()
        if self.before is None:  # one that looks at the past stores nothing
            self._storage.store = self._checked(self._storage.store)
            self._storage.storeBlob = _synced(self._checked(self._storage.storeBlob))

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
        except Exception as error:  # a damaged pickle may raise anything
            why = error.__cause__ or error
            if isinstance(why, BatosError):
                raise why from None
            if isinstance(obj, Blob) and isinstance(why, POSKeyError):
                place = str(why.args[0]).removeprefix("No blob file at ")
                raise WeightsDamaged(place, "the file is not there") from error
            where = f"the object {u64(obj._p_oid):#x} of {self.db().place}"
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

    # --- a commit ------------------------------------------------------------------------

    def tpc_begin(self, transaction: object) -> None:
        self._referred.clear()
        self._stored.clear()
        super().tpc_begin(transaction)

    def tpc_vote(self, transaction: object) -> None:
        """Vote, which lets nobody else commit; then see that nothing refers to what is gone.

        Raises:
            ConflictError: An undo has meanwhile taken away what this transaction refers to.
        """
        super().tpc_vote(transaction)
        own = self._normal_storage
        knows = hasattr(own, "_invalidations")  # what others wrote since this transaction began
        referred = self._referred - self._stored
        if knows and own._invalidations is not None:
            referred &= own._invalidations
        if not referred:
            return
        with up_to_date(self.db().storage) as storage:
            if not knows and storage.lastTransaction() == own.lastTransaction():
                return
            for oid in referred:
                if not is_there(storage, oid):
                    raise ConflictError(oid=oid)

    def _checked(self, store: Callable[..., object]) -> Callable[..., object]:
        """Let a storage take no record that could not be loaded again."""

        def checked(oid: bytes, serial: bytes, record: bytes, *rest: object) -> object:
            self._referred |= check_stored(record)
            self._stored.add(oid)
            return store(oid, serial, record, *rest)

        return checked


def _synced(store_blob: Callable[..., object]) -> Callable[..., object]:
    """Bring a blob's bytes to the disk before a storage takes them; most storages do not."""

    def synced(oid: bytes, serial: bytes, record: bytes, staged: str, *rest: Any) -> object:
        sync(Path(staged))
        return store_blob(oid, serial, record, staged, *rest)

    return synced
