"""Universes that a server or a relational database keeps: an address in, a database out.

`zeo` and `relational` open what is behind an address; they need optional packages and are
imported when they are used. What holds for every database is in `database`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from ZODB.DB import DB
from ZODB.utils import z64

from batos.errors import StoreMissing, UniverseMissing
from batos.universe.addresses import Address, PostgresAddress, SqliteAddress, ZeoAddress
from batos.universe.connection import Server, reachable
from batos.universe.database import Database

Storage = Any  # ZODB's, ZEO's and RelStorage's are untyped

_MODULES: Mapping[type[Address], tuple[str, str]] = {  # and the extra that it needs
    ZeoAddress: ("batos.universe.zeo", "zeo"),
    PostgresAddress: ("batos.universe.relational", "relational"),
    SqliteAddress: ("batos.universe.relational", "relational"),
}


def open_store(
    address: Address, read_only: bool = False, create: bool = False, safe: bool = False
) -> DB:
    """Open the database at an address.

    Args:
        address: Where it is.
        read_only: Nothing can be changed through it.
        create: There may be no universe in it yet, and it may lack its tables.
        safe: Records of unknown classes are shown as such.

    Raises:
        UniverseMissing: It holds no universe.
        UniverseUnreachable: Its server does not answer.
        StoreMissing: An optional part of batos is not installed.
    """
    open_storage, gone = _opener(address)
    server = Server(address.shown, gone)
    with reachable(server):
        storage = open_storage(address, read_only, create)
        try:
            if not create and storage.lastTransaction() == z64:
                raise UniverseMissing(address.shown)
            database = Database(storage, address.shown, safe)
            database.server = server
            if not create and is_empty(database):  # its awakening was killed
                raise UniverseMissing(address.shown)
        except BaseException:
            storage.close()
            raise
    return database


def is_empty(database: DB) -> bool:
    """Tell whether no universe was ever awakened in it."""
    with database.transaction() as connection:
        return not connection.root()


def _opener(
    address: Address,
) -> tuple[Callable[[Address, bool, bool], Storage], tuple[type[Exception], ...]]:
    """Return what opens an address, and the errors that say that its server is gone."""
    name, extra = _MODULES[type(address)]
    try:
        module = import_module(name)
    except ModuleNotFoundError:
        raise StoreMissing(address.shown, extra) from None
    for library in ("ZEO", "relstorage"):  # they log what becomes an error here
        logging.getLogger(library).addHandler(logging.NullHandler())
    return module.open_storage, module.GONE
