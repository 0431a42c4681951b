"""The adapters of a mind, as its card keeps them, and which role wears which.

    card["adapters"]   "brick@3" -> weights as a blob, PEFT's configuration, what was checked
    card["roles"]      "toolsmith" -> "brick@3"
    card["numbers"]    "brick" -> 3, so that a name is never used twice

An adapter is checked against the mind's own weights before it comes in, on the copy that the
universe keeps. What an engine makes of it is left to `engines`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ZODB.blob import Blob

from batos.engines.contract import Adapter
from batos.engines.download import sha256_of, unseen as unseen_bytes
from batos.engines.gguf import read_model
from batos.engines.gguf_lora import place
from batos.engines.peft_files import (
    CONFIG,
    WEIGHTS,
    Lora,
    read_config,
    read_lora,
    refuse_unfinite,
)
from batos.errors import AdapterMissing, AdapterNameRefused, AdapterRefused, MindMissing
from batos.kernel.uvm_object import UvmObject
from batos.kernel.values import plain, storable
from batos.universe.blobs import import_weights, path_of, unseen
from batos.universe.universe import Root, Universe

MIND = "pLLM_obj"
NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")  # of adapters, before the number, and of roles

Card = Mapping[str, Any]


@dataclass(frozen=True)
class Kept:
    """An adapter that a mind has."""

    name: str  # "brick@3"
    sha256: str
    bytes: int
    rank: int
    modules: tuple[str, ...]  # what it changes in each layer
    base_sha256: str  # of the weights that it was checked against
    fits: bool  # they are the mind's own today
    pinned: bool
    roles: tuple[str, ...]  # that wear it


class Adapters:
    """What can be done with the adapters of a universe's mind, each in a transaction."""

    def __init__(self, universe: Universe, user: str) -> None:
        self._universe = universe
        self._user = user

    def add(
        self, source: Path, name: str, *, role: str | None = None, pinned: bool = False
    ) -> Kept:
        """Take an adapter in, under the next number of its name.

        Args:
            source: What PEFT saved: a folder, or its safetensors file beside the configuration.
            name: What to call it, without a number.
            role: Who wears it from now on.
            pinned: It stays in the engine once it is there.

        Raises:
            AdapterRefused: It is damaged, of a kind that is not known, or for another base.
            AdapterNameRefused: That is no name, or no role.
            DiskFull: There is no space for it; nothing of it is left.
        """
        _refuse_name(name)
        weights = source / WEIGHTS if source.is_dir() else source
        config = read_config(weights.with_name(CONFIG))
        read_lora(weights, config)  # before it is copied
        with self._universe.transaction(f"mind adapter add {name}", self._user) as root:
            mind = _mind_in(root)
            card = _open_card(mind)
            found: list[tuple[Lora, str]] = []
            blob = import_weights(
                mind._p_jar,
                weights,
                unseen,
                lambda staged: found.append(_checked(staged, config, mind, str(weights))),
            )
            ((lora, sha256),) = found
            number = card["numbers"].get(name, 0) + 1
            card["numbers"][name] = number
            called = f"{name}@{number}"
            record = {
                "blob": blob,
                "config": config,
                "sha256": sha256,
                "bytes": lora.bytes,
                "rank": lora.rank,
                "modules": sorted({pair.module for pair in lora.pairs}),
                "base_sha256": card["sha256"],
                "pinned": pinned,
            }
            card["adapters"][called] = storable(record, f"the adapter {called}")
            if role is not None:
                _refuse_name(role)
                card["roles"][role] = called
            return _kept(called, card)

    def list(self) -> list[Kept]:
        """Return all of them, in the order of their coming."""
        with self._universe.transaction() as root:
            card = card_of(_mind_in(root))
            return [_kept(name, card) for name in card.get("adapters", {})]

    def get(self, name: str) -> Kept:
        """Return one of them.

        Raises:
            AdapterMissing: There is none of this name.
        """
        with self._universe.transaction() as root:
            card = card_of(_mind_in(root))
            _record(name, card)
            return _kept(name, card)

    def wear(self, role: str, name: str | None) -> None:
        """Let a role wear an adapter from now on, or none.

        Raises:
            AdapterMissing: There is none of this name, or it is for other weights.
            AdapterNameRefused: That is no role.
        """
        _refuse_name(role)
        note = f"mind adapter wear {name or 'none'} --role {role}"
        with self._universe.transaction(note, self._user) as root:
            card = _open_card(_mind_in(root))
            if name is None:
                card["roles"].pop(role, None)
                return
            adapter_in(card, name)
            card["roles"][role] = name

    def remove(self, name: str) -> None:
        """Let an adapter go; undo brings it back, until the history is packed.

        Raises:
            AdapterMissing: There is none of this name.
            AdapterNameRefused: A role wears it.
        """
        with self._universe.transaction(f"mind adapter remove {name}", self._user) as root:
            card = _open_card(_mind_in(root))
            _record(name, card)
            worn = _roles(name, card)
            if worn:
                why = f"{', '.join(worn)} wears it; let it wear another adapter or none first"
                raise AdapterNameRefused(name, why)
            del card["adapters"][name]


