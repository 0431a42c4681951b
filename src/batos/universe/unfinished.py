"""Forgettings that were begun and not finished: known after whatever ended them.

To forget takes two steps: a transaction takes the object out of the present, and a pack
ends the past in which it still lies. The first notes the object in the journal's book, by
its number alone, so that its name does not stay; the second strikes it off.
"""

from __future__ import annotations

import re

from BTrees.OOBTree import OOBTree
from ZODB.POSException import POSKeyError
from ZODB.utils import maxtid

from batos.universe.universe import Root, Universe

_UNFINISHED = "forgetting"  # in the journal's book: oids as text
_OID = re.compile(r"[0-9a-f]{16}")


def unfinished(universe: Universe) -> tuple[bytes, ...]:
    """Return the objects that are out of the present, and whose past is not ended.

    In a universe at an address nothing is forgotten.

    Raises:
        UniverseUnreadable: The journal is damaged.
    """
    if universe.address is not None:
        return ()
    with universe.transaction() as root:
        return _noted(root)


def note_unfinished(root: Root, oid: bytes) -> None:
    """Note that an object was taken out, in the transaction that does so."""
    _write(root, tuple(dict.fromkeys((*_noted(root), oid))))


def strike_off(root: Root, universe: Universe, *oids: bytes) -> None:
    """Strike some objects off, and all that are in the files no more."""
    noted = _noted(root)
    left = tuple(oid for oid in noted if oid not in oids and is_stored(universe, oid))
    if left != noted:
        _write(root, left)


def is_stored(universe: Universe, oid: bytes) -> bool:
    """Tell whether any state of an object is left."""
    try:
        return universe.database.storage.loadBefore(oid, maxtid) is not None
    except POSKeyError:
        return False


def _noted(root: Root) -> tuple[bytes, ...]:
    book = root.get("journal")
    said = book.get(_UNFINISHED, ()) if isinstance(book, OOBTree) else ()
    if not isinstance(said, tuple):  # a universe from elsewhere may say anything
        return ()
    return tuple(
        bytes.fromhex(one) for one in said if isinstance(one, str) and _OID.fullmatch(one)
    )


def _write(root: Root, oids: tuple[bytes, ...]) -> None:
    root["journal"][_UNFINISHED] = tuple(oid.hex() for oid in oids)
