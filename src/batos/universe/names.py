"""Objects of the root by their names: in the arguments of a message, and in its answer.

An object can be used only in the transaction that loaded it. What comes in or goes out
beyond that names the object instead.
"""

from __future__ import annotations

from dataclasses import dataclass

from ZODB.blob import Blob

from batos.errors import NoSuchObject
from batos.kernel.uvm_object import UvmObject
from batos.kernel.values import plain
from batos.universe.blobs import path_of
from batos.universe.universe import Root


@dataclass(frozen=True)
class Named:
    """An object of the root."""

    name: str


@dataclass(frozen=True)
class Unnamed:
    """An object that the root has no name for."""

    oid: str


@dataclass(frozen=True)
class BlobOf:
    """A blob, such as the mind's weights: it stays where it is, and only its size is told."""

    bytes: int


def named_object(root: Root, name: str) -> UvmObject:
    """Return the root's object of this name.

    Raises:
        NoSuchObject: There is none.
    """
    found = root.get(name)
    if not isinstance(found, UvmObject):
        known = sorted(key for key, value in root.items() if isinstance(value, UvmObject))
        raise NoSuchObject(name, tuple(known))
    return found


def name_in(root: Root, obj: UvmObject) -> str | None:
    """Return the name under which the root holds an object, or None."""
    return next((name for name, value in root.items() if value is obj), None)


def loaded(value: object, root: Root) -> object:
    """Return an argument as the message carries it: a `Named` becomes its object.

    Raises:
        NoSuchObject: The root has no object of that name.
    """
    return named_object(root, value.name) if isinstance(value, Named) else value


def shown(answer: object, root: Root) -> object:
    """Return an answer so that it can be read after its transaction: plain data and names."""

    def named(value: object) -> object:
        if isinstance(value, Blob):
            return BlobOf(path_of(value).stat().st_size)
        if not isinstance(value, UvmObject):
            return value
        name = name_in(root, value)
        return Named(name) if name is not None else Unnamed(repr(value))

    return plain(answer, named)
