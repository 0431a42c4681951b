"""The birth of a universe: laws, then mind, then the first being.

Written here are names of behaviours; none is imported. How all of it is there at once, or
not at all, is left to `creating`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ZODB.blob import Blob
from ZODB.Connection import Connection

from batos.kernel.method import Primitive
from batos.kernel.mirror import mirror
from batos.kernel.uvm_object import UvmObject, write_slot
from batos.universe.addresses import Address
from batos.universe.blobs import OnBytes, import_weights, unseen
from batos.universe.creating import create_universe
from batos.universe.journal import new_book

PRIMITIVES: Mapping[str, str] = {
    "doesNotUnderstand_": "synthesis.not_understood",
    "setSlot_value_": "kernel.set_slot",
    "infer_": "personas.infer",
    "reflectOn_": "synthesis.reflect",
    "fineTuneWith_": "improvement.fine_tune",
    "improveCognition": "improvement.improve",
}
"""Which behaviour a universe is born with, by selector; no other selector leads to any."""


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
    copied = on_bytes or unseen
    create_universe(
        path, "awakening", user, lambda connection: _give_birth(connection, mind, copied)
    )


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
    return _primitives("doesNotUnderstand_", "setSlot_value_")


def _pllm(mind: Mind, blob: Blob, traits: UvmObject) -> Mapping[str, object]:
    return {
        "parent*": traits,
        "model_blob": blob,
        "tokenizer_id": mind.tokenizer_id,
        "quantization": mind.quantization,
        **_primitives("infer_", "reflectOn_", "fineTuneWith_", "improveCognition"),
        "card": dict(mind.card),
    }


def _primitives(*selectors: str) -> dict[str, Primitive]:
    return {selector: Primitive(PRIMITIVES[selector]) for selector in selectors}
