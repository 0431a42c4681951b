"""The storage of a universe in a relational database: PostgreSQL, or SQLite.

RelStorage keeps the records as ZODB's pickles in tables. Blobs lie in PostgreSQL, too,
unless a folder is shared; SQLite's lie beside its files.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from psycopg2 import DatabaseError, InterfaceError
from psycopg2.extensions import make_dsn
from relstorage.adapters.postgresql import PostgreSQLAdapter
from relstorage.adapters.sqlite.adapter import Sqlite3Adapter
from relstorage.blobhelper.shared import SharedBlobHelper
from relstorage.options import Options
from relstorage.storage import RelStorage
from relstorage.storage.interfaces import StorageDisconnectedDuringCommit

from batos.errors import AddressRefused, UniverseMissing, UniverseUnreadable
from batos.universe.addresses import PostgresAddress, SqliteAddress
from batos.universe.blobs import sync_in
from batos.universe.records import check_details, check_loaded

GONE = (DatabaseError, InterfaceError, StorageDisconnectedDuringCommit)

_OBJECTS = "main.sqlite3"  # RelStorage's name
_TABLE, _TABLE_OF_HISTORY = "object_state", "current_object"

Row = Any  # of the log; RelStorage is untyped


class _CheckedLog:
    """An adapter that reads a log which says no more than data."""

    def _create(self) -> None:
        super()._create()  # type: ignore[misc]  # the adapter's, beside which this is mixed in
        rows = self.dbiter
        if not rows.keep_history:
            return
        read = rows._transaction_iterator

        def checked(cursor: object) -> list[Row]:
            found: list[Row] = read(cursor)
            for row in found:
                check_details(row.extension)
            return found

        rows._transaction_iterator = checked

    dbiter: Any

    def __str__(self) -> str:
        return type(self).__name__  # RelStorage's own logs parts of a password


class _Postgres(_CheckedLog, PostgreSQLAdapter):  # type: ignore[misc]  # untyped
    def _create(self) -> None:
        # psycopg2 raises this, too, if the server ends; a connection is then replaced.
        self.driver.disconnected_exceptions = (DatabaseError, InterfaceError)
        super()._create()


class _Sqlite(_CheckedLog, Sqlite3Adapter):  # type: ignore[misc]  # untyped
    pass


class _RelStorage(RelStorage):  # type: ignore[misc]  # RelStorage is untyped
    def _crs_untransform_record_data(self, record: bytes) -> bytes:
        """Check a state before it is loaded to be merged."""
        check_loaded(record)
        return record


class _SharedBlobs(SharedBlobHelper):  # type: ignore[misc]  # RelStorage is untyped
    """A folder of blobs that are on the disk before the transaction is that names them."""

    def vote(self, tid: bytes | None = None) -> None:
        super().vote(tid)
        for stored in self._txn_blobs.values():
            sync_in(Path(self.fshelper.base_dir), Path(stored))


def open_storage(
    address: PostgresAddress | SqliteAddress, read_only: bool, create: bool
) -> RelStorage:
    """Return a storage on the database; see `open_store`.

    Raises:
        AddressRefused: It says wrongly whether there is a history.
        UniverseMissing: There are no tables.
        UniverseUnreadable: A file of SQLite is damaged.
    """
    options = Options(
        name=address.shown,
        read_only=read_only,
        keep_history=address.keeps_history,
        create_schema=create,
        blob_dir=str(address.blobs),
        shared_blob_dir=address.shared_blobs,
        driver="psycopg2" if isinstance(address, PostgresAddress) else "sqlite3",
    )
    try:
        if isinstance(address, PostgresAddress):
            address.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            adapter = _Postgres(make_dsn(**address.login), options)
        else:
            if not create and not (address.folder / _OBJECTS).is_file():
                raise UniverseMissing(address.shown)  # SQLite would make its files
            # A commit is on the disk when it returns; RelStorage's default may lose the last.
            adapter = _Sqlite(str(address.folder), {"synchronous": "full"}, options)
        _check_tables(adapter, address, create)
        blobs = _SharedBlobs(options, adapter) if address.shared_blobs else None
        return _RelStorage(adapter, options=options, blobhelper=blobs)
    except sqlite3.DatabaseError as error:
        raise UniverseUnreadable(address.shown, str(error)) from error


def _check_tables(adapter: Any, address: PostgresAddress | SqliteAddress, create: bool) -> None:
    def look(_connection: object, cursor: Any) -> tuple[bool, bool]:
        tables = set(adapter.schema.list_tables(cursor))
        if _TABLE in tables:
            cursor.execute(f"SELECT 1 FROM {_TABLE} LIMIT 1")  # noqa: S608  a constant
            return cursor.fetchone() is not None, _TABLE_OF_HISTORY in tables
        return False, False

    has_objects, has_history = adapter.connmanager.open_and_call(look)
    if not has_objects:
        if not create:
            raise UniverseMissing(address.shown)
    elif has_history != address.keeps_history:
        why = "keeps its history: leave out keep_history=0"
        if not has_history:
            why = "keeps no history: say keep_history=0"
        raise AddressRefused(address.shown, f"its database {why}")
