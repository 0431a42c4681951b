"""An adapter in the form that llama.cpp eats: derived from the canonical one, when needed.

    read -> place in the base -> check the numbers -> reorder -> write beside -> rename

Models of llama's family keep the rows of their query and key matrices in another order in
GGUF than elsewhere (pairs of a rotation side by side), so the rows of B have to follow.
Other families keep them. Which family does what is a table; one that is not in it is refused.
No arithmetic is done: numbers stay as they are, and only rows move.
"""

from __future__ import annotations

import hashlib
import os
import struct
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from batos.engines.contract import Adapter
from batos.engines.gguf import GgufHeader, read_header
from batos.engines.gguf_reader import STRING
from batos.engines.peft_files import Lora, Pair, read_lora, unfinite
from batos.engines.safetensors_file import Tensor, data_of, is_finite
from batos.errors import AdapterRefused, WeightsRefused

_FORM = "1"  # of what is written here: another number derives everything anew
_ALIGNMENT = 32
_TYPES: Mapping[str, int] = {"F32": 0, "F16": 1, "BF16": 30}  # ggml's numbers
_FLOAT32 = 6  # of a value

_SPLIT = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_FUSED = {
    "self_attn.qkv_proj": "attn_qkv",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


@dataclass(frozen=True)
class Family:
    """How an architecture's GGUF differs from what a model is trained as."""

    modules: Mapping[str, str]  # a module's name there -> the matrix's here
    pairs_rotations: bool = False  # rows of query and key lie in the order of rotations


FAMILIES: Mapping[str, Family] = {
    **dict.fromkeys(("llama", "granite", "smollm3"), Family(_SPLIT, pairs_rotations=True)),
    **dict.fromkeys(("qwen2", "qwen3", "gemma", "gemma2", "gemma3"), Family(_SPLIT)),
    "phi3": Family(_FUSED),
}


@dataclass(frozen=True)
class Placed:
    """A pair, and the matrix of the base that it belongs to."""

    pair: Pair
    matrix: str  # "blk.3.attn_q.weight"
    heads: int | None  # the rows of B are reordered in so many groups; None: they stay


def place(lora: Lora, base: GgufHeader, name: str) -> tuple[Placed, ...]:
    """Return where each pair of an adapter belongs in its base.

    Raises:
        AdapterRefused: The architecture is unknown, or the shapes are of another base.
    """
    family = FAMILIES.get(base.architecture)
    if family is None:
        raise AdapterRefused(
            name,
            f"how adapters fit the architecture {base.architecture!r} is not known; known are"
            f" {', '.join(FAMILIES)}",
        )
    return tuple(_placed(pair, base, family, name) for pair in lora.pairs)


def derived_path(adapter: Adapter, base: GgufHeader, folder: Path) -> Path:
    """Return where the derived form of an adapter lies, or will."""
    parts = (_FORM, adapter.sha256, base.architecture, base.heads, base.kv_heads)
    scale = [adapter.config.get(key) for key in ("r", "lora_alpha", "use_rslora")]
    name = hashlib.sha256(repr((parts, scale)).encode()).hexdigest()[:32]
    return folder / f"{name}.gguf"


def derive(adapter: Adapter, base: GgufHeader, folder: Path) -> Path:
    """Return the derived form of an adapter, which is made if it is not there.

    The folder may be deleted at any time. What is in it was written by this function, under
    another name first; a file that is not whole is written again.

    Raises:
        AdapterRefused: The canonical form is not what its hash says, or unsound.
        OSError: The folder cannot be written to.
    """
    path = derived_path(adapter, base, folder)
    if is_whole(path):
        return path
    lora = read_lora(adapter.path, adapter.config)
    placed = place(lora, base, adapter.name)
    folder.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        with adapter.path.open("rb") as source, beside.open("wb") as target:
            _refuse_changed(source, adapter)
            target.write(_head(placed, base.architecture, lora.alpha))
            for one in placed:
                for tensor, heads in ((one.pair.a, None), (one.pair.b, one.heads)):
                    target.write(_rows(source, tensor, heads, adapter.name))
                    target.write(bytes(-target.tell() % _ALIGNMENT))
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return path


def is_whole(path: Path) -> bool:
    """Tell whether a derived form is there, as it was written."""
    try:
        return read_header(path).kind == "adapter"
    except WeightsRefused:
        return False


def reordered(rows: int, heads: int) -> Iterator[int]:
    """Yield which row comes next: of each head, the first of both halves, then the second.

    >>> list(reordered(8, 2))
    [0, 2, 1, 3, 4, 6, 5, 7]
    """
    half = rows // heads // 2
    for head in range(heads):
        for row in range(half):
            yield from (head * 2 * half + row, head * 2 * half + half + row)


def _placed(pair: Pair, base: GgufHeader, family: Family, name: str) -> Placed:
    short = family.modules.get(pair.module)
    if short is None:
        raise AdapterRefused(
            name,
            f"it changes {pair.module}, and {', '.join(family.modules)} are what can be changed"
            f" in the architecture {base.architecture!r}",
        )
    matrix = f"blk.{pair.layer}.{short}.weight"
    expected = base.shapes.get(matrix)
    shape = (pair.a.shape[1], pair.b.shape[0])
    if expected != shape:
        here = "it has no such layer" if expected is None else f"here it is {expected}"
        raise AdapterRefused(
            name,
            f"it is for another base: layers.{pair.layer}.{pair.module} is {shape}, and {here}",
        )
    heads = None
    if family.pairs_rotations and short in ("attn_q", "attn_k"):
        heads = base.heads if short == "attn_q" else base.kv_heads or base.heads
        if not heads or pair.b.shape[0] % (2 * heads):
            raise AdapterRefused(name, f"its base has {heads} heads, which do not fit {shape}")
    return Placed(pair, matrix, heads)


def _refuse_changed(source: BufferedReader, adapter: Adapter) -> None:
    if hashlib.file_digest(source, "sha256").hexdigest() != adapter.sha256:
        raise AdapterRefused(adapter.name, f"{adapter.path} is not what its hash says: damaged")


def _rows(source: BufferedReader, tensor: Tensor, heads: int | None, name: str) -> bytes:
    data = b"".join(data_of(source, tensor))
    if not is_finite(data, tensor.dtype):
        raise AdapterRefused(name, unfinite(tensor))
    if heads is None:
        return data
    rows = tensor.shape[0]
    width = len(data) // rows
    return b"".join(data[row * width : (row + 1) * width] for row in reordered(rows, heads))


# --- the file ------------------------------------------------------------------------------


def _head(placed: Sequence[Placed], architecture: str, alpha: float) -> bytes:
    """Return all that comes before the numbers."""
    texts = {
        "general.type": "adapter",
        "general.architecture": architecture,
        "adapter.type": "lora",
    }
    keys = b"".join(
        _text(key) + struct.pack("<I", STRING) + _text(value) for key, value in texts.items()
    )
    keys += _text("adapter.lora.alpha") + struct.pack("<If", _FLOAT32, alpha)
    entries, offset = [], 0
    for one in placed:
        for tensor, half in ((one.pair.a, "a"), (one.pair.b, "b")):
            rows, columns = tensor.shape
            entries.append(
                _text(f"{one.matrix}.lora_{half}")
                + struct.pack("<IQQIQ", 2, columns, rows, _TYPES[tensor.dtype], offset)
            )
            offset += tensor.bytes + -tensor.bytes % _ALIGNMENT
    counts = struct.pack("<4sIQQ", b"GGUF", 3, len(entries), len(texts) + 1)
    head = counts + keys + b"".join(entries)
    return head + bytes(-len(head) % _ALIGNMENT)


def _text(text: str) -> bytes:
    encoded = os.fsencode(text)
    return struct.pack("<Q", len(encoded)) + encoded
