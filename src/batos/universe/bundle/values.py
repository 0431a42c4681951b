"""Data as JSON, and back; nothing is lost, and nothing but data comes in.

What JSON has a word for stands as it is: null, true, numbers, text, a list, a dict whose keys
are text. Everything else is an object with one key that begins with `$`: docs/reference/
bundle-format.md lists them, and `atoms` knows those that hold nothing else. Objects, methods,
weights and shared containers lie elsewhere; who encodes or decodes says what stands for them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn, Protocol

from BTrees.IOBTree import IOBTree, IOTreeSet
from BTrees.OOBTree import OOBTree, OOTreeSet
from persistent import Persistent
from persistent.list import PersistentList
from persistent.mapping import PersistentMapping

from batos.kernel.shared import Counter, Queue
from batos.kernel.values import PersistentSet
from batos.universe.bundle.atoms import EXACT_INT, READ, WRITE, NotPortable, has_surrogate

Place = tuple[str, ...]  # the way to a value: an owner, a slot, then keys and indexes

MAX_DEPTH = 100  # containers in containers; a slot is written with half of that at most
_MAPPINGS = {"map": PersistentMapping, "OOBTree": OOBTree, "IOBTree": IOBTree}
_SETS = {"set": PersistentSet, "OOTreeSet": OOTreeSet, "IOTreeSet": IOTreeSet}
_SHARED = {"counter": Counter, "queue": Queue}
_NAMED = {kind: name for name, kind in (_MAPPINGS | _SETS | _SHARED).items()} | {
    dict: "map",
    set: "set",
    tuple: "tuple",
    frozenset: "frozenset",
}
_CONTAINERS: Mapping[str, Callable[[], Any]] = _MAPPINGS | _SETS | _SHARED


class Surroundings(Protocol):
    """What stands in a bundle for what is more than data."""

    def refer(self, value: Persistent, place: Place) -> object | None:
        """Return what stands for a value, or None if its own content does."""
        ...

    def rank(self, value: Persistent) -> str:
        """Return text that orders a value among the members of a set, always in one way."""
        ...


# --- to JSON -------------------------------------------------------------------------------


def encode(value: object, place: Place, around: Surroundings, depth: int = 0) -> Any:
    """Return a value in JSON's words.

    Raises:
        NotPortable: There are none for it.
    """
    atom = WRITE.get(type(value))
    if atom is not None:
        return atom(value)
    if isinstance(value, Persistent):
        reference = around.refer(value, place)
        if reference is not None:
            return reference
    if depth > MAX_DEPTH:
        raise NotPortable(f"containers are nested more than {MAX_DEPTH} deep")
    return _encode_container(value, place, around, depth + 1)


def _encode_container(value: Any, place: Place, around: Surroundings, depth: int) -> Any:
    if isinstance(value, list | PersistentList):
        return _items(value, place, around, depth)
    name = _NAMED.get(type(value))
    if name == "counter":
        return {"$counter": encode(value.value, place, around, depth)}
    if name == "queue":
        return {"$queue": _items(value, place, around, depth)}
    if name in _MAPPINGS:
        return _encode_mapping(value, name, place, around, depth)
    if name == "tuple":
        return {"$tuple": _items(value, place, around, depth)}
    if name is not None:
        members = sorted(value, key=lambda member: _rank(member, around))
        encoded = [encode(member, (*place, "+"), around, depth) for member in members]
        return {f"${name}": sorted(encoded, key=compact)}
    raise NotPortable(f"a {type(value).__name__} has no words in a bundle")


def _items(value: Iterable[object], place: Place, around: Surroundings, depth: int) -> Any:
    return [encode(item, (*place, str(i)), around, depth) for i, item in enumerate(value)]


def _encode_mapping(
    value: Mapping[object, object], name: str, place: Place, around: Surroundings, depth: int
) -> Any:
    if name == "map" and all(_is_plain_key(key) for key in value):
        return {
            str(key): encode(item, (*place, str(key)), around, depth)
            for key, item in value.items()
        }
    return {
        f"${name}": [
            [
                encode(key, (*place, f"{i}k"), around, depth),
                encode(item, (*place, str(i)), around, depth),
            ]
            for i, (key, item) in enumerate(value.items())
        ]
    }


def _is_plain_key(key: object) -> bool:
    return type(key) is str and not key.startswith("$") and not has_surrogate(key)


class _Ranking:
    """Objects that have no name yet are ordered by who was born first."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    def refer(self, value: Persistent, _place: Place) -> object:
        return self.rank(value)

    def rank(self, value: Persistent) -> str:
        return self._around.rank(value)


def _rank(member: object, around: Surroundings) -> str:
    return compact(encode(member, (), _Ranking(around)))


def compact(encoded: object) -> str:
    """Return JSON in one line."""
    return json.dumps(encoded, ensure_ascii=False, separators=(",", ":"))


