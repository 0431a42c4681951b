"""What a safetensors file holds, read without believing it.

A header of JSON says where each tensor lies; what follows is raw numbers. The `safetensors`
package would read it too, but brings numpy or torch. Here the header's length is bounded and
every claim is compared with the file, so a foreign file costs bounded time and memory.
What the tensors mean is left to `peft_files`.
"""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from batos.errors import AdapterRefused

MAX_HEADER_BYTES = 8 << 20  # of some 100 bytes a tensor
MAX_DIMENSIONS = 4
WIDTHS: Mapping[str, int] = {"F32": 4, "F16": 2, "BF16": 2}  # bytes of a number

_LENGTH_BYTES = 8
_CHUNK_BYTES = 1 << 20  # a multiple of every width
# Half a number's bits are all ones in its exponent: what begins with these bytes is no number.
_NOT_FINITE_F16 = bytes(high & 0x7C == 0x7C for high in range(256))


@dataclass(frozen=True)
class Tensor:
    """Where a tensor lies."""

    name: str
    dtype: str  # a key of `WIDTHS`
    shape: tuple[int, ...]  # rows first
    start: int  # in the file
    bytes: int


@dataclass(frozen=True)
class Tensors:
    """What a file says that it holds; all of it is there."""

    tensors: Mapping[str, Tensor]
    notes: Mapping[str, str]  # `__metadata__`
    bytes: int  # of the whole file


def read_tensors(path: Path) -> Tensors:
    """Read a file's header and check it against the file.

    Raises:
        AdapterRefused: It is no safetensors file, is cut short, or contradicts itself.
    """
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            head = _head(file, size)
    except OSError as error:
        raise AdapterRefused(str(path), f"it cannot be read ({error.strerror})") from error
    except _Wrong as error:
        raise AdapterRefused(str(path), str(error)) from None
    try:
        return _described(*head, size)
    except _Wrong as error:
        raise AdapterRefused(str(path), str(error)) from None


def data_of(file: BinaryIO, tensor: Tensor) -> Iterator[bytes]:
    """Yield a tensor's bytes, piece by piece.

    Raises:
        AdapterRefused: The file became shorter.
    """
    file.seek(tensor.start)
    left = tensor.bytes
    while left:
        piece = file.read(min(left, _CHUNK_BYTES))
        if not piece:
            raise AdapterRefused(tensor.name, "its file became shorter while it was read")
        left -= len(piece)
        yield piece


def is_finite(data: bytes, dtype: str) -> bool:
    """Tell whether all numbers are finite; `data` holds whole ones, little-endian."""
    if dtype == "F16":
        return 1 not in data[1::2].translate(_NOT_FINITE_F16)
    if dtype == "BF16":  # the upper half of an F32
        wide = bytearray(2 * len(data))
        wide[2::4], wide[3::4] = data[0::2], data[1::2]
        data = bytes(wide)
    # No sum of F32 numbers overflows an F64, so it is finite exactly if they all are.
    return math.isfinite(sum(array("f", data)))


class _Wrong(Exception):
    """What is wrong with a file, in words."""


def _head(file: BinaryIO, size: int) -> tuple[dict[str, Any], int]:
    """Return the header, and where the data begin."""
    length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
    if size < _LENGTH_BYTES or length > size - _LENGTH_BYTES:
        raise _Wrong("it ends within its header: it is no safetensors file, or was cut short")
    if length > MAX_HEADER_BYTES:
        raise _Wrong(f"its header takes {length} bytes, and {MAX_HEADER_BYTES} are the limit")
    try:
        head = json.loads(file.read(length), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise _Wrong("its header is no JSON of the safetensors kind") from error
    if not isinstance(head, dict):
        raise _Wrong("its header names no tensors")
    return head, _LENGTH_BYTES + length


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _described(head: dict[str, Any], data_start: int, size: int) -> Tensors:
    notes = head.pop("__metadata__", {})
    if not isinstance(notes, dict) or not all(isinstance(note, str) for note in notes.values()):
        raise _Wrong("its metadata are no texts")
    tensors = {name: _tensor(name, entry, data_start) for name, entry in head.items()}
    if not tensors:
        raise _Wrong("it holds no tensors")
    position = data_start
    for tensor in sorted(tensors.values(), key=lambda tensor: tensor.start):
        if tensor.start != position:
            raise _Wrong(f"its tensor {tensor.name!r} does not begin where the last one ends")
        position += tensor.bytes
    if position != size:
        raise _Wrong(f"it has {size} bytes and its tensors end at {position}: it was cut short")
    return Tensors(tensors, notes, size)


def _tensor(name: str, entry: object, data_start: int) -> Tensor:
    if not isinstance(entry, dict):
        raise _Wrong(f"its tensor {name!r} is not described")
    dtype: Any = entry.get("dtype")
    shape: Any = entry.get("shape")
    offsets: Any = entry.get("data_offsets")
    if not (isinstance(dtype, str) and dtype in WIDTHS):
        kinds = ", ".join(WIDTHS)
        raise _Wrong(f"its tensor {name!r} has the type {dtype!r}, and {kinds} are known")
    if not (_counts(shape) and 0 < len(shape) <= MAX_DIMENSIONS and all(shape)):
        raise _Wrong(f"its tensor {name!r} has no shape that can be")
    if not (_counts(offsets) and len(offsets) == 2):
        raise _Wrong(f"its tensor {name!r} lies nowhere")
    begin, end = offsets
    size = math.prod(shape) * WIDTHS[dtype]
    if end - begin != size:
        raise _Wrong(f"its tensor {name!r} takes {end - begin} bytes, and its shape {size}")
    return Tensor(name, dtype, tuple(shape), data_start + begin, size)


def _counts(value: Any) -> bool:
    return isinstance(value, list) and all(type(item) is int and item >= 0 for item in value)
