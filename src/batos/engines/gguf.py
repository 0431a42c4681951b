"""What a GGUF file says of itself, and whether it is complete.

A small reader for the header alone: it never loads a tensor. The `gguf` package would
do it too, but brings numpy and more with it, maps the whole file, and trusts counts
that a hostile file can set to anything. Here every length is checked against what is
left of the file before anything is read, so a foreign file costs bounded time and
memory. Whether the engine can run an architecture is left to the engine.

The layout and its limits are those of `ggml/src/gguf.cpp` in llama.cpp.
"""

from __future__ import annotations

import math
import os
import struct
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from batos.engines.ggml_types import FILE_TYPES, GUESSED, TENSOR_TYPES
from batos.errors import WeightsRefused

MAX_ENTRIES = 65_536  # keys, and tensors; large models have some thousands
MAX_STRINGS = 4_000_000  # in arrays of the whole file; a large vocabulary has half a million
MAX_KEY_BYTES = 1_024
MAX_TEXT_BYTES = 1 << 20  # of a value that is kept; the longest chat templates have 20 kB
MAX_DIMENSIONS = 4  # GGML_MAX_DIMS
DEFAULT_ALIGNMENT = 32  # GGUF_DEFAULT_ALIGNMENT

STRING, ARRAY = 8, 9
SCALARS = dict(
    zip((0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12), ("<" + c for c in "BbHhIif?Qqd"), strict=True)
)

KEPT_KEYS = frozenset(
    {
        "general.alignment",
        "general.architecture",
        "general.file_type",
        "general.license",
        "general.name",
        "general.type",
        "split.count",
        "tokenizer.chat_template",
        "tokenizer.ggml.model",
    }
)
CONTEXT_LENGTH = ".context_length"  # after the architecture's name


@dataclass(frozen=True)
class GgufHeader:
    """What the file says of itself; `None` where it says nothing."""

    architecture: str  # "llama"
    kind: str  # "model", or what else a GGUF may be: "adapter", "mmproj", ...
    name: str
    quantization: str  # "Q4_1"
    tokenizer: str | None  # "gpt2"
    chat_template: str | None
    context_length: int | None  # in tokens
    licence: str | None
    tensor_count: int
    parameters: int
    bytes: int  # of the whole file


@dataclass(frozen=True)
class _Tensor:
    name: str
    type_name: str
    parameters: int
    offset: int  # from the start of the tensor data
    bytes: int


_Facts = dict[str, str | int | float | bool]


def read_header(path: Path) -> GgufHeader:
    """Read a GGUF file's header and check that all of its tensors are in the file.

    Raises:
        WeightsRefused: It is no GGUF, is cut short, or contradicts itself.
    """
    try:
        if not path.is_file():
            raise WeightsRefused(str(path), "it is not a file")
        with path.open("rb", buffering=1 << 18) as file:
            return _read(_Reader(file, path))
    except struct.error as error:  # it shrank while it was read
        raise WeightsRefused(str(path), "it ends within its header") from error
    except OSError as error:
        raise WeightsRefused(str(path), f"it cannot be read ({error.strerror})") from error


def read_model(path: Path) -> GgufHeader:
    """Read the header of a model; a GGUF may also hold an adapter or half an encoder."""
    header = read_header(path)
    if header.kind != "model":
        raise WeightsRefused(str(path), f"it holds no model but a part of one ({header.kind})")
    return header


def _read(reader: _Reader) -> GgufHeader:
    tensor_count, key_count = _counts(reader)
    facts = _facts(reader, key_count)
    tensors = [_tensor(reader) for _ in range(tensor_count)]
    _refuse_parts(reader, facts, tensors)
    _refuse_truncated(reader, facts, tensors)
    return _described(reader, facts, tensors)


def _counts(reader: _Reader) -> tuple[int, int]:
    if reader.take(4) != b"GGUF":
        raise reader.refused("it does not begin as a GGUF file does")
    version = reader.number("<I")
    if version not in (2, 3):
        swapped = int.from_bytes(version.to_bytes(4, "little"), "big")
        what = "a big-endian GGUF" if swapped in (2, 3) else f"GGUF version {version}"
        raise reader.refused(f"it is {what}, and only versions 2 and 3 are read")
    tensor_count, key_count = reader.number("<Q"), reader.number("<Q")
    for count, what in ((tensor_count, "tensors"), (key_count, "keys")):
        if count > MAX_ENTRIES:
            raise reader.refused(f"it claims {count} {what}, and {MAX_ENTRIES} are the limit")
    return tensor_count, key_count


def _facts(reader: _Reader, key_count: int) -> _Facts:
    """Return the values of the keys that are kept; skip all others."""
    facts: _Facts = {}
    for _ in range(key_count):
        key = reader.text(MAX_KEY_BYTES)
        value_type = reader.number("<I")
        if key not in KEPT_KEYS and not key.endswith(CONTEXT_LENGTH):
            reader.skip_value(value_type)
        elif value_type == STRING:
            facts[key] = reader.text(MAX_TEXT_BYTES)
        elif value_type in SCALARS:
            facts[key] = reader.scalar(SCALARS[value_type])
        else:
            raise reader.refused(f"its key {key!r} holds no single value")
    return facts


