"""Values that hold no others, as JSON and back: numbers, text, bytes, dates.

Primitives are written here, too; they are behaviour, so who reads them is `building`.
"""

from __future__ import annotations

import base64
import datetime as dt
import math
from collections.abc import Callable, Mapping
from typing import Any

from batos.kernel.method import Primitive

EXACT_INT = 2**53  # beyond it a JSON number is not the same everywhere


class NotPortable(Exception):
    """A value has no words in a bundle, or words of a bundle mean no value."""


def has_surrogate(text: str) -> bool:
    """Tell whether text has what UTF-8 has no bytes for."""
    return any("\ud800" <= char <= "\udfff" for char in text)


def _text(value: str) -> Any:
    if has_surrogate(value):
        return {"$text": value.encode("utf-8", "surrogatepass").hex()}
    return value


def _float(value: float) -> Any:
    return value if math.isfinite(value) else {"$float": repr(value)}


def _int(value: int) -> Any:
    return value if abs(value) < EXACT_INT else {"$int": hex(value)}


def _clock(word: str) -> Callable[[Any], Any]:
    def encoded(value: dt.datetime | dt.time) -> Any:
        found: dict[str, Any] = {f"${word}": value.replace(tzinfo=None).isoformat()}
        if value.tzinfo is not None:
            if not isinstance(value.tzinfo, dt.timezone):
                raise NotPortable("a time in a named zone has no words in a bundle")
            found["zone"] = _zone(value.tzinfo)["$timezone"]
        return found  # a record of the database keeps no fold, so there is none to be told

    return encoded


def _zone(value: dt.timezone) -> dict[str, Any]:
    offset, *name = value.__getinitargs__()  # type: ignore[attr-defined]  # what pickle asks
    return {"$timezone": [_span(offset), *name]}


def _span(value: dt.timedelta) -> list[int]:
    return [value.days, value.seconds, value.microseconds]


WRITE: Mapping[type, Callable[[Any], Any]] = {
    type(None): lambda value: value,
    bool: lambda value: value,
    str: _text,
    int: _int,
    float: _float,
    complex: lambda value: {"$complex": [repr(value.real), repr(value.imag)]},
    bytes: lambda value: {"$bytes": base64.b64encode(value).decode()},
    dt.date: lambda value: {"$date": value.isoformat()},
    dt.time: _clock("time"),
    dt.datetime: _clock("datetime"),
    dt.timedelta: lambda value: {"$timedelta": _span(value)},
    dt.timezone: _zone,
    Primitive: lambda value: {"$primitive": value.name},
}


def _read_clock(word: str, kind: Any) -> Callable[[dict[str, Any]], object]:
    def read(encoded: dict[str, Any]) -> object:
        value = kind.fromisoformat(encoded[f"${word}"])
        if value.tzinfo is not None:
            raise ValueError("a zone stands beside it")
        return value.replace(tzinfo=_read_zone(encoded["zone"]) if "zone" in encoded else None)

    return read


def _read_zone(encoded: Any) -> dt.timezone:
    offset, *name = encoded
    return dt.timezone(_read_span(offset), *name)


def _read_span(encoded: Any) -> dt.timedelta:
    days, seconds, microseconds = (int(part) for part in encoded)
    return dt.timedelta(days, seconds, microseconds)


READ: Mapping[str, Callable[[dict[str, Any]], object]] = {
    "text": lambda it: bytes.fromhex(it["$text"]).decode("utf-8", "surrogatepass"),
    "int": lambda it: int(it["$int"], 16),
    "float": lambda it: {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}[it["$float"]],
    "complex": lambda it: complex(*(float(part) for part in it["$complex"])),
    "bytes": lambda it: base64.b64decode(it["$bytes"], validate=True),
    "date": lambda it: dt.date.fromisoformat(it["$date"]),
    "time": _read_clock("time", dt.time),
    "datetime": _read_clock("datetime", dt.datetime),
    "timedelta": lambda it: _read_span(it["$timedelta"]),
    "timezone": lambda it: _read_zone(it["$timezone"]),
}
