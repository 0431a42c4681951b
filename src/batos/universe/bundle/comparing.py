"""How the objects of a bundle differ from those of the same names that are here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ZODB.Connection import Connection

from batos.errors import BundleRefused, Conflict
from batos.universe.bundle.atoms import NotPortable
from batos.universe.bundle.building import shared_of
from batos.universe.bundle.graph import Graph, ObjectText
from batos.universe.bundle.layout import ROOT, object_file
from batos.universe.bundle.reading import Bundle
from batos.universe.bundle.values import compact
from batos.universe.digests import sha256_of

THE_ROOT = "(the root)"
_MAX_DEPTH = 300
_SHOWN_CHARACTERS = 300
_NOTHING = "(nothing)"

Sources = Callable[[str], str]  # a method's file -> its source


@dataclass
class Comparison:
    """What an import would do."""

    new_objects: list[str] = field(default_factory=list)
    new_slots: list[tuple[str, str]] = field(default_factory=list)
    new_names: list[str] = field(default_factory=list)
    equal: int = 0  # slots
    conflicts: list[Conflict] = field(default_factory=list)


def graph_here(bundle: Bundle, connection: Connection) -> Graph:
    """Return the objects that are here, called as the bundle calls them."""
    root = connection.root()
    called = {
        name: value["$object"]
        for name, value in bundle.root.slots.items()
        if isinstance(value, dict) and isinstance(value.get("$object"), str)
    }
    called |= {name: expected for expected, name in bundle.expects.items()}
    wanted = bundle.root.slots if bundle.names is None else bundle.names
    return Graph(connection, [n for n in wanted if n in root], sha256_of, called)


def compare(bundle: Bundle, graph: Graph) -> Comparison:
    """Compare slot by slot; objects and slots that only the universe has do not count.

    Raises:
        BundleRefused: What the bundle says has no meaning.
    """
    here = dict(graph.texts())
    root_here = graph.root()
    ours = _Side(
        {k: v for text in (root_here, *here.values()) for k, v in text.shared.items()},
        lambda file: graph.method(file).source,
    )
    theirs = _Side(shared_of(bundle), lambda file: bundle.methods[file].source)
    found = Comparison()
    for called, text in bundle.objects.items():
        if called not in here:
            found.new_objects.append(called)
            continue
        with_place = _Pair(bundle, object_file(called), called, ours, theirs)
        _compare_object(text, here[called], with_place, found)
    pair = _Pair(bundle, ROOT, THE_ROOT, ours, theirs)
    for name, value in bundle.root.slots.items():
        if name not in root_here.slots:
            found.new_names.append(name)
        else:
            pair.compare(name, root_here.slots[name], value, found, fixed=False)
    return found


def _compare_object(text: ObjectText, here: ObjectText, pair: _Pair, found: Comparison) -> None:
    for slot, value in text.slots.items():
        if slot in here.slots:
            pair.compare(slot, here.slots[slot], value, found, here.sealed)
        elif here.sealed:
            there = pair.theirs.shown(value)
            found.conflicts.append(Conflict(pair.called, slot, _NOTHING, there, fixed=True))
        else:
            found.new_slots.append((pair.called, slot))
    if text.sealed and not here.sealed:
        shown = Conflict(pair.called, "(primordial)", "false", "true", fixed=True)
        found.conflicts.append(shown)


@dataclass(frozen=True)
class _Pair:
    """One object in the bundle and here."""

    bundle: Bundle
    file: str
    called: str
    ours: _Side
    theirs: _Side

    def compare(
        self, slot: str, here: object, there: object, found: Comparison, fixed: bool
    ) -> None:
        try:
            is_equal = self.ours.expanded(here) == self.theirs.expanded(there)
        except (NotPortable, KeyError) as error:
            why = f"{slot}: {error}"
            raise BundleRefused(str(self.bundle.folder), self.file, why) from error
        if is_equal:
            found.equal += 1
            return
        shown = self.ours.shown(here), self.theirs.shown(there)
        found.conflicts.append(Conflict(self.called, slot, *shown, fixed))


@dataclass(frozen=True)
class _Side:
    """One of the two, and how to read its references."""

    shared: Mapping[str, Any]
    sources: Sources

    def expanded(self, encoded: object) -> str:
        """Return text that is equal for equal values, whatever else shares their containers.

        A method is its source: where it is from may differ, and how many lines end it.
        """
        return compact(self._expanded(encoded, "", {}, 0))

    def _expanded(self, encoded: Any, place: str, seen: dict[str, str], depth: int) -> Any:
        if depth > _MAX_DEPTH:
            raise NotPortable(f"it is nested more than {_MAX_DEPTH} deep")
        if isinstance(encoded, list):
            return [
                self._expanded(item, f"{place}.{i}", seen, depth + 1)
                for i, item in enumerate(encoded)
            ]
        if not isinstance(encoded, dict):
            return encoded
        if isinstance(file := encoded.get("$method"), str):
            return {"$method": self.sources(file).rstrip("\n")}
        if isinstance(called := encoded.get("$shared"), str):
            if called in seen:
                return {"$again": seen[called]}
            seen[called] = place
            return self._expanded(self.shared[called], place, seen, depth + 1)
        return {
            key: self._expanded(item, f"{place}.{key}", seen, depth + 1)
            for key, item in encoded.items()
        }

    def shown(self, encoded: Any) -> str:
        """Return a value for a person to read."""
        if isinstance(encoded, dict) and isinstance(file := encoded.get("$method"), str):
            return self.sources(file)
        text = compact(encoded)
        return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
