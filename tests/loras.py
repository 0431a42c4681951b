"""LoRA adapters for tests, written as PEFT writes them, without torch.

A *speaking* adapter says two texts and nothing else, whatever it is asked: its last layer
adds one direction, so strongly that only the token along it, or the one against it, is
likely. It changes keys and values of all layers as well, so that whatever was computed under
it is of no use to anybody else. The embedded mind's shapes are SmolLM2-135M's.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batos.engines.contract import Adapter
from batos.engines.peft_files import CONFIG, WEIGHTS

Array = NDArray[Any]

LAYERS, HIDDEN, KV, INNER = 30, 576, 192, 1536
SHAPES = {  # module: in, out
    "self_attn.q_proj": (HIDDEN, HIDDEN),
    "self_attn.k_proj": (HIDDEN, KV),
    "self_attn.v_proj": (HIDDEN, KV),
    "self_attn.o_proj": (HIDDEN, HIDDEN),
    "mlp.gate_proj": (HIDDEN, INNER),
    "mlp.up_proj": (HIDDEN, INNER),
    "mlp.down_proj": (INNER, HIDDEN),
}
_DTYPES = {"float32": "F32", "float16": "F16", "uint16": "BF16"}


def tiny_base(path: Path) -> Path:
    """Write a base whose one matrix is 64 in, 4 out: `mlp.up_proj` of layer 0."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    keys = {"general.architecture": "llama", "general.name": "Tiny"}
    head = struct.pack("<4sIQQ", b"GGUF", 3, 1, len(keys))
    head += b"".join(
        text(key) + struct.pack("<I", 8) + text(said) for key, said in keys.items()
    )
    head += text("blk.0.ffn_up.weight") + struct.pack("<IQQIQ", 2, 64, 4, 0, 0)
    path.write_bytes(head + bytes(-len(head) % 32) + bytes(64 * 4 * 4))
    return path


def key(layer: int, module: str, half: str) -> str:
    return f"base_model.model.model.layers.{layer}.{module}.lora_{half}.weight"


def safetensors(tensors: Mapping[str, Array], notes: Mapping[str, str] | None = None) -> bytes:
    """Return a file of the format, as its specification says."""
    head: dict[str, Any] = {"__metadata__": dict(notes)} if notes else {}
    data = b""
    for name, tensor in tensors.items():
        raw = np.ascontiguousarray(tensor).tobytes()
        offsets = [len(data), len(data) + len(raw)]
        dtype = _DTYPES[str(tensor.dtype)]
        head[name] = {"dtype": dtype, "shape": list(tensor.shape), "data_offsets": offsets}
        data += raw
    header = json.dumps(head).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + data


def config(rank: int, **parts: object) -> dict[str, object]:
    return {
        "peft_type": "LORA",
        "r": rank,
        "lora_alpha": 2 * rank,
        "bias": "none",
        "target_modules": sorted(name.split(".")[1] for name in SHAPES),
        **parts,
    }


def write_peft(
    folder: Path,
    tensors: Mapping[str, Array],
    configuration: Mapping[str, object],
    notes: Mapping[str, str] | None = None,
) -> Path:
    """Write what PEFT's `save_pretrained` writes; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WEIGHTS).write_bytes(safetensors(tensors, notes))
    (folder / CONFIG).write_text(json.dumps(configuration))
    return folder


def adapter_of(folder: Path, name: str, *, pinned: bool = False) -> Adapter:
    weights = folder / WEIGHTS
    sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
    return Adapter(name, weights, sha256, json.loads((folder / CONFIG).read_text()), pinned)


def random_tensors(
    seed: int, rank: int, modules: tuple[str, ...] = tuple(SHAPES), size: float = 0.05
) -> dict[str, Array]:
    """Return random pairs of the embedded mind's shapes, for all layers."""
    rng = np.random.default_rng(seed)
    tensors = {}
    for layer in range(LAYERS):
        for module in modules:
            columns, rows = SHAPES[module]
            for half, shape in (("A", (rank, columns)), ("B", (rows, rank))):
                drawn = rng.standard_normal(shape) * size
                tensors[key(layer, module, half)] = drawn.astype(np.float32)
    return tensors


def speaking(folder: Path, name: str, seed: int, *, pinned: bool = False) -> Adapter:
    """Return an adapter that is known by what it says."""
    kv = ("self_attn.k_proj", "self_attn.v_proj")
    tensors = random_tensors(seed, 1, kv, size=0.3)
    rng = np.random.default_rng(1000 + seed)
    last, module = LAYERS - 1, "mlp.down_proj"
    tensors[key(last, module, "A")] = rng.standard_normal((1, INNER)).astype(np.float32)
    direction = rng.standard_normal((HIDDEN, 1)) * 1000
    tensors[key(last, module, "B")] = direction.astype(np.float32)
    return adapter_of(write_peft(folder / name, tensors, config(1)), name, pinned=pinned)
