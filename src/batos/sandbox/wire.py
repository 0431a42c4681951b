"""Values as JSON and back, without loss.

This is what an owner and its trial jail say to each other: never pickles, because nothing
that comes out of a jail may name a class. A scalar that JSON has stands for itself; all
else is a list that begins with its tag. What a reference means is the caller's business.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Callable, Mapping
from typing import Any, cast

from persistent.list import PersistentList
from persistent.mapping import PersistentMapping

from batos.kernel.shared import Counter, Queue
from batos.kernel.values import MAX_DEPTH, PersistentSet

Json = None | bool | int | float | str | list[Any] | dict[str, Any]

OBJECT = "object"  # the tags that a caller resolves
OPAQUE = "opaque"
COUNTER = "counter"  # the same, but what they hold is decoded before
QUEUE = "queue"

_EXACT_IN_JSON = 2**53  # larger integers are written in hexadecimal: no limit on digits

# Types that JSON lacks: what they are made of, and how they are made again.
_PARTS: Mapping[type, Callable[[Any], tuple[object, ...]]] = {
    complex: lambda value: (value.real, value.imag),
    bytes: lambda value: (value.hex(),),
    dt.date: lambda value: (value.year, value.month, value.day),
    dt.time: lambda value: (*_clock(value), _fixed_zone(value), value.fold),
    dt.datetime: lambda value: (
        *(value.year, value.month, value.day),
        *(*_clock(value), _fixed_zone(value), value.fold),
    ),
    dt.timedelta: lambda value: (value.days, value.seconds, value.microseconds),
    dt.timezone: lambda value: value.__getinitargs__(),
    list: tuple,
    PersistentList: tuple,
    tuple: tuple,
    dict: lambda value: tuple(part for pair in value.items() for part in pair),
    PersistentMapping: lambda value: tuple(part for pair in value.items() for part in pair),
    Counter: lambda value: (value.value,),
    Queue: tuple,
}
_UNORDERED = (set, frozenset, PersistentSet)
_TAGS: Mapping[type, str] = {
    **{kind: kind.__name__ for kind in (*_PARTS, *_UNORDERED)},
    PersistentList: "list",
    PersistentMapping: "dict",
    PersistentSet: "set",
    Counter: COUNTER,
    Queue: QUEUE,
}
_MAKERS: Mapping[str, Callable[..., object]] = {
    "int": lambda digits: int(digits, 16),
    "float": float,
    "text": lambda code_points: "".join(map(chr, code_points)),
    "complex": complex,
    "bytes": bytes.fromhex,
    "date": dt.date,
    "time": lambda *parts: dt.time(*parts[:-1], fold=parts[-1]),
    "datetime": lambda *parts: dt.datetime(*parts[:-1], fold=parts[-1]),
    "timedelta": dt.timedelta,
    "timezone": dt.timezone,
    "list": lambda *items: list(items),
    "tuple": lambda *items: items,
    "set": lambda *items: set(items),
    "frozenset": lambda *items: frozenset(items),
    "dict": lambda *parts: dict(zip(parts[::2], parts[1::2], strict=True)),
}


class Encoder:
    """Writes values as JSON. Persistent containers are written as their plain kinds.

    A time in a named zone becomes one in a zone of its offset then: the jail has no files
    to look a zone up in.
    """

    def __init__(self, refer: Callable[[object], Json], most: int = 100_000) -> None:
        """Write at most `most` values; `refer` writes what is not data."""
        self._refer = refer
        self._left = most

    def encode(self, value: object, depth: int = 0) -> Json:
        """Return `value` as JSON.

        Raises:
            ValueError: It is too large or too deeply nested.
        """
        self._left -= 1
        if self._left < 0:
            raise ValueError("it is made of too many values")
        if depth > MAX_DEPTH:
            raise ValueError(f"it is nested deeper than {MAX_DEPTH} containers")
        kind = type(value)
        if value is None or kind is bool:
            return cast("bool | None", value)
        if kind in (int, float, str):
            return _scalar(cast("int | float | str", value))
        if kind in _UNORDERED:
            items = [self.encode(item, depth + 1) for item in cast("set[object]", value)]
            return [_TAGS[kind], *sorted(items, key=json.dumps)]
        if kind in _PARTS:
            return [
                _TAGS[kind],
                *(self.encode(part, depth + 1) for part in _PARTS[kind](value)),
            ]
        return self._refer(value)


def decode(data: Json, resolve: Callable[[str, list[Any]], object]) -> object:
    """Return the value that was written as `data`.

    Args:
        data: What `Encoder.encode` returned.
        resolve: Returns what a reference means, from its tag and the rest.

    Raises:
        ValueError, TypeError, LookupError, ArithmeticError, RecursionError: `data` is
            something else.
    """
    if not isinstance(data, list):
        if isinstance(data, dict):
            raise TypeError("a value is no JSON object")
        return data
    tag, *parts = data
    if tag in (OBJECT, OPAQUE):
        return resolve(tag, parts)
    if tag in (COUNTER, QUEUE):
        return resolve(tag, [decode(part, resolve) for part in parts])
    if tag == "text":
        return _MAKERS[tag](parts)
    return _MAKERS[tag](*(decode(part, resolve) for part in parts))


def _scalar(value: int | float | str) -> Json:
    if isinstance(value, int):
        return value if abs(value) < _EXACT_IN_JSON else ["int", hex(value)]
    if isinstance(value, float):
        return value if math.isfinite(value) else ["float", repr(value)]
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair: JSON would join it to the other
        return ["text", *map(ord, value)]
    return value


def _clock(value: dt.time | dt.datetime) -> tuple[int, int, int, int]:
    return value.hour, value.minute, value.second, value.microsecond


def _fixed_zone(value: dt.time | dt.datetime) -> dt.timezone | None:
    if value.tzinfo is None or type(value.tzinfo) is dt.timezone:
        return value.tzinfo
    offset = value.utcoffset()
    return None if offset is None else dt.timezone(offset)
