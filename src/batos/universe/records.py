"""Which classes a record of the database may name.

A database record is a pickle, and a pickle names the classes it is made of. Loading one
from elsewhere would otherwise import, and call, whatever its author liked.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import NoReturn

from ZODB._compat import PersistentUnpickler

from batos.errors import NotStorable, UniverseUnreadable
from batos.kernel.values import LASTING

_ALLOWED: Mapping[str, frozenset[str]] = {
    **LASTING,
    "batos.kernel.method": LASTING["batos.kernel.method"] | {"Primitive"},
    "batos.kernel.shared": LASTING["batos.kernel.shared"] | {"QueuePage"},
    "batos.universe.delivery": frozenset({"Receipt", "ReceiptPage"}),
    "batos.universe.journal": frozenset({"Entry", "Proposal", "State"}),
    "datetime": frozenset({"date", "time", "datetime", "timedelta", "timezone"}),
    "builtins": frozenset({"set", "frozenset", "complex", "bytearray", "object"}),
    "copyreg": frozenset({"_reconstructor", "__newobj__"}),
    "copy_reg": frozenset({"_reconstructor", "__newobj__"}),
    "__builtin__": frozenset({"set", "frozenset", "complex", "object"}),
    "_codecs": frozenset({"encode"}),
}

# Called by a record, not made by it: a pickle could give a function another attribute.
_CALLED = {
    *(("copyreg", "_reconstructor"), ("copyreg", "__newobj__"), ("_codecs", "encode")),
    ("batos.universe.journal", "State"),
}
_TODAY = {"__builtin__": "builtins", "copy_reg": "copyreg"}  # old pickles' names


class Call:
    """What a record may call, and not change."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., object]) -> None:
        self._function = function

    def __call__(self, *args: object) -> object:
        return self._function(*args)

    def __setstate__(self, _state: object) -> NoReturn:
        raise UniverseUnreadable("a record", "it changes what it should only call")


def record_class(module: str, name: str) -> object:
    """Return the class that a record names.

    Raises:
        UniverseUnreadable: A universe does not consist of such records.
    """
    found = class_with_a_place(module, name)
    if found is None:
        why = f"it names {module}.{name}, which has no place in it"
        raise UniverseUnreadable("a record", f"{why}; `--safe` opens it to be looked at")
    return found


def class_with_a_place(module: str, name: str) -> object | None:
    """Return the class that a record names, or None if it may not, or there is none."""
    if not _is_allowed(module, name):
        return None
    module = _TODAY.get(module, module)
    found = getattr(importlib.import_module(module), name, None)
    return Call(found) if found is not None and (module, name) in _CALLED else found


def check_loaded(record: bytes) -> None:
    """Raise `UniverseUnreadable` if a record names a class that it may not name."""
    _load(record, record_class)


def check_stored(record: bytes) -> set[bytes]:
    """Return what a record refers to; raise `NotStorable` if it could not be loaded again."""
    referred: set[bytes] = set()

    def refer(reference: object) -> None:
        match reference:  # ZODB writes a list for a weak reference, which may dangle
            case (bytes() as oid, _) if isinstance(reference, tuple):
                referred.add(oid)
            case bytes() as oid:
                referred.add(oid)

    _load(record, _stored_class, refer)
    return referred


def check_details(details: bytes) -> None:
    """Raise `UniverseUnreadable` if what a transaction says of itself is more than data."""
    try:
        if details:
            PersistentUnpickler(_no_class, None, BytesIO(details)).load()
    except UniverseUnreadable:
        raise
    except Exception as error:  # whatever a damaged pickle may raise
        raise UniverseUnreadable(
            "a transaction", f"its details are damaged: {error!r}"
        ) from error


def is_plain_file(path: Path) -> bool:
    """Tell whether a file of pickles is there, whole, and nothing but data."""
    try:
        with path.open("rb") as file:
            unpickler = PersistentUnpickler(_no_class, None, file)
            while unpickler.load():
                pass
    except Exception:  # whatever a damaged pickle may raise
        return False
    return True


def _load(
    record: bytes,
    find_class: Callable[[str, str], object],
    refer: Callable[[object], object] = lambda _reference: None,
) -> None:
    unpickler = PersistentUnpickler(find_class, refer, BytesIO(record))
    unpickler.load()  # the object's class
    unpickler.load()  # its state


def _is_allowed(module: str, name: str) -> bool:
    return name in _ALLOWED.get(module, frozenset())


def _stored_class(module: str, name: str) -> object:
    if not _is_allowed(module, name):
        raise NotStorable(f"{module}.{name}", "a universe")
    return record_class(module, name)


def _no_class(module: str, name: str) -> NoReturn:
    raise UniverseUnreadable("a transaction", f"it names {module}.{name} where data belongs")
