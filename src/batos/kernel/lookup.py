"""Where a selector leads, found out once: maps.

`delegation` says who is asked. Objects with the same parents find the same there, so they
share a *map* (the word is Self's): a Python class, made when one of them is first asked,
which gets an attribute for each selector that leads to an ancestor. From then on such a
selector is read like any attribute of a Python object, however far up its slot lies.

What a map knows holds as long as the objects that it asked stay as they are. Each of them
keeps the maps that asked it, and makes them forget when one of its slots comes or goes,
when its behaviour or its parents change, and when it leaves memory: by the collection of
the connection's cache, an abort, a conflict, or what another connection committed, all of
which pass `_p_deactivate`. A new value is no such change: of data a map knows the place.

An object with behaviour of its own has a map for itself, and so has one that is its own
ancestor: the others would ask in another order. Source: C. Chambers, D. Ungar, E. Lee, "An
efficient implementation of SELF", OOPSLA 1989.
"""

from __future__ import annotations

from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from weakref import WeakSet, WeakValueDictionary

from batos.kernel.delegation import ancestry, parents_of
from batos.kernel.method import behaviour_of, bind, is_behaviour

if TYPE_CHECKING:
    from collections.abc import Callable

    from batos.kernel.uvm_object import UvmObject

_ASKED_BY = "_v_asked_by"  # in an ancestor: the maps that know something through it
_MAPS = "_v_maps"  # in a first parent: the maps of its children, by all their parents

# Like `obj.__class__ = kind`, which would mark the object as changed.
_set_class: Callable[[object, type], None] = object.__dict__["__class__"].__set__


class Found(NamedTuple):  # a dataclass takes three times as long to make
    """A slot, and the object that holds it."""

    holder: UvmObject
    value: object


class Map(type):
    """The class of objects that start every lookup at the same place.

    `UvmObject` itself is the blank map: of objects that were not asked yet, or that forgot.
    Every other is a subclass of it without anything of its own but what it learned.
    """

    _start: tuple[UvmObject, ...] | None = None  # whom to ask first; None: blank
    _holders: dict[str, UvmObject]  # selector -> the ancestor that has the slot
    _attributes: set[str]  # selectors that objects read as attributes of this class


def find(receiver: UvmObject, selector: str) -> Found | None:
    """Return the first slot named `selector` on the way up, or None."""
    slots = receiver._slots
    if selector in slots:
        return Found(receiver, slots[selector])
    map_ = map_of(receiver)
    holder = map_._holders.get(selector)
    if holder is None:
        holder = _ask(receiver, selector)
        if holder is None:
            return None
    return Found(holder, holder._slots[selector])


def remember(receiver: UvmObject, selector: str, found: Found) -> object:
    """Return what was found as it is read from the receiver, at once the next time.

    Raises:
        SourceRefused, OutsideUniverse: It is behaviour that cannot be compiled, or bound.
    """
    if is_behaviour(found.value):
        attribute = _attribute(behaviour_of(found.value, receiver))
    elif found.holder is receiver:
        return found.value
    else:
        attribute = _Inherited(found.holder, selector)
    map_ = map_of(receiver)
    setattr(map_, selector, attribute)
    map_._attributes.add(selector)
    return bind(found.value, receiver)


def slots_changed(obj: UvmObject) -> None:
    """Let all who looked through the object forget what they know."""
    for map_ in obj.__dict__.pop(_ASKED_BY, ()):
        for selector in map_._attributes:
            delattr(map_, selector)
        map_._attributes.clear()
        map_._holders.clear()


def shape_changed(obj: UvmObject) -> None:
    """Do the same, and let the object itself look for another map."""
    slots_changed(obj)
    if type(obj)._start is not None:
        _set_class(obj, _blank(type(obj)))


def _ask(receiver: UvmObject, selector: str) -> UvmObject | None:
    """Return who has the slot, by definition; the receiver's map knows it from then on."""
    map_ = map_of(receiver)
    asked: list[UvmObject] = []
    for candidate in ancestry(*cast("tuple[UvmObject, ...]", map_._start)):
        asked.append(candidate)
        if selector in candidate._slots:
            break
    else:
        return None
    for one in asked:
        if type(one) is map_ and map_._start != (one,):  # it is an ancestor of its own parents
            _set_class(one, _new_map(_blank(map_), (one,)))
    if type(receiver) is not map_:
        return _ask(receiver, selector)
    for one in asked:
        one.__dict__.setdefault(_ASKED_BY, WeakSet()).add(map_)
    map_._holders[selector] = candidate
    return candidate


def map_of(receiver: UvmObject) -> Map:
    """Return the receiver's map; it gets one if it has none yet."""
    kind = type(receiver)
    if kind._start is not None:
        return kind
    start = parents_of(receiver)
    if not start or any(map(is_behaviour, receiver._slots.values())):
        map_ = _new_map(kind, (receiver,))
    else:
        start[0]._slots  # noqa: B018  loads it: what is put into it before would be lost
        siblings = start[0].__dict__.setdefault(_MAPS, WeakValueDictionary())
        parents = tuple(map(id, start))  # the map holds them, so nothing else gets their ids
        map_ = siblings.get(parents)
        if map_ is None:
            map_ = siblings[parents] = _new_map(kind, start)
        elif map_ in receiver.__dict__.get(_ASKED_BY, ()):  # its own ancestor
            map_ = _new_map(kind, (receiver,))
    _set_class(receiver, map_)
    return map_


def _blank(map_: Map) -> Map:
    return cast("Map", map_.__base__)


def _new_map(blank: Map, start: tuple[UvmObject, ...]) -> Map:
    own = {"__module__": blank.__module__, "__qualname__": blank.__qualname__}
    known = {"_start": start, "_holders": {}, "_attributes": set()}
    return Map(blank.__name__, (blank,), own | known)


class _Inherited:
    """Reads data from the slots of an ancestor; data of the object's own goes first.

    An ancestor gets other slots only when it is loaded anew, and then this is forgotten.
    """

    __slots__ = ("_selector", "_slots")

    def __init__(self, holder: UvmObject, selector: str) -> None:
        self._slots = holder._slots
        self._selector = selector

    def __get__(self, _obj: object, _kind: type) -> object:
        return self._slots[self._selector]


class _Bound:
    """Binds what is no Python function, and so does not bind itself."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[..., object]) -> None:
        self._call = call

    def __get__(self, obj: object, _kind: type) -> object:
        return MethodType(self._call, obj)


def _attribute(call: Callable[..., object]) -> Any:
    return call if isinstance(call, FunctionType) else _Bound(call)
