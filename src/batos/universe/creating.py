"""A universe made in one transaction, wherever it lies: whole, or not at all.

A folder is built beside its place; on a server the one transaction is enough. What the
transaction holds is the caller's business: a birth (`awakening`), or a bundle.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from transaction import TransactionManager
from ZODB.Connection import Connection
from ZODB.DB import DB
from ZODB.POSException import ConflictError

from batos.errors import UniverseExists
from batos.universe.addresses import Address, SqliteAddress
from batos.universe.connection import reachable
from batos.universe.cradle import build_beside
from batos.universe.database import open_database
from batos.universe.log import LASTING
from batos.universe.stores import is_empty, open_store

GiveBirth = Callable[[Connection], None]


def create_universe(path: Path | Address, note: str, user: str, give_birth: GiveBirth) -> None:
    """Create the universe at `path` with what `give_birth` puts into it.

    Raises:
        UniverseExists: Something lies at `path`.
        UniverseBusy: Another process makes a universe there.
        DiskFull: There is no space for it; nothing is left behind.
        UniverseUnreachable: The server at an address does not answer.
    """
    doing = f"the {note}"
    if isinstance(path, SqliteAddress):
        address = path
        build_beside(
            address.folder,
            doing,
            lambda cradle: _fill(address.moved(cradle), note, user, give_birth),
        )
    elif isinstance(path, Address):
        try:
            _fill(path, note, user, give_birth)
        except ConflictError:  # another awakening gave birth to its root first
            raise UniverseExists(path.shown) from None
    else:
        build_beside(path, doing, lambda cradle: _fill(cradle, note, user, give_birth))


def _fill(place: Path | Address, note: str, user: str, give_birth: GiveBirth) -> None:
    if isinstance(place, Address):
        database = open_store(place, create=True)
    else:
        database = open_database(place, create=True)
    try:
        with reachable(database.server):
            if isinstance(place, Address) and not is_empty(database):
                raise UniverseExists(place.shown)
        with reachable(database.server, in_doubt=True):
            _commit(database, note, user, give_birth)
    finally:
        database.close()


def _commit(database: DB, note: str, user: str, give_birth: GiveBirth) -> None:
    manager = TransactionManager(explicit=True)
    connection = database.open(manager)
    try:
        current = manager.begin()
        current.note(note)
        current.setUser(user)
        current.setExtendedInfo(LASTING, True)
        give_birth(connection)
        manager.commit()
    except BaseException:
        manager.abort()
        raise
    finally:
        connection.close()
