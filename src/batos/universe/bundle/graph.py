"""Which objects a bundle holds, what each is called, and what its slots say as text.

An object of the root is called by its name, any other by the way on which it was reached
first. The ways are gone in one order, whatever the database, so that the same universe is
always told with the same names.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from persistent import Persistent
from ZODB.blob import Blob
from ZODB.Connection import Connection

from batos.errors import NoSuchObject, NotExportable
from batos.kernel.method import Method
from batos.kernel.mirror import mirror
from batos.kernel.uvm_object import UvmObject
from batos.universe.blobs import path_of
from batos.universe.bundle.atoms import NotPortable
from batos.universe.bundle.layout import joined, names_for, part_of
from batos.universe.bundle.notes import told_notes
from batos.universe.bundle.values import Place, Surroundings, encode
from batos.universe.delivery import RECEIPTS

JOURNAL = "journal"
NOT_OBJECTS = {JOURNAL, RECEIPTS}  # of the root: one has files of its own, one stays behind
PRIMORDIAL = ("traits_obj", "pLLM_obj", "genesis_obj", "digital_ether")  # as they are born
_ROOT = "+root"  # no object is called so
_OBJECTS_A_SWEEP = 1000  # then the cache of the database is brought down to its size


@dataclass
class ObjectText:
    """An object as its file has it."""

    slots: dict[str, Any]
    sealed: bool = False
    shared: dict[str, Any] = field(default_factory=dict)  # containers that lie in two places
    notes: dict[str, Any] = field(default_factory=dict)  # annotations, by slot

    def as_json(self) -> dict[str, Any]:
        """Return what stands in the file."""
        sealed = {"sealed": True} if self.sealed else {}
        notes = {"notes": self.notes} if self.notes else {}
        shared = {"shared": self.shared} if self.shared else {}
        return {**sealed, "slots": self.slots, **notes, **shared}


class Graph:
    """Objects of the root, with all they reach, by the names that they have in a bundle.

    `objects` has them in the order in which they were reached, `expects` those that the
    bundle names and does not hold: primordials that nobody asked for, which every universe has.
    """

    def __init__(
        self,
        connection: Connection,
        names: Sequence[str] | None,
        weights: Callable[[Path], str],
        called: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Find what belongs to it.

        Args:
            connection: Where the objects are loaded from.
            names: Objects of the root; None stands for all of it.
            weights: What a bundle says of a file of weights: its SHA-256.
            called: Names of the root that belong to it, too, and what they are called in
                the bundle that it is compared with.

        Raises:
            NoSuchObject: The root has nothing of this name.
            NotExportable: A value has no words in a bundle.
        """
        root = connection.root()
        objects = {k: v for k, v in root.items() if isinstance(v, UvmObject)}
        self.asked = _in_order(names, root)
        self.objects: dict[str, bytes] = {}
        self.expects: dict[str, str] = {}
        self.methods: dict[str, bytes] = {}  # by file
        self.ids: dict[bytes, str] = {}
        self.files: dict[bytes, str] = {}
        self.containers: dict[bytes, _Container] = {}
        self.names: dict[bytes, tuple[str, str]] = {}  # in the root, and here
        self.taken: set[str] = set()
        self.weights = weights
        self._connection = connection
        for name, here in names_for(objects, called).items():
            self.names.setdefault(objects[name]._p_oid, (name, here))
            self.taken.add(here.casefold())
        finding = _Finding(self)
        self._find(finding, self.asked)
        self._also = _in_order(sorted(set(called) & set(root)), root)
        self._find(finding, self._also)

    def root(self) -> ObjectText:
        """Return the names of the root that belong to it, and what they lead to."""
        root = self._connection.root()
        reached = {self.names[oid][0] for oid in self.objects.values() if oid in self.names}
        telling = _Telling(self, _ROOT)
        names = sorted({*self.asked, *self._also, *reached})
        slots = _told({name: root[name] for name in names}, (_ROOT,), telling)
        if any(name.startswith("$") for name in slots):
            raise NotExportable("the root", "a name in it begins with $, or is no text")
        return ObjectText(slots, shared=telling.shared())

    def texts(self) -> Iterator[tuple[str, ObjectText]]:
        """Yield each object's name and text."""
        for number, (called, oid) in enumerate(self.objects.items()):
            yield called, self._text(called, oid)
            self._sweep(number)

    def _text(self, called: str, oid: bytes) -> ObjectText:
        obj: UvmObject = self._connection.get(oid)
        telling = _Telling(self, called)
        slots = {slot: _told(value, (called, slot), telling) for slot, value in _slots(obj)}
        return ObjectText(slots, obj._sealed, telling.shared(), told_notes(obj))

    def method(self, file: str) -> Method:
        """Return the method of a file."""
        return cast("Method", self._connection.get(self.methods[file]))

    # --- finding ---------------------------------------------------------------------

    def _find(self, finding: _Finding, names: Sequence[str]) -> None:
        root = self._connection.root()
        values = {name: root[name] for name in names}
        for name, value in values.items():  # objects first: they are called by their names
            if isinstance(value, UvmObject):
                finding.refer(value, (_ROOT, name))
        for name, value in values.items():
            _told(value, (_ROOT, name), finding)
        number = 0
        while finding.to_visit:
            called, oid = finding.to_visit.popleft()
            for slot, value in _slots(self._connection.get(oid)):
                _told(value, (called, slot), finding)
            number += 1
            self._sweep(number)

    def _sweep(self, number: int) -> None:
        if number % _OBJECTS_A_SWEEP == 0:
            self._connection.cacheGC()


