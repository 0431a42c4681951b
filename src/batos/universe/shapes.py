"""What the record of an object, a method and the root must look like, and what is wrong.

Whoever writes through batos writes no other. A file that was damaged, or comes from
elsewhere, may hold any state that its classes take; some of them take it only to fail when
somebody asks. A record is read here alone: in place of what it refers to stands a `Reference`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from persistent import Persistent
from persistent.mapping import PersistentMapping
from ZODB._compat import PersistentUnpickler

from batos.errors import SlotRefused
from batos.kernel.delegation import PARENT_MARK
from batos.kernel.method import Method, Primitive
from batos.kernel.uvm_object import UvmObject, check_slot_name
from batos.universe.journal import Entry, Proposal
from batos.universe.records import record_class

_BESIDE_SLOTS = {"_slots", "_notes", "_sealed"}


@dataclass(frozen=True)
class Reference:
    """What stands in a record for another one."""

    oid: bytes | None  # None: a weak one, or into another database
    kind: object  # its class; None: the record does not say


@dataclass(frozen=True)
class Shape:
    """A record as it lies in the file."""

    kind: object  # its class
    state: Any


def shape_of(data: bytes) -> Shape:
    """Return a record's class and state; its other objects are references.

    Raises:
        UniverseUnreadable: It names a class that it may not name.
        Exception: Whatever else a damaged pickle may raise.
    """
    unpickler = PersistentUnpickler(record_class, _refer, BytesIO(data))
    kind = unpickler.load()
    return Shape(kind[0] if isinstance(kind, tuple) else kind, unpickler.load())


def _refer(stored: object) -> Reference:
    match stored:
        case (bytes() as oid, kind):
            return Reference(oid, kind)
        case bytes() as oid:
            return Reference(oid, None)
    return Reference(None, None)


def problems_of(shape: Shape, is_root: bool = False) -> Iterator[str]:
    """Yield what is wrong with a record, in words; what the root refers to is not looked at."""
    check = _root if is_root else _CHECKS.get(shape.kind)
    if check is None:
        return
    if not isinstance(shape.state, dict):
        yield f"its state is no mapping but {_a(shape.state)}"
    else:
        yield from check(shape.state)


def names_of(root: Shape) -> Mapping[bytes, str]:
    """Return what the root calls its objects."""
    data = root.state.get("data") if isinstance(root.state, dict) else None
    pairs = data.items() if isinstance(data, dict) else ()
    return {
        value.oid: name
        for name, value in pairs
        if isinstance(value, Reference) and value.oid and isinstance(name, str)
    }


def _root(state: dict[Any, Any]) -> Iterator[str]:
    names = state.get("data")
    if not isinstance(names, dict):
        yield f"its names are no mapping but {_a(names)}"
        return
    for name in names:
        if not isinstance(name, str):
            yield f"a name in it is no text but {_a(name)}"


def _object(state: dict[Any, Any]) -> Iterator[str]:
    slots, notes = state.get("_slots"), state.get("_notes", {})
    if not isinstance(slots, dict):
        yield f"its slots are no mapping but {_a(slots)}"
        return
    for name, value in slots.items():
        yield from _slot(name, value)
    if not isinstance(notes, dict) or not all(isinstance(it, dict) for it in notes.values()):
        yield "what is noted of its slots is no mapping"
    elif not notes.keys() <= slots.keys():
        yield "something is noted of a slot that it has not"
    if not isinstance(state.get("_sealed", False), bool):
        yield "whether it is primordial is neither true nor false"
    for key in state.keys() - _BESIDE_SLOTS:
        yield f"it holds {key!r} beside its slots"


def _slot(name: object, value: object) -> Iterator[str]:
    if not isinstance(name, str):
        yield f"the name of a slot is no text but {_a(name)}"
        return
    try:
        check_slot_name(name)
    except SlotRefused as error:
        yield f"the slot {name!r}: {error.why}"
    if isinstance(value, Primitive) and not isinstance(vars(value).get("name"), str):
        yield f"the slot {name!r}: a primitive's name is no text"
    elif isinstance(value, Persistent):
        yield f"the slot {name!r} holds {_a(value)} that has no record of its own"
    elif name.endswith(PARENT_MARK):
        for parent in value if isinstance(value, tuple) else (value,):
            if not isinstance(parent, Reference) or parent.kind not in (UvmObject, None):
                yield f"the parent slot {name!r} holds {_a(parent)}, and no object"


def _method(state: dict[Any, Any]) -> Iterator[str]:
    source, provenance = state.get("source"), state.get("provenance")
    if not isinstance(source, str):
        yield f"the source of the method is no text but {_a(source)}"
    if not isinstance(provenance, dict):
        yield f"where the method comes from is no mapping but {_a(provenance)}"


def _entry(state: dict[Any, Any]) -> Iterator[str]:
    if not isinstance(state.get("proposal"), Proposal):
        yield f"an entry of the journal has no proposal but {_a(state.get('proposal'))}"
    message = state.get("message")
    if not isinstance(message, Reference) or message.kind is not UvmObject:
        yield f"an entry of the journal has no message but {_a(message)}"


def _mapping(state: dict[Any, Any]) -> Iterator[str]:
    if not isinstance(state.get("data"), dict):
        yield f"its items are no mapping but {_a(state.get('data'))}"


_CHECKS: Mapping[object, Callable[[dict[Any, Any]], Iterator[str]]] = {
    UvmObject: _object,
    Method: _method,
    Entry: _entry,
    PersistentMapping: _mapping,
}


def _a(value: object) -> str:
    if isinstance(value, Reference):
        kind = getattr(value.kind, "__name__", None)
        return f"a {kind}" if kind else "another object"
    return "nothing" if value is None else f"a {type(value).__name__}"