def _tensor(reader: _Reader) -> _Tensor:
    name = reader.text(MAX_KEY_BYTES)
    dimension_count = reader.number("<I")
    if dimension_count > MAX_DIMENSIONS:
        raise reader.refused(f"its tensor {name!r} has {dimension_count} dimensions")
    shape = [reader.number("<Q") for _ in range(dimension_count)]
    type_number = reader.number("<I")
    offset = reader.number("<Q")
    if type_number not in TENSOR_TYPES:
        raise reader.refused(f"its tensor {name!r} has the unknown type {type_number}")
    type_name, block, block_bytes = TENSOR_TYPES[type_number]
    parameters = math.prod(shape)
    if (shape[0] if shape else 1) % block:
        raise reader.refused(f"a row of its tensor {name!r} is no whole number of blocks")
    return _Tensor(name, type_name, parameters, offset, parameters // block * block_bytes)


def _refuse_parts(reader: _Reader, facts: _Facts, tensors: list[_Tensor]) -> None:
    parts = _whole_number(facts.get("split.count")) or 1
    if parts > 1:
        raise reader.refused(
            f"it is one of {parts} parts; `llama-gguf-split --merge` joins them"
        )
    if not tensors:
        raise reader.refused("it holds no tensors")


def _refuse_truncated(reader: _Reader, facts: _Facts, tensors: list[_Tensor]) -> None:
    alignment = facts.get("general.alignment", DEFAULT_ALIGNMENT)
    if not isinstance(alignment, int) or alignment <= 0 or alignment & (alignment - 1):
        raise reader.refused(f"its alignment is {alignment!r}, which is no power of two")
    data_start = -(-reader.position // alignment) * alignment
    last = max(tensors, key=lambda tensor: tensor.offset + tensor.bytes)
    needed = data_start + last.offset + last.bytes
    if needed > reader.size:
        raise reader.refused(
            f"it ends after {reader.size} bytes and its tensors need {needed}: it was cut short"
            f" ({last.name!r} is not all there)"
        )


def _described(reader: _Reader, facts: _Facts, tensors: list[_Tensor]) -> GgufHeader:
    architecture = _text(facts.get("general.architecture"))
    if not architecture:
        raise reader.refused("it names no architecture")
    return GgufHeader(
        architecture=architecture,
        kind=_text(facts.get("general.type")) or "model",
        name=_text(facts.get("general.name")) or reader.path.stem,
        quantization=_quantization(facts, tensors),
        tokenizer=_text(facts.get("tokenizer.ggml.model")),
        chat_template=_text(facts.get("tokenizer.chat_template")),
        context_length=_whole_number(facts.get(architecture + CONTEXT_LENGTH)),
        licence=_text(facts.get("general.license")),
        tensor_count=len(tensors),
        parameters=sum(tensor.parameters for tensor in tensors),
        bytes=reader.size,
    )


def _quantization(facts: _Facts, tensors: list[_Tensor]) -> str:
    """Return what the file calls itself, or else the type that most parameters have."""
    claimed = _whole_number(facts.get("general.file_type"))
    if claimed is not None and claimed & ~GUESSED in FILE_TYPES:
        return FILE_TYPES[claimed & ~GUESSED]
    share: Counter[str] = Counter()
    for tensor in tensors:
        share[tensor.type_name] += tensor.parameters
    return share.most_common(1)[0][0]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _whole_number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


class _Reader:
    """A cursor over a file that never reads, or skips, past its end."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self.file = file
        self.path = path
        self.size = os.fstat(file.fileno()).st_size
        self.position = 0
        self.strings_left = MAX_STRINGS

    def refused(self, why: str) -> WeightsRefused:
        return WeightsRefused(str(self.path), why)

    def take(self, count: int) -> bytes:
        self._advance(count)
        data = self.file.read(count)
        if len(data) != count:  # it shrank while it was read
            raise self.refused("it ends within its header")
        return data

    def skip(self, count: int) -> None:
        self._advance(count)
        self.file.seek(count, os.SEEK_CUR)

    def scalar(self, layout: str) -> int | float | bool:
        value: int | float | bool = struct.unpack(layout, self.take(struct.calcsize(layout)))[0]
        return value

    def number(self, layout: str) -> int:
        return int(self.scalar(layout))

    def text(self, limit_bytes: int) -> str:
        length = self.number("<Q")
        if length > limit_bytes:
            raise self.refused(
                f"a text in it has {length} bytes, and {limit_bytes} are the limit"
            )
        return self.take(length).decode("utf-8", errors="replace")

    def skip_value(self, value_type: int) -> None:
        if value_type == STRING:
            self.skip(self.number("<Q"))
        elif value_type == ARRAY:
            self._skip_array()
        elif value_type in SCALARS:
            self.skip(struct.calcsize(SCALARS[value_type]))
        else:
            raise self.refused(f"it holds a value of the unknown type {value_type}")

    def _skip_array(self) -> None:
        element_type, count = self.number("<I"), self.number("<Q")
        if element_type in SCALARS:
            self.skip(count * struct.calcsize(SCALARS[element_type]))
        elif element_type == STRING:
            self._skip_strings(count)
        else:  # llama.cpp reads no arrays of arrays either
            raise self.refused(f"it holds an array of the type {element_type}")

    def _skip_strings(self, count: int) -> None:
        self.strings_left -= count
        if self.strings_left < 0:
            raise self.refused(f"it claims more than {MAX_STRINGS} strings in its arrays")
        # A vocabulary has 100,000 of them and more: hence the loop without calls of ours.
        read, seek, length_of = self.file.read, self.file.seek, struct.Struct("<Q").unpack
        for _ in range(count):
            self._advance(8)
            (length,) = length_of(read(8))
            self._advance(length)
            seek(length, os.SEEK_CUR)

    def _advance(self, count: int) -> None:
        if count > self.size - self.position:
            raise self.refused("it ends within its header")
        self.position += count
