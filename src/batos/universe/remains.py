"""What an object ever held, and whether it still stands in the files of its universe."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from ZODB.POSException import POSKeyError
from ZODB.utils import maxtid

from batos.errors import UniverseUnreadable
from batos.kernel.method import Method
from batos.kernel.uvm_object import UvmObject
from batos.kernel.values import plain
from batos.universe.moments import connected
from batos.universe.states import own_records, own_slots
from batos.universe.universe import Universe

_TELLING_CHARS = 8  # a shorter text may stand anywhere by chance


def remains_of(universe: Universe, oid: bytes) -> set[tuple[str, bytes]]:
    """Return texts that an object ever held, with their slots, if they are long enough."""
    found: set[tuple[str, bytes]] = set()
    before = b"\xff" * 8
    while True:
        with connected(universe, before) as connection:
            try:
                obj = connection.get(oid)
                before = max(cast("bytes", record._p_serial) for record in own_records(obj))
                found |= {one for one in _texts(obj) if len(one[1]) >= _TELLING_CHARS}
            except (POSKeyError, UniverseUnreadable):  # before its birth, or before the history
                return found


def _texts(obj: UvmObject) -> Iterator[tuple[str, bytes]]:
    for slot, value in own_slots(obj).items():
        texts: list[bytes] = []
        plain(value, lambda leaf: texts.append(_bytes(leaf)))  # noqa: B023  run at once
        yield from ((slot, text) for text in texts)


def _bytes(leaf: object) -> bytes:
    leaf = leaf.source if isinstance(leaf, Method) else leaf
    if isinstance(leaf, str):
        return leaf.encode("utf-8", "surrogatepass")
    return leaf if isinstance(leaf, bytes) else b""


def still_there(
    universe: Universe, oid: bytes, remains: set[tuple[str, bytes]]
) -> Iterator[str]:
    """Yield, in words, what of an object can be found in the files all the same."""
    if _is_stored(universe, oid):
        yield "the object: something has come to refer to it meanwhile"
    for slot, text in sorted(remains):
        files = [file for file in _files(universe.path) if _stands_in(file, text)]
        if files:
            where = ", ".join(str(file.relative_to(universe.path)) for file in files)
            yield f"the text of {slot}, in {where}: another object or method has it, too"


def _is_stored(universe: Universe, oid: bytes) -> bool:
    try:
        return universe.database.storage.loadBefore(oid, maxtid) is not None
    except POSKeyError:
        return False


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _stands_in(file: Path, text: bytes) -> bool:
    with file.open("rb") as opened:
        if not file.stat().st_size:
            return False
        with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            return mapped.find(text) >= 0
