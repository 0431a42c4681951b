"""The birth of a universe, in one transaction: laws, then mind, then the first being.

Written here are names of behaviours; none is imported. The universe is built in a folder
beside its place and moved there when it is whole, so that a birth that is killed leaves
either no universe or a complete one.
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

from batos.errors import UniverseBusy, UniverseExists
from batos.kernel.method import Primitive
from batos.kernel.mirror import mirror
from batos.kernel.uvm_object import UvmObject
from batos.universe.blobs import OnBytes, import_weights, sync
from batos.universe.database import open_database
from batos.universe.journal import new_book
from batos.universe.universe import LASTING

_LOCK = "awakening.lock"
_OCCUPIED = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)


@dataclass(frozen=True)
class Mind:
    """What the mind is made of, and what it says of itself."""

    weights: Path
    tokenizer_id: str
    quantization: str
    card: Mapping[str, object]  # plain data: name, source, hash, size, architecture


def awaken(path: Path, mind: Mind, user: str = "", on_bytes: OnBytes | None = None) -> None:
    """Create the universe at `path` with its mind inside.

    Args:
        path: Where it will lie; nothing may be there.
        mind: Its weights are copied in; the file itself stays as it is.
        user: Who awakens it, for the log.
        on_bytes: Told how far the copy of the weights is.

    Raises:
        UniverseExists: Something lies at `path`.
        UniverseBusy: Another process awakens a universe there.
        OSError: The weights cannot be read, or the disk is full; nothing is left behind.
    """
    copied = on_bytes or (lambda _done, _all: None)
    create_universe(
        path, "awakening", user, lambda connection: _give_birth(connection, mind, copied)
    )


def create_universe(
    path: Path, note: str, user: str, give_birth: Callable[[Connection], None]
) -> None:
    """Create the universe at `path` with what `give_birth` puts into it.

    Raises:
        UniverseExists: Something lies at `path`.
        UniverseBusy: Another process makes a universe there.
        OSError: The disk is full; nothing is left behind.
    """
    build_beside(path, lambda cradle: _build(cradle, note, user, give_birth))


def build_beside(path: Path, build: Callable[[Path], None]) -> None:
    """Let `build` fill a folder beside `path`, and move it there when it is whole.

    Raises:
        UniverseExists: Something lies at `path`.
        UniverseBusy: Another process makes a universe there.
    """
    path = path.absolute()
    if path.exists() or path.is_symlink():
        raise UniverseExists(str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    cradle = path.with_name(f".{path.name}.awakening")
    lock = _claim(cradle, path)
    try:
        build(cradle)
        _publish(cradle, path)
    except BaseException:
        _discard(cradle)
        raise
    finally:
        lock.close()


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


def _build(
    cradle: Path, note: str, user: str, give_birth: Callable[[Connection], None]
) -> None:
    database = open_database(cradle, create=True)
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
        database.close()


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
        mirror(obj).set(slot, value)
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
