"""What minds' cards say of their weights, read from the records of a file alone.

A blob has no digest of its own; beside the weights of a mind lies its card, which has one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from persistent.mapping import PersistentMapping
from ZODB.blob import Blob

from batos.kernel.uvm_object import UvmObject
from batos.universe.shapes import Reference, Shape

MARKS = (b"model_blob", b"sha256")  # a record with neither says nothing of weights


@dataclass(frozen=True)
class Claim:
    """The hash that a blob must have, and the object that says so."""

    holder: bytes
    sha256: str


@dataclass
class Cards:
    """Collects what records say; a later one of an object counts."""

    _minds: dict[bytes, tuple[bytes, Any]] = field(default_factory=dict)  # blob, and card
    _hashes: dict[bytes, str] = field(default_factory=dict)  # of cards with a record

    def see(self, oid: bytes, shape: Shape) -> None:
        """Look at a record, as it is from now on."""
        state = shape.state if isinstance(shape.state, dict) else {}
        if shape.kind is UvmObject:
            self._minds.pop(oid, None)
            slots = state.get("_slots")
            slots = slots if isinstance(slots, dict) else {}
            blob = slots.get("model_blob")
            if isinstance(blob, Reference) and blob.kind is Blob and blob.oid:
                self._minds[oid] = blob.oid, slots.get("card")
        elif shape.kind is PersistentMapping:
            self._hashes.pop(oid, None)
            if sha256 := _hash_in(state.get("data")):
                self._hashes[oid] = sha256

    def claims(self) -> Mapping[bytes, Claim]:
        """Return what is known of blobs, by their oids."""
        return {
            blob: Claim(holder, sha256)
            for holder, (blob, card) in self._minds.items()
            if (sha256 := self._hash_of(card))
        }

    def _hash_of(self, card: object) -> str:
        if isinstance(card, Reference):
            return self._hashes.get(card.oid or b"", "")
        return _hash_in(card)


def _hash_in(card: object) -> str:
    sha256 = card.get("sha256") if isinstance(card, dict) else None
    return sha256 if isinstance(sha256, str) else ""
