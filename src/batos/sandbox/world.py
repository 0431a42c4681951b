"""A copy of an object and of all that it reaches, to be tried on.

`capture` numbers the objects on the owner's side, the receiver first; `rebuild` makes them
again in the trial process, where a method may do to them what it likes; what it did comes
back as numbers and data. Behaviour travels as source or as a primitive's name. What is
neither data nor an object (a blob, an index) stays behind: a mark stands for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from persistent.list import PersistentList
from persistent.mapping import PersistentMapping

from batos.errors import ClosureTooLarge, NotStorable
from batos.kernel import lookup
from batos.kernel.delegation import PARENT_MARK
from batos.kernel.method import Method, Primitive, is_behaviour
from batos.kernel.runtime import Runtime
from batos.kernel.shared import Counter, Queue
from batos.kernel.uvm_object import UvmObject, put
from batos.kernel.values import Mergeable, PersistentSet, StandIn, storable
from batos.sandbox.wire import COUNTER, OBJECT, OPAQUE, QUEUE, Encoder, Json, decode


@dataclass(frozen=True, eq=False)
class Ref:
    """An object in a trial's outcome. It equals the object that it stands for."""

    label: str  # "self" is the receiver, "new 1" the first that the trial made
    stands_for: object = field(default=None, repr=False)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Ref):
            return self.label == other.label and self.stands_for is other.stands_for
        return self.stands_for is not None and other is self.stands_for

    def __hash__(self) -> int:
        return hash(self.label) if self.stands_for is None else hash(self.stands_for)


class World:
    """Objects that belong to the owner, numbered from the receiver's 0."""

    def __init__(self, objects: Iterable[UvmObject]) -> None:
        self.objects = list(objects)
        self._numbers = {id(obj): number for number, obj in enumerate(self.objects)}
        self._left_behind: list[object] = []

    def encode(self, value: object) -> Json:
        """Return data as JSON, its objects as their numbers.

        Raises:
            ClosureTooLarge: It is made of too many values, or nested too deeply.
        """
        return self._encoded(value, Encoder(self._refer))

    def to_json(self) -> Json:
        """Return all objects as JSON, for `rebuild`.

        Raises:
            ClosureTooLarge: They hold too many values.
        """
        encoder = Encoder(self._refer)
        return [
            {
                "oid": cast("bytes", obj._p_oid or b"").hex(),
                "sealed": obj._sealed,
                "slots": {
                    name: self._slot(value, encoder) for name, value in obj._slots.items()
                },
            }
            for obj in self.objects
        ]

    def decode(self, data: Json) -> object:
        """Return a value that came back from a trial as plain data; objects become `Ref`s.

        Raises:
            ValueError, TypeError, LookupError, ArithmeticError, RecursionError: It did not
                come from a trial on this world.
        """
        return decode(data, self._resolve)

    def ref(self, number: int) -> Ref:
        """Return what stands for an object: one of this world, or one made in a trial."""
        if type(number) is not int or number < 0:
            raise ValueError(f"{number!r} is no object's number")
        if number >= len(self.objects):
            return Ref(f"new {number - len(self.objects) + 1}")
        obj = self.objects[number]
        if number == 0:
            return Ref("self", obj)
        return Ref(f"object {number}" if obj._p_oid is None else repr(obj), obj)

    def _encoded(self, value: object, encoder: Encoder) -> Json:
        try:
            return encoder.encode(value)
        except ValueError as error:
            raise ClosureTooLarge(repr(self.objects[0]), str(error)) from None

    def _slot(self, value: object, encoder: Encoder) -> Json:
        if isinstance(value, Method):
            return {"method": value.source}
        if isinstance(value, Primitive):
            return {"primitive": value.name}
        return {"data": self._encoded(value, encoder)}

    def _refer(self, value: object) -> Json:
        number = self._numbers.get(id(value))
        if number is not None:
            return [OBJECT, number]
        for place, known in enumerate(self._left_behind):
            if known is value:
                return [OPAQUE, place, type(value).__name__]
        self._left_behind.append(value)
        return [OPAQUE, len(self._left_behind) - 1, type(value).__name__]

    def _resolve(self, tag: str, parts: list[Any]) -> object:
        if tag == OBJECT:
            (number,) = parts
            return self.ref(number)
        if tag == QUEUE:
            return parts
        if tag == COUNTER:
            return Counter(*parts).value
        value = self._left_behind[parts[0]]
        return Ref(f"a {type(value).__name__}", value)


class Opaque(StandIn):
    """Stands in a trial for something that stayed behind."""

    def __init__(self, place: int, kind: str) -> None:
        self.place = place
        self.kind = kind

    def __repr__(self) -> str:
        return f"<a {self.kind} that stayed behind>"


