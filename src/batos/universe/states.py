"""An object as it is at one moment: its slots as text, and the records they lie in.

Containers, methods and weights in a slot have records of their own; they count as the
object's. Other objects do not: a slot that holds one shows its name.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from persistent import Persistent
from persistent.list import PersistentList
from persistent.mapping import PersistentMapping
from ZODB.blob import Blob
from ZODB.interfaces import BlobError

from batos.kernel.method import Method, Primitive
from batos.kernel.uvm_object import UvmObject, notes_of
from batos.kernel.values import Mergeable, PersistentSet
from batos.universe.placeholders import UnknownRecord
from batos.universe.universe import Root

Names = Mapping[bytes, str]
"""What the root calls the objects that it has names for, by oid."""


@dataclass(frozen=True)
class Shown:
    """What one slot holds, as text: a method is its source."""

    text: str
    is_method: bool = False
    comment: str = ""  # what its annotation says it is for


@dataclass(frozen=True)
class Change:
    """What became of one slot."""

    slot: str
    before: str | None  # None: there was no such slot
    after: str | None
    is_method: bool = False
    comment: tuple[str, str] | None = None  # before and after, if that changed


Slots = Mapping[str, Shown]


def names_in(*roots: Root) -> Names:
    """Return the names of objects; what an earlier root says counts more."""
    names: dict[bytes, str] = {}
    for root in roots:
        for name, value in root.items():
            if isinstance(value, Persistent):
                names.setdefault(value._p_oid, name)
    return names


def own_slots(obj: UvmObject | UnknownRecord) -> Mapping[str, object]:
    """Return an object's own slots; nothing of it runs."""
    return cast("Mapping[str, object]", obj._slots)


def shown_slots(obj: UvmObject | UnknownRecord, names: Names) -> dict[str, Shown]:
    """Return what an object's own slots hold."""
    notes = notes_of(obj) if isinstance(obj, UvmObject) else {}
    return {
        slot: Shown(
            text_of(value, names),
            isinstance(value, Method),
            str(notes.get(slot, {}).get("comment", "")),
        )
        for slot, value in own_slots(obj).items()
    }


def changes_between(before: Slots, after: Slots) -> tuple[Change, ...]:
    """Return what became of each slot, in the order of the newer state."""
    changes = []
    for slot in dict.fromkeys((*after, *before)):
        old, new = before.get(slot), after.get(slot)
        if old != new:
            is_method = any(one is not None and one.is_method for one in (old, new))
            was, is_ = (None if one is None else one.text for one in (old, new))
            said, says = ("" if one is None else one.comment for one in (old, new))
            comment = None if said == says else (said, says)
            changes.append(Change(slot, was, is_, is_method, comment))
    return tuple(changes)


def own_records(obj: Persistent) -> Iterator[Persistent]:
    """Yield the object, and every record that is a part of it."""
    seen: set[int] = set()
    to_visit: list[object] = [obj]
    while to_visit:
        value = to_visit.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, Persistent):
            if isinstance(value, UvmObject | UnknownRecord) and value is not obj:
                continue
            value._p_activate()
            yield value
        to_visit.extend(_parts(value))


def _parts(value: object) -> Iterable[object]:
    if isinstance(value, UvmObject | UnknownRecord):
        return own_slots(value).values()
    if isinstance(value, Blob | Method):
        return ()
    if isinstance(value, dict | PersistentMapping):
        return itertools.chain(value.keys(), value.values())
    if isinstance(value, tuple | frozenset | list | set | PersistentList | PersistentSet):
        return iter(value)
    return (value.__getstate__(),) if isinstance(value, Persistent) else ()


def text_of(value: object, names: Names) -> str:
    """Return a value as text that is the same for the same value, whenever it is read."""
    try:
        return _text(value, names, ())
    except RecursionError:
        return "(nested too deeply to be shown)"


def _text(value: object, names: Names, around: tuple[int, ...]) -> str:
    """Write one value; `around` are those it lies in, which it may contain again."""
    if id(value) in around:
        return "..."
    write = next((write for kind, write in _WRITERS if isinstance(value, kind)), None)
    if write is not None:
        return write(value, names)

    def inner(item: object) -> str:
        return _text(item, names, (*around, id(value)))

    if isinstance(value, list | tuple | PersistentList):
        comma = "," if isinstance(value, tuple) and len(value) == 1 else ""
        opens, closes = "()" if isinstance(value, tuple) else "[]"
        return f"{opens}{', '.join(map(inner, value))}{comma}{closes}"
    if isinstance(value, set | frozenset | PersistentSet):
        return f"{{{', '.join(sorted(map(inner, value)))}}}" if value else "set()"
    items = getattr(value, "items", None)
    if isinstance(value, dict | Persistent) and items is not None:
        return f"{{{', '.join(f'{inner(key)}: {inner(item)}' for key, item in items())}}}"
    return _other_text(value, inner)


def _other_text(value: object, inner: Callable[[object], str]) -> str:
    if not isinstance(value, Persistent):
        return repr(value)
    if isinstance(value, Mergeable):
        return f"{type(value).__name__}({inner(value.content())})"
    content = list(value) if isinstance(value, Iterable) else value.__getstate__()
    return f"{type(value).__name__}({inner(content)})"


def _blob_text(blob: Blob, _names: Names) -> str:
    blob._p_activate()
    try:
        size = Path(blob.committed()).stat().st_size
    except BlobError:
        return "a new blob"
    except (OSError, KeyError):
        return f"a blob whose bytes are not here, of {blob._p_serial.hex()}"
    return f"a blob of {size:,} bytes, of {blob._p_serial.hex()}"


_WRITERS: tuple[tuple[Any, Callable[[Any, Names], str]], ...] = (
    (Method, lambda method, _names: str(method.source)),
    (Primitive, lambda primitive, _names: f"primitive {primitive.name}"),
    (UvmObject | UnknownRecord, lambda obj, names: names.get(obj._p_oid, repr(obj))),
    (Blob, _blob_text),
)