# --- from JSON -----------------------------------------------------------------------------


Resolve = Callable[[str, object], object]  # a word without its $, what stands behind it


def decode(encoded: Any, resolve: Resolve, depth: int = 0) -> object:
    """Return the value that JSON's words mean, as a slot keeps it.

    Args:
        encoded: What a JSON file says.
        resolve: Gives what lies elsewhere: objects, methods, weights, shared containers.
        depth: How many containers are around it.

    Raises:
        NotPortable: They mean none.
    """
    if isinstance(encoded, list | dict):
        return _decode_container(encoded, resolve, depth)
    if isinstance(encoded, int) and abs(encoded) >= EXACT_INT:
        raise NotPortable("a number of this size is written as $int")
    return encoded


def _decode_container(encoded: Any, resolve: Resolve, depth: int) -> object:
    if depth > MAX_DEPTH:
        raise NotPortable(f"containers are nested more than {MAX_DEPTH} deep")
    word = _word(encoded)
    if word is None or word in _CONTAINERS:
        return fill(empty(encoded), encoded, resolve, depth)
    if word in READ:
        return _read_atom(word, encoded)
    if word not in ("tuple", "frozenset"):
        return resolve(word, _only(encoded))
    items = [decode(item, resolve, depth + 1) for item in _list(_only(encoded))]
    return tuple(items) if word == "tuple" else _frozen(items)


def empty(encoded: Any) -> object:
    """Return the container that JSON's words mean, with nothing in it yet.

    Raises:
        NotPortable: They mean no container that can be shared.
    """
    if isinstance(encoded, list):
        return PersistentList()
    word = (_word(encoded) or "map") if isinstance(encoded, dict) else "value"
    kind = _CONTAINERS.get(word)
    if kind is None:
        raise NotPortable(f"a {word} is no container that can be shared")
    return Counter(_number(_only(encoded))) if kind is Counter else kind()


def fill(container: Any, encoded: Any, resolve: Resolve, depth: int = 0) -> Any:
    """Put in what belongs into a container that `empty` made; return it."""
    try:
        if isinstance(encoded, list):
            container.extend([decode(item, resolve, depth + 1) for item in encoded])
        elif _word(encoded) in _SETS:
            items = _list(_only(encoded))
            for item in items:
                container.add(decode(item, resolve, depth + 1))
            _check_count(container, items)
        elif isinstance(container, Queue):
            for item in _list(_only(encoded)):
                container.put(decode(item, resolve, depth + 1))
        elif not isinstance(container, Counter):
            pairs = _pairs(encoded)
            for key, item in pairs:
                container[decode(key, resolve, depth + 1)] = decode(item, resolve, depth + 1)
            _check_count(container, pairs)
    except (TypeError, OverflowError) as error:
        raise NotPortable(f"{error}") from error
    return container


def _number(encoded: object) -> float:
    number = decode(encoded, _nowhere)
    if type(number) is int or (isinstance(number, float) and math.isfinite(number)):
        return number
    raise NotPortable("a counter is a number")


def _nowhere(word: str, _value: object) -> NoReturn:
    raise NotPortable(f"${word} has no meaning here")


def _pairs(encoded: dict[str, Any]) -> list[Any]:
    if _word(encoded) is None:
        return list(encoded.items())
    pairs = _list(_only(encoded))
    if not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        raise NotPortable("a mapping is a list of pairs")
    return pairs


def _check_count(container: Any, items: list[Any]) -> None:
    if len(container) != len(items):
        raise NotPortable("a key or a member stands there twice")


def _frozen(items: list[object]) -> frozenset[object]:
    try:
        frozen = frozenset(items)
    except TypeError as error:
        raise NotPortable(f"{error}") from error
    _check_count(frozen, items)
    return frozen


def _word(encoded: Any) -> str | None:
    """Return the word that says what an encoded value is, None for a plain one."""
    if not isinstance(encoded, dict):
        return None
    words: list[str] = [key for key in encoded if key.startswith("$")]
    if not words:
        return None
    others = set(encoded) - {words[0]}
    if others - ({"zone"} if words[0] in ("$time", "$datetime") else set()):
        raise NotPortable(f"beside {words[0]} nothing may stand, and there is {min(others)}")
    return words[0][1:]


def _only(encoded: dict[str, Any]) -> Any:
    return next(item for key, item in encoded.items() if key.startswith("$"))


def _list(encoded: object) -> list[Any]:
    if not isinstance(encoded, list):
        raise NotPortable("a list is wanted")
    return encoded


def _read_atom(word: str, encoded: dict[str, Any]) -> object:
    try:
        return READ[word](encoded)
    except (TypeError, ValueError, OverflowError, KeyError) as error:
        raise NotPortable(f"this is no ${word}: {error}") from error
