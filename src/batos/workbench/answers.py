"""The answer to a message as a person reads it, and any answer as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def readable(answer: object) -> str:
    """Return an answer as Python writes it, and what stands for an object as people do.

    >>> from batos.universe.names import BlobOf, Named
    >>> readable({"to": [Named("account"), BlobOf(1234)]})
    "{'to': [@account, <a blob of 1,234 bytes>]}"
    """
    from batos.kernel.values import plain  # noqa: PLC0415  `--help` stays quick

    return repr(plain(answer, _worded))


@dataclass(frozen=True, repr=False)
class _Words:
    """Words in the place of a value."""

    text: str

    def __repr__(self) -> str:
        return self.text


def _worded(value: object) -> object:
    from batos.universe.names import BlobOf, Named, Unnamed  # noqa: PLC0415  as above

    if isinstance(value, Named):
        return _Words(f"@{value.name}")
    if isinstance(value, Unnamed):
        return _Words(value.oid)
    if isinstance(value, BlobOf):
        return _Words(f"<a blob of {value.bytes:,} bytes>")
    return value


def jsonable(value: object) -> object:
    """Return a value in JSON's words.

    An object is `{"object": its name}`, or `{"oid": ...}` if the root has no name for it; a
    blob is `{"blob": its bytes}`; a set is a list; a key is text; what JSON has no word for is
    written as Python does.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return _object(value)
    if isinstance(value, Mapping):
        return {
            key if isinstance(key, str) else repr(key): jsonable(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        ordered = sorted(value, key=repr) if isinstance(value, set | frozenset) else value
        return [jsonable(item) for item in ordered]
    finite = isinstance(value, float) and math.isfinite(value)
    if value is None or finite or isinstance(value, str | int):
        return value
    return str(value) if isinstance(value, Path) else repr(value)


def _object(value: DataclassInstance) -> dict[str, object]:
    from batos.universe.names import BlobOf, Named, Unnamed  # noqa: PLC0415  `--help` stays quick

    if isinstance(value, Named):
        return {"object": value.name}
    if isinstance(value, Unnamed):
        return {"oid": value.oid}
    if isinstance(value, BlobOf):
        return {"blob": value.bytes}
    return {field.name: jsonable(getattr(value, field.name)) for field in fields(value)}