@dataclass
class _Container:
    called: str
    owner: str
    is_shared: bool = False


class _Finding:
    """Goes all the ways, and gives names to what it meets for the first time."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.to_visit: deque[tuple[str, bytes]] = deque()

    def refer(self, value: Persistent, place: Place) -> object | None:
        graph, oid = self.graph, value._p_oid
        if isinstance(value, UvmObject):
            if oid not in graph.ids:
                self._name(value, place)
        elif isinstance(value, Method):
            if oid not in graph.files:
                owner, *steps = place
                file = self._free(f"objects/{owner}/{joined(map(part_of, steps))}") + ".py"
                graph.files[oid] = file
                graph.methods[file] = oid
        elif not isinstance(value, Blob):
            known = graph.containers.get(oid)
            if known is None:
                graph.containers[oid] = _Container(self._free(_called(place)), place[0])
                return None
            known.is_shared = True
        return {}

    def rank(self, value: Persistent) -> str:
        return _rank(self.graph, value)

    def _name(self, obj: UvmObject, place: Place) -> None:
        graph, oid = self.graph, obj._p_oid
        name, called = graph.names.get(oid) or (None, self._free(_called(place)))
        graph.ids[oid] = called
        if obj._sealed and name is not None and name not in graph.asked:
            graph.expects[called] = name
            return
        graph.objects[called] = oid
        self.to_visit.append((called, oid))

    def _free(self, name: str) -> str:
        """Return a name that nothing else has: members of one set lie at the same place."""
        free, number = name, 1
        while free.casefold() in self.graph.taken:
            number += 1
            free = f"{name}.{number}"
        self.graph.taken.add(free.casefold())
        return free


class _Telling:
    """Says of what was found how it is called."""

    def __init__(self, graph: Graph, owner: str) -> None:
        self._graph = graph
        self._owner = owner
        self._to_tell: deque[tuple[_Container, Persistent]] = deque()
        self._told: set[str] = set()
        self._inside: Persistent | None = None

    def refer(self, value: Persistent, _place: Place) -> object | None:
        graph, oid = self._graph, value._p_oid
        if isinstance(value, UvmObject):
            return {"$object": graph.ids[oid]}
        if isinstance(value, Method):
            return {"$method": graph.files[oid]}
        if isinstance(value, Blob):
            return {"$blob": graph.weights(path_of(value))}
        known = graph.containers[oid]
        if not known.is_shared or value is self._inside:
            self._inside = None
            return None
        if known.owner == self._owner and known.called not in self._told:
            self._told.add(known.called)
            self._to_tell.append((known, value))
        return {"$shared": known.called}

    def rank(self, value: Persistent) -> str:
        return _rank(self._graph, value)

    def shared(self) -> dict[str, Any]:
        """Return the content of the shared containers that were met here first."""
        shared = {}
        while self._to_tell:
            known, self._inside = self._to_tell.popleft()
            shared[known.called] = _told(self._inside, (known.called,), self)
        return shared


def _rank(graph: Graph, value: Persistent) -> str:
    return graph.ids.get(value._p_oid) or f"new {value._p_oid.hex()}"


def _told(value: object, place: Place, around: Surroundings) -> Any:
    try:
        return encode(value, place, around)
    except NotPortable as error:
        raise NotExportable(".".join(place), str(error)) from error


def _called(place: Place) -> str:
    owner, *steps = place
    return joined([owner, *map(part_of, steps)])


def _slots(obj: UvmObject) -> Iterator[tuple[str, object]]:
    yield from mirror(obj).slots().items()


def _in_order(names: Sequence[str] | None, root: Mapping[str, object]) -> list[str]:
    """Return names of the root: primordials as they were born, then by the alphabet."""
    wanted = set(root if names is None else names) - NOT_OBJECTS
    for name in wanted:
        if name not in root:
            raise NoSuchObject(name, tuple(sorted(set(root) - NOT_OBJECTS)))
    return sorted(wanted, key=lambda name: (name not in PRIMORDIAL, _rank_at_birth(name), name))


def _rank_at_birth(name: str) -> int:
    return PRIMORDIAL.index(name) if name in PRIMORDIAL else 0
