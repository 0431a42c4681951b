"""The birth of a universe, in one transaction: laws, then mind, then the first being.

Written here are names of behaviours; none is imported. A birth that is killed leaves either
no universe or a complete one. A folder is therefore built beside its place and moved there
when it is whole; on a server the one transaction is enough.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from transaction import TransactionManager
from zc.lockfile import LockError, LockFile
from ZODB.blob import Blob
from ZODB.Connection import Connection
from ZODB.DB import DB
from ZODB.POSException import ConflictError

from batos.errors import UniverseBusy, UniverseExists
from batos.kernel.method import Primitive
from batos.kernel.mirror import mirror
from batos.kernel.uvm_object import UvmObject, write_slot
from batos.universe.addresses import Address, SqliteAddress
from batos.universe.blobs import OnBytes, import_weights, sync
from batos.universe.connection import reachable
from batos.universe.database import open_database
from batos.universe.disk import telling
from batos.universe.journal import new_book
from batos.universe.log import LASTING
from batos.universe.stores import is_empty, open_store

_LOCK = "awakening.lock"
_OCCUPIED = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)


@dataclass(frozen=True)
class Mind:
    """What the mind is made of, and what it says of itself."""

    weights: Path
    tokenizer_id: str
    quantization: str
    card: Mapping[str, object]  # plain data: name, source, hash, size, architecture


def awaken(
    path: Path | Address, mind: Mind, user: str = "", on_bytes: OnBytes | None = None
) -> None:
    """Create the universe at `path` with its mind inside.

    Args:
        path: Where it will lie; no folder may be there, or no universe at an address.
        mind: Its weights are copied in; the file itself stays as it is.
        user: Who awakens it, for the log.
        on_bytes: Told how far the copy of the weights is.

    Raises:
        UniverseExists: Something lies at `path`.
        UniverseBusy: Another process awakens a universe there.
        DiskFull: There is no space for it; nothing is left behind.
        UniverseUnreachable: The server at an address does not answer.
        OSError: The weights cannot be read; nothing is left behind.
    """

    def give_birth(database: DB) -> None:
        _give_birth_in(database, mind, user, on_bytes or (lambda _done, _all: None))

    if isinstance(path, SqliteAddress):
        _awaken_in(path.folder, path.moved, give_birth)
    elif isinstance(path, Address):
        _awaken_at(path, give_birth)
    else:
        _awaken_in(path.absolute(), lambda cradle: cradle, give_birth)


def _awaken_in(
    path: Path, place_in: Callable[[Path], Path | Address], give_birth: Callable[[DB], None]
) -> None:
    """Awaken a universe that is a folder; `place_in` says where it lies in a cradle."""
    if path.exists() or path.is_symlink():
        raise UniverseExists(str(path))
    with telling(path, "the awakening"):
        path.parent.mkdir(parents=True, exist_ok=True)
        cradle = path.with_name(f".{path.name}.awakening")
        lock = _claim(cradle, path)
        try:
            database = _new_database(place_in(cradle))
            try:
                give_birth(database)
            finally:
                database.close()
            _publish(cradle, path)
        except BaseException:
            _discard(cradle)
            raise
        finally:
            lock.close()


def _awaken_at(address: Address, give_birth: Callable[[DB], None]) -> None:
    """Awaken a universe on a server, where one transaction is there as a whole or not."""
    try:
        database = _new_database(address)
        try:
            with reachable(database.server):
                if not is_empty(database):
                    raise UniverseExists(address.shown)
                give_birth(database)
        finally:
            database.close()
    except ConflictError:  # another awakening gave birth to its root first
        raise UniverseExists(address.shown) from None


def _new_database(place: Path | Address) -> DB:
    if isinstance(place, Address):
        return open_store(place, create=True)
    return open_database(place, create=True)


def _claim(cradle: Path, path: Path) -> LockFile:
    """Return a lock on an empty folder; what a killed awakening left in it goes."""
    cradle.mkdir(mode=0o700, exist_ok=True)
    is_ours = (cradle / _LOCK).exists() or not any(cradle.iterdir())
    if cradle.is_symlink() or not is_ours:
        raise UniverseExists(str(cradle))
    try:
        lock = LockFile(str(cradle / _LOCK))
    except LockError:
        raise UniverseBusy(str(path), "another awakening") from None
    except OSError:  # not even its name fits on the disk
        _discard(cradle)
        raise
    _empty(cradle)
    return lock


def _empty(cradle: Path) -> None:
    for leftover in cradle.iterdir():
        if leftover.is_dir():
            shutil.rmtree(leftover)
        elif leftover.name != _LOCK:  # it stays to the last, and says whose folder this is
            leftover.unlink()


def _discard(cradle: Path) -> None:
    with suppress(OSError):  # the error that led here says more
        _empty(cradle)
        shutil.rmtree(cradle)


def _give_birth_in(database: DB, mind: Mind, user: str, on_bytes: OnBytes) -> None:
    manager = TransactionManager(explicit=True)
    connection = database.open(manager)
    try:
        current = manager.begin()
        current.note("awakening")
        current.setUser(user)
        current.setExtendedInfo(LASTING, True)
        _give_birth(connection, mind, on_bytes)
        manager.commit()
    except BaseException:
        manager.abort()
        raise
    finally:
        connection.close()


def _give_birth(connection: Connection, mind: Mind, on_bytes: OnBytes) -> None:
    """Create the primordial objects in the order of their rank: laws, mind, being, medium."""
    root = connection.root()
    traits = _primordial(connection, "traits_obj", _traits())
    blob = import_weights(connection, mind.weights, on_bytes)
    pllm = _primordial(connection, "pLLM_obj", _pllm(mind, blob, traits))
    _primordial(connection, "genesis_obj", {"parent*": (traits, pllm)})
    _primordial(connection, "digital_ether", {"parent*": traits})
    root["journal"] = new_book()


def _primordial(connection: Connection, name: str, slots: Mapping[str, object]) -> UvmObject:
    obj = UvmObject()
    connection.add(obj)  # now, so that the order of birth is the order of the records
    for slot, value in slots.items():
        write_slot(obj, slot, value)
    mirror(obj).seal()
    connection.root()[name] = obj
    return obj


def _traits() -> Mapping[str, object]:
    return {
        "doesNotUnderstand_": Primitive("synthesis.not_understood"),
        "setSlot_value_": Primitive("kernel.set_slot"),
    }


def _pllm(mind: Mind, blob: Blob, traits: UvmObject) -> Mapping[str, object]:
    return {
        "parent*": traits,
        "model_blob": blob,
        "tokenizer_id": mind.tokenizer_id,
        "quantization": mind.quantization,
        "infer_": Primitive("personas.infer"),
        "reflectOn_": Primitive("synthesis.reflect"),
        "fineTuneWith_": Primitive("improvement.fine_tune"),
        "improveCognition": Primitive("improvement.improve"),
        "card": dict(mind.card),
    }


def _publish(cradle: Path, path: Path) -> None:
    for folder in (cradle / "blobs", cradle):
        sync(folder)
    try:
        cradle.rename(path)
    except OSError as error:
        if error.errno in _OCCUPIED:  # somebody was faster
            raise UniverseExists(str(path)) from error
        raise
    (path / _LOCK).unlink()
    sync(path.parent)