class Rebuilt:
    """The same objects in the trial process, and those that a method adds to them."""

    def __init__(self, data: Json, runtime: Runtime) -> None:
        described = cast("list[dict[str, Any]]", data)
        self.objects = [UvmObject() for _ in described]
        self._numbers = {id(obj): number for number, obj in enumerate(self.objects)}
        self._known = len(self.objects)
        self._opaques: dict[int, Opaque] = {}
        jar = _Jar(runtime)
        for obj, description in zip(self.objects, described, strict=True):
            for name, slot in description["slots"].items():
                put(obj, name, self._slot(slot))
            obj.__dict__["_sealed"] = description["sealed"]
            obj._p_jar = jar
            obj._p_oid = bytes.fromhex(description["oid"]) or None

    @property
    def receiver(self) -> UvmObject:
        """The object that the message is sent to."""
        return self.objects[0]

    def decode(self, data: Json) -> object:
        """Return the value that the owner's world encoded."""
        return decode(data, self._resolve)

    def give(self, name: str, data: Json) -> None:
        """Write a slot of the receiver; a counter or a queue stays one, with this content."""
        value = self.decode(data)
        found = lookup.find(self.receiver, name)
        kind = type(found.value) if found and isinstance(found.value, Mergeable) else None
        setattr(self.receiver, name, value if kind is None else kind(value))

    def encode(self, value: object) -> Json:
        """Return a value as JSON; an object that is new here gets the next number.

        Raises:
            NotStorable: It is neither data nor an object.
            ValueError: It is too large.
        """
        return Encoder(self._refer, most=20_000).encode(value)

    def data_slots(self) -> dict[tuple[int, str], Json]:
        """Return all data of all objects; of a new one also what it delegates to.

        Raises:
            ValueError: It is too large.
        """
        encoder = Encoder(self._refer)
        found: dict[tuple[int, str], Json] = {}
        for number, obj in enumerate(self.objects):  # it grows while new ones are found
            for name, value in obj._slots.items():
                if is_behaviour(value) or (number < self._known and name.endswith(PARENT_MARK)):
                    continue
                found[number, name] = encoder.encode(value)
        return found

    def _slot(self, slot: Mapping[str, Any]) -> object:
        if "method" in slot:
            return Method(slot["method"], {})
        if "primitive" in slot:
            return Primitive(slot["primitive"])
        return storable(self.decode(slot["data"]), "a copy")

    def _refer(self, value: object) -> Json:
        if isinstance(value, Opaque):
            return [OPAQUE, value.place, value.kind]
        if not isinstance(value, UvmObject):
            raise NotStorable(type(value).__name__, "an answer")
        if id(value) not in self._numbers:
            self._numbers[id(value)] = len(self.objects)
            self.objects.append(value)
        return [OBJECT, self._numbers[id(value)]]

    def _resolve(self, tag: str, parts: list[Any]) -> object:
        if tag == OBJECT:
            return self.objects[parts[0]]
        if tag == QUEUE:
            return Queue(parts)
        if tag == COUNTER:
            return Counter(*parts)
        place, kind = parts
        return self._opaques.setdefault(place, Opaque(place, kind))


class _Jar:
    """All that the kernel wants of a connection."""

    context = None

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime

    def register(self, obj: object) -> None:
        """Hear that an object was changed, and do nothing about it."""


def capture(receiver: UvmObject, values: Iterable[object], limit: int = 200) -> World:
    """Return the receiver, what `values` refer to, and all that these reach.

    Args:
        receiver: The object to be tried on.
        values: Arguments, and whatever else will be encoded for this world.
        limit: How many objects a copy may have.

    Raises:
        ClosureTooLarge: There are more objects than that.
    """
    found: dict[int, UvmObject] = {}
    to_visit = [receiver, *(obj for value in values for obj in _objects_in(value))]
    to_visit.reverse()  # the receiver is looked at first
    while to_visit:
        obj = to_visit.pop()
        if id(obj) in found:
            continue
        if len(found) == limit:
            raise ClosureTooLarge(repr(receiver), f"it reaches more than {limit} objects")
        found[id(obj)] = obj
        for value in obj._slots.values():
            to_visit.extend(_objects_in(value))
    return World(found.values())


def rebuild(data: Json, runtime: Runtime) -> Rebuilt:
    """Return the objects of a captured world, made again; their methods run by `runtime`."""
    return Rebuilt(data, runtime)


def _objects_in(value: object) -> Iterator[UvmObject]:
    """Yield the objects in a value. A container is looked into once: it may hold itself."""
    pending, seen = [value], set[int]()
    while pending:
        held = pending.pop()
        if isinstance(held, UvmObject):
            yield held
        elif isinstance(held, _CONTAINERS) and id(held) not in seen:
            seen.add(id(held))
            items = list(held)
            if isinstance(held, _MAPPINGS):
                items += held.values()
            pending.extend(reversed(items))


_MAPPINGS = (dict, PersistentMapping)
_CONTAINERS = (*_MAPPINGS, list, tuple, set, frozenset, PersistentList, PersistentSet, Queue)
