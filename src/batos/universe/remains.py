"""By what an object is known in texts: what it was called, and what it ever held.

With it forgetting finds what others say of the object (`Remains`), and looks afterwards
whether something of it still stands in the files. What becomes of a text is left to those
whose text it is.
"""

from __future__ import annotations

import json
import mmap
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from persistent import Persistent
from ZODB.POSException import POSKeyError

from batos.errors import UniverseUnreadable
from batos.kernel.method import Method
from batos.kernel.uvm_object import UvmObject
from batos.kernel.values import plain
from batos.universe.moments import connected
from batos.universe.states import own_records, own_slots
from batos.universe.tails import kept_tails
from batos.universe.unfinished import is_stored
from batos.universe.universe import Universe

GONE = "(forgotten)"
_TELLING_CHARS = 8  # a shorter text may stand anywhere by chance
_TELLING_NAME_CHARS = 4  # and a shorter name
_BEGINNING_CHARS = 24  # so much of a text tells it: notes are cut off
_SOURCE = "source"  # in provenance: code, where a name is only a word


@dataclass(frozen=True)
class Remains:
    """What tells an object, at any time of its history."""

    names: frozenset[str] = frozenset()  # the root's, and its number in words
    data: frozenset[tuple[str, str | bytes]] = frozenset()  # slots, and texts in them
    sources: frozenset[tuple[str, str]] = frozenset()  # slots, and methods in them

    def are_in(self, text: str) -> bool:
        """Tell whether a text names the object, or holds what it held."""
        return bool(self._words.search(text)) or self.are_held_in(text)

    def are_held_in(self, text: str) -> bool:
        """Tell whether a text holds what the object held."""
        cut_off = text[:-1] if text.endswith("…") else ""
        return any(
            begins in text or (cut_off and _ends_within(cut_off, begins))
            for begins in self._beginnings
        )

    def redacted(self, value: object) -> Any:
        """Return plain data with `GONE` for every text in it that tells of the object."""
        if isinstance(value, str):
            return GONE if self.are_in(value) else value
        if isinstance(value, bytes):
            return GONE if self.are_held_in(repr(value)) else value
        if isinstance(value, dict):
            return {self._key(key): self._item(key, item) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return type(value)(map(self.redacted, value))
        return value

    def _key(self, key: object) -> object:
        return GONE if isinstance(key, str) and self.are_held_in(key) else key

    def _item(self, key: object, item: object) -> object:
        if key == _SOURCE and isinstance(item, str):
            return GONE if self.are_held_in(item) else item
        return self.redacted(item)

    @cached_property
    def _words(self) -> re.Pattern[str]:
        names = "|".join(map(re.escape, sorted(self.names))) or r"(?!)"
        return re.compile(rf"(?<!\w)(?:{names})(?!\w)")

    @cached_property
    def _beginnings(self) -> frozenset[str]:
        """How the texts begin, as they are and as notes and answers write them."""
        return frozenset(
            written[:_BEGINNING_CHARS]
            for _slot, text in self.data
            for written in _written(text)
        )


def _written(text: str | bytes) -> Iterable[str]:
    if isinstance(text, bytes):
        return (repr(text)[2:-1],)
    return text, repr(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]


def _ends_within(text: str, begins: str) -> bool:
    lengths = range(_TELLING_CHARS, len(begins))
    return any(text.endswith(begins[:length]) for length in lengths)


# --- in the past -------------------------------------------------------------------------


def remains_of(universe: Universe, oid: bytes) -> Remains:
    """Return by what an object can be known, as far back as the history goes.

    Texts of less than 8 characters are no remains: they may stand anywhere by chance.
    """
    data, sources = set[tuple[str, str | bytes]](), set[tuple[str, str]]()
    before = b"\xff" * 8
    while True:
        with connected(universe, before) as connection:
            try:
                obj = connection.get(oid)
                before = max(cast("bytes", record._p_serial) for record in own_records(obj))
                for slot, leaf in _leaves(obj):
                    if isinstance(leaf, Method):
                        sources.add((slot, leaf.source))
                    elif isinstance(leaf, str | bytes) and len(leaf) >= _TELLING_CHARS:
                        data.add((slot, leaf))
            except (POSKeyError, UniverseUnreadable):  # before its birth, or a pack's cut
                break
    names = names_ever(universe, oid) | {f"<object {int.from_bytes(oid, 'big'):#x}>"}
    return Remains(frozenset(names), frozenset(data), frozenset(sources))


def _leaves(obj: UvmObject) -> Iterator[tuple[str, object]]:
    for slot, value in own_slots(obj).items():
        leaves: list[object] = []
        plain(value, leaves.append)
        yield from ((slot, leaf) for leaf in leaves)


def names_ever(universe: Universe, oid: bytes) -> set[str]:
    """Return what the root ever called an object, as far back as the history goes."""
    found, before = set[str](), b"\xff" * 8
    while True:
        with connected(universe, before) as connection:
            try:
                root = connection.root()
                found |= {name for name, value in root.items() if _oid(value) == oid}
            except POSKeyError:
                return found
            before = cast("bytes", root._p_serial)


def _oid(value: object) -> bytes | None:
    return cast("bytes", value._p_oid) if isinstance(value, Persistent) else None


# --- in the files ------------------------------------------------------------------------


def still_there(universe: Universe, oid: bytes, remains: Remains) -> Iterator[str]:
    """Yield, in words, what of an object can be found in the files all the same."""
    if is_stored(universe, oid):
        yield "the object: something has come to refer to it meanwhile"
    folder = universe.path
    everywhere = [path for path in folder.rglob("*") if path.is_file()]
    outside_blobs = [file for file in everywhere if folder / "blobs" not in file.parents]
    for slot, text in sorted({(slot, _bytes(text)) for slot, text in remains.data}):
        yield from _found_in(folder, everywhere, re.escape(text), f"the text of {slot}")
    for slot, source in sorted(remains.sources):
        pattern = re.escape(_bytes(source))
        yield from _found_in(folder, everywhere, pattern, f"the source of {slot}")
    for name in sorted(remains.names):
        if len(name) >= _TELLING_NAME_CHARS:
            pattern = rb"(?<!\w)" + re.escape(name.encode()) + rb"(?=\W|[qr]|\Z)"  # in a pickle
            yield from _found_in(folder, outside_blobs, pattern, f"the name {name}")


def _found_in(folder: Path, files: list[Path], pattern: bytes, what: str) -> Iterator[str]:
    found = [file for file in files if _stands_in(file, pattern)]
    tails = set(kept_tails(folder))
    if records := [str(file.relative_to(folder)) for file in found if file not in tails]:
        yield f"{what}, in {', '.join(records)}: another object or method has it, too"
    if kept := [file.name for file in found if file in tails]:
        yield f"{what}, in {', '.join(kept)}: a crash cut that off; remove the file"


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")


def _stands_in(file: Path, pattern: bytes) -> bool:
    with file.open("rb") as opened:
        if not file.stat().st_size:
            return False
        with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            return re.search(pattern, mapped, re.DOTALL) is not None