def card_of(mind: UvmObject) -> Card:
    """Return what the holder of weights says of them."""
    card = mind._slots.get("card")
    return card if isinstance(card, Mapping) else {}


def adapter_in(card: Card, name: str) -> Adapter:
    """Return an adapter of a mind's card, as an engine takes it.

    Raises:
        AdapterMissing: There is none of this name, or it is for other weights than the mind's.
    """
    record = _record(name, card)
    if record["base_sha256"] != card.get("sha256"):
        why = (
            f"it belongs to weights with sha256 {record['base_sha256'][:12]}…, and the mind has"
            " others now; train one on them"
        )
        raise AdapterMissing(name, why)
    config = cast("dict[str, object]", plain(record["config"]))
    return Adapter(name, path_of(record["blob"]), record["sha256"], config, record["pinned"])


def worn_by(card: Card, role: str) -> str | None:
    """Return the name of the adapter that a role wears."""
    found = card.get("roles", {}).get(role)
    return found if isinstance(found, str) else None


def _checked(
    staged: Path, config: Mapping[str, object], mind: UvmObject, shown: str
) -> tuple[Lora, str]:
    """Check the universe's copy of an adapter against the mind's weights."""
    try:
        lora = read_lora(staged, config)
        base_sha256 = card_of(mind).get("sha256")
        if lora.base_sha256 not in (None, base_sha256):
            why = f"it was trained on weights with sha256 {lora.base_sha256}, which are others"
            raise AdapterRefused(shown, why)
        place(lora, read_model(path_of(mind._slots["model_blob"])), shown)
        refuse_unfinite(staged, lora)
    except AdapterRefused as error:  # nobody knows the copy's name
        raise AdapterRefused(shown, error.why) from None
    return lora, sha256_of(staged, unseen_bytes)


def _mind_in(root: Root) -> UvmObject:
    mind = root[MIND]
    if not isinstance(mind, UvmObject) or not isinstance(mind._slots.get("model_blob"), Blob):
        raise MindMissing(MIND, "the universe has no such object with a model_blob")
    return mind


def _open_card(mind: UvmObject) -> Any:
    """Return the card, with a place for adapters: minds of earlier versions have none."""
    card: Any = card_of(mind)
    for part in ("adapters", "roles", "numbers"):
        if part not in card:
            card[part] = storable({}, f"the mind's {part}")
    return card


def _record(name: str, card: Card) -> Any:
    record = card.get("adapters", {}).get(name)
    if record is None:
        raise AdapterMissing(name, "the mind has none of this name")
    return record


def _kept(name: str, card: Card) -> Kept:
    record = _record(name, card)
    return Kept(
        name=name,
        sha256=record["sha256"],
        bytes=record["bytes"],
        rank=record["rank"],
        modules=tuple(record["modules"]),
        base_sha256=record["base_sha256"],
        fits=record["base_sha256"] == card.get("sha256"),
        pinned=record["pinned"],
        roles=tuple(_roles(name, card)),
    )


def _roles(name: str, card: Card) -> list[str]:
    return sorted(role for role, worn in card.get("roles", {}).items() if worn == name)


def _refuse_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise AdapterNameRefused(
            name, "small letters, digits, _ and -, a letter first, and 32 at most"
        )
