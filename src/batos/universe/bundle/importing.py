"""A bundle becomes a new universe, or joins one slot by slot; whole, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from ZODB.Connection import Connection

from batos.errors import BundleRefused, Conflict, ImportConflict
from batos.kernel.uvm_object import UvmObject
from batos.universe.addresses import Address
from batos.universe.blobs import OnBytes, unseen
from batos.universe.bundle import entries
from batos.universe.bundle.building import Builder, FindWeights
from batos.universe.bundle.comparing import THE_ROOT, Comparison, compare, graph_here
from batos.universe.bundle.graph import JOURNAL, NOT_OBJECTS, PRIMORDIAL
from batos.universe.bundle.layout import MANIFEST, ROOT, object_file
from batos.universe.bundle.reading import Bundle, read_bundle
from batos.universe.conflicts import Turns, retried
from batos.universe.creating import create_universe
from batos.universe.journal import new_book
from batos.universe.log import LASTING
from batos.universe.universe import Universe

Prefer = Literal["ours", "theirs"]

_RESERVED = frozenset({"personas", "library", "lineage"})  # of the root, for later parts


@dataclass(frozen=True)
class Imported:
    """What an import did, or would do."""

    new_objects: tuple[str, ...]
    new_slots: tuple[str, ...]  # of objects that were here
    new_names: tuple[str, ...]  # in the root
    equal: int  # slots that were here, the same
    conflicts: tuple[Conflict, ...]  # that were decided, or would have to be
    entries: int = 0  # of the journal

    @property
    def changes(self) -> bool:
        """Whether objects here change by it, apart from conflicts."""
        return bool(self.new_objects or self.new_slots or self.new_names)


def _nowhere(_sha256: str) -> None:
    return None


def rebuild(
    path: Path | Address,
    folder: Path,
    user: str = "",
    *,
    dry_run: bool = False,
    find_weights: FindWeights = _nowhere,
    on_bytes: OnBytes = unseen,
) -> Imported:
    """Create a universe at `path` from a bundle of a whole one.

    Args:
        path: Nothing may be there.
        folder: The bundle.
        user: Who does it, for the log.
        dry_run: Only say what would happen: what was made is thrown away.
        find_weights: Where weights are that the bundle only names.
        on_bytes: Told how far the copies of weights are.

    Raises:
        BundleRefused: It is no bundle of a whole universe, or it is damaged.
        MindMissing: Nobody has the weights that it names.
        UniverseExists: Something lies at `path`.
        OSError: The disk is full; nothing is left behind.
    """
    bundle = read_bundle(folder)
    _check_root(bundle)
    _check_whole(bundle)

    def give_birth(connection: Connection) -> None:
        builder = Builder(bundle, connection, {}, find_weights, on_bytes)
        _bear(bundle, builder, connection.root())
        if dry_run:
            raise _OnlyLooked(Comparison())

    with suppress(_OnlyLooked):
        create_universe(path, "import", user, give_birth)
    return Imported(
        tuple(bundle.objects), (), tuple(bundle.root.slots), 0, (), len(bundle.entries)
    )


def import_bundle(
    universe: Universe,
    folder: Path,
    user: str = "",
    *,
    prefer: Prefer | None = None,
    dry_run: bool = False,
    find_weights: FindWeights = _nowhere,
    on_bytes: OnBytes = unseen,
) -> Imported:
    """Join a bundle to a universe, in one transaction; the journal's entries in another.

    Objects are the same if they have the same name, or lie on the same way from one that
    has. Of such an object new slots are added and equal ones left; a slot that differs is a
    conflict. Primordials never change.

    Args:
        universe: The target.
        folder: The bundle.
        user: Who does it, for the log.
        prefer: What to do with conflicts; None refuses them.
        dry_run: Only say what would happen.
        find_weights: Where weights are that the bundle only names.
        on_bytes: Told how far the copies of weights are.

    Raises:
        BundleRefused: It is no bundle, or damaged, or expects what is not here.
        ImportConflict: Slots differ, and it was not said which ones count.
        MindMissing: Nobody has the weights that it names.
        UniverseReadOnly: It was opened to be read.
    """
    bundle = read_bundle(folder)
    _check_root(bundle)

    def attempt() -> Imported:
        try:
            with universe.transaction(f"import {folder.name}", user) as root:
                found = _join(
                    *(bundle, root, prefer, dry_run),
                    find_weights=find_weights,
                    on_bytes=on_bytes,
                )
                if dry_run:
                    raise _OnlyLooked(found)
        except _OnlyLooked as looked:
            found = looked.found
        return _as_imported(found)

    imported = retried(attempt, Turns())
    if dry_run or not bundle.entries:
        return imported
    return replace(
        imported, entries=retried(partial(_add_entries, universe, bundle, user), Turns())
    )


def _join(
    bundle: Bundle,
    root: Any,
    prefer: Prefer | None,
    dry_run: bool,
    *,
    find_weights: FindWeights,
    on_bytes: OnBytes,
) -> Comparison:
    """Write what is new, and what is preferred, in the open transaction; say what that was."""
    connection = root._p_jar
    graph = graph_here(bundle, connection)
    found = compare(bundle, graph)
    _check_new(bundle, found)
    _decide(found.conflicts, prefer, dry_run)
    here = {called: connection.get(oid) for called, oid in graph.objects.items()}
    here |= _expected(bundle, connection)
    _write(found, Builder(bundle, connection, here, find_weights, on_bytes), prefer, root)
    return found


class _OnlyLooked(Exception):
    """Aborts a transaction whose changes nobody wanted."""

    def __init__(self, found: Comparison) -> None:
        self.found = found


def _check_root(bundle: Bundle) -> None:
    for name in NOT_OBJECTS & bundle.root.slots.keys():
        why = f"it names {name!r}, which is no object of a bundle"
        raise BundleRefused(str(bundle.folder), ROOT, why)


def _check_whole(bundle: Bundle) -> None:
    if bundle.names is not None or bundle.expects:
        why = "names: it holds some objects only; import it into a universe that is there"
        raise BundleRefused(str(bundle.folder), MANIFEST, why)
    for name in PRIMORDIAL:
        text = bundle.objects.get(_called(bundle, name))
        if text is None or not text.sealed:
            why = f"{name}: this primordial is missing, or is not sealed"
            raise BundleRefused(str(bundle.folder), ROOT, why)


def _called(bundle: Bundle, name: str) -> str:
    """Return what the bundle calls an object of the root."""
    value = bundle.root.slots.get(name)
    return str(value.get("$object")) if isinstance(value, dict) else ""


def _bear(bundle: Bundle, builder: Builder, root: Any) -> None:
    first = [_called(bundle, name) for name in PRIMORDIAL]
    for called in dict.fromkeys([*first, *bundle.objects]):
        builder.make(called)
    for called in bundle.objects:
        builder.fill(called)
    for name in bundle.root.slots:
        root[name] = builder.named(name)
    root[JOURNAL] = new_book()
    for number, text in bundle.entries.items():
        entries.add(root[JOURNAL], entries.read(number, text), number)


def _as_imported(found: Comparison) -> Imported:
    return Imported(
        tuple(found.new_objects),
        tuple(f"{called} {slot}" for called, slot in found.new_slots),
        tuple(found.new_names),
        found.equal,
        tuple(found.conflicts),
    )


def _expected(bundle: Bundle, connection: Connection) -> dict[str, UvmObject]:
    root = connection.root()
    for name in bundle.expects.values():
        if not isinstance(root.get(name), UvmObject) or not root[name]._sealed:
            why = f"expects: the universe has no primordial {name!r}"
            raise BundleRefused(str(bundle.folder), MANIFEST, why)
    return {called: root[name] for called, name in bundle.expects.items()}


def _decide(conflicts: Sequence[Conflict], prefer: Prefer | None, dry_run: bool) -> None:
    counting = [it for it in conflicts if prefer is None or (prefer == "theirs" and it.fixed)]
    if counting and not dry_run:
        raise ImportConflict(tuple(counting))


def _check_new(bundle: Bundle, found: Comparison) -> None:
    """Refuse what only a birth may bring: primordials, and names that batos gives."""
    for called in found.new_objects:
        if bundle.objects[called].sealed:
            why = "sealed: a universe that is there gets no new primordials"
            raise BundleRefused(str(bundle.folder), object_file(called), why)
    for name in found.new_names:
        if name in _RESERVED:
            why = f"{name}: batos gives this name itself"
            raise BundleRefused(str(bundle.folder), ROOT, why)


def _write(found: Comparison, builder: Builder, prefer: Prefer | None, root: Any) -> None:
    for called in found.new_objects:
        builder.make(called)
    for called in found.new_objects:
        builder.fill(called)
    for called, slot in found.new_slots:
        builder.set(called, slot)
    for name in found.new_names:
        root[name] = builder.named(name)
    for conflict in found.conflicts if prefer == "theirs" else ():
        if conflict.fixed:
            continue  # only looked at: else it was refused
        if conflict.object == THE_ROOT:
            root[conflict.slot] = builder.named(conflict.slot)
        else:
            builder.set(conflict.object, conflict.slot)


def _add_entries(universe: Universe, bundle: Bundle, user: str) -> int:
    mark = {LASTING: True}
    with universe.transaction(f"journal: import {bundle.folder.name}", user, mark) as root:
        read = [entries.read(number, text) for number, text in bundle.entries.items()]
        return entries.merge(root[JOURNAL], read)
