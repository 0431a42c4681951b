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
import struct
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from batos.engines.ggml_types import FILE_TYPES, GUESSED, TENSOR_TYPES
from batos.engines.gguf_reader import ARRAY, SCALARS, STRING, Reader
from batos.errors import WeightsRefused

MAX_ENTRIES = 65_536  # keys, and tensors; large models have some thousands
MAX_KEY_BYTES = 1_024
MAX_TEXT_BYTES = 1 << 20  # of a value that is kept; the longest chat templates have 20 kB
MAX_DIMENSIONS = 4  # GGML_MAX_DIMS
DEFAULT_ALIGNMENT = 32  # GGUF_DEFAULT_ALIGNMENT

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
HEADS = (".attention.head_count", ".attention.head_count_kv")  # one number, or one a layer


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
    heads: int | None = None  # of attention; None also where its layers differ
    kv_heads: int | None = None
    shapes: Mapping[str, tuple[int, ...]] = field(
        default_factory=dict, repr=False, compare=False
    )  # of its tensors, in GGUF's order: what varies fastest comes first


@dataclass(frozen=True)
class _Tensor:
    name: str
    type_name: str
    shape: tuple[int, ...]
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
            return _read(Reader(file, path))
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


def _read(reader: Reader) -> GgufHeader:
    tensor_count, key_count = _counts(reader)
    facts = _facts(reader, key_count)
    tensors = [_tensor(reader) for _ in range(tensor_count)]
    _refuse_parts(reader, facts, tensors)
    _refuse_truncated(reader, facts, tensors)
    return _described(reader, facts, tensors)


def _counts(reader: Reader) -> tuple[int, int]:
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


def _facts(reader: Reader, key_count: int) -> _Facts:
    """Return the values of the keys that are kept; skip all others."""
    facts: _Facts = {}
    for _ in range(key_count):
        key = reader.text(MAX_KEY_BYTES)
        value_type = reader.number("<I")
        differs = value_type == ARRAY and key.endswith(HEADS)
        if differs or (key not in KEPT_KEYS and not key.endswith((CONTEXT_LENGTH, *HEADS))):
            reader.skip_value(value_type)
        elif value_type == STRING:
            facts[key] = reader.text(MAX_TEXT_BYTES)
        elif value_type in SCALARS:
            facts[key] = reader.scalar(SCALARS[value_type])
        else:
            raise reader.refused(f"its key {key!r} holds no single value")
    return facts


def _tensor(reader: Reader) -> _Tensor:
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
    size = parameters // block * block_bytes
    return _Tensor(name, type_name, tuple(shape), parameters, offset, size)


def _refuse_parts(reader: Reader, facts: _Facts, tensors: list[_Tensor]) -> None:
    parts = _whole_number(facts.get("split.count")) or 1
    if parts > 1:
        raise reader.refused(
            f"it is one of {parts} parts; `llama-gguf-split --merge` joins them"
        )
    if not tensors:
        raise reader.refused("it holds no tensors")


def _refuse_truncated(reader: Reader, facts: _Facts, tensors: list[_Tensor]) -> None:
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


def _described(reader: Reader, facts: _Facts, tensors: list[_Tensor]) -> GgufHeader:
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
        heads=_whole_number(facts.get(architecture + HEADS[0])),
        kv_heads=_whole_number(facts.get(architecture + HEADS[1])),
        shapes={tensor.name: tensor.shape for tensor in tensors},
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
