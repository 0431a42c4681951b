"""LoRA adapters as PEFT saves them: `adapter_model.safetensors` and `adapter_config.json`.

This is the canonical form, the one that a universe keeps. Here it is checked as far as it can
be without its base: what PEFT can do and no engine here can is refused, with its name. Which
places of a base the matrices belong to is left to `gguf_lora`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from batos.engines.safetensors_file import Tensor, data_of, is_finite, read_tensors
from batos.errors import AdapterRefused

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"
BASE_NOTE = "base_sha256"  # in the file's metadata, where whoever trained it knew the hash
MAX_RANK = 512
MAX_BYTES = 4 << 30
MAX_CONFIG_BYTES = 1 << 20

_PLACE = re.compile(
    r"base_model\.model\.(?:model\.)?(?:language_model\.)?"
    r"layers\.(\d{1,4})\.([a-z_.]{1,60})\.lora_([AB])\.weight"
)
# What changes the sum that an adapter adds, and that only PEFT knows how to compute.
_UNKNOWN_ARTS = (
    *("use_dora", "fan_in_fan_out", "lora_bias", "modules_to_save", "alpha_pattern"),
    *("layer_replication", "trainable_token_indices", "target_parameters", "use_qalora"),
    *("alora_invocation_tokens", "use_bdlora", "arrow_config", "kasa_config", "velora_config"),
    "monteclora_config",
)


@dataclass(frozen=True)
class Pair:
    """The two matrices that are added to one of the base's: B·A, times a scale."""

    layer: int
    module: str  # "self_attn.q_proj"
    a: Tensor  # (rank, in)
    b: Tensor  # (out, rank)

    @property
    def rank(self) -> int:
        return self.a.shape[0]


@dataclass(frozen=True)
class Lora:
    """An adapter that is whole and sound, as far as it can be told without its base."""

    alpha: float  # the scale of a pair is this divided by its rank
    pairs: tuple[Pair, ...]
    bytes: int
    base_sha256: str | None  # what it says of itself

    @property
    def rank(self) -> int:
        """The largest of its ranks."""
        return max(pair.rank for pair in self.pairs)


def read_config(path: Path) -> dict[str, object]:
    """Return what an `adapter_config.json` says.

    Raises:
        AdapterRefused: It is not there, or no JSON object.
    """
    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise AdapterRefused(str(path), f"it is larger than {MAX_CONFIG_BYTES} bytes")
        config = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise AdapterRefused(str(path), f"it cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise AdapterRefused(str(path), "it is no JSON") from error
    if not isinstance(config, dict):
        raise AdapterRefused(str(path), "it is no JSON object")
    return config


def read_lora(weights: Path, config: Mapping[str, object]) -> Lora:
    """Read an adapter's header and check it against its configuration. No numbers are read.

    Raises:
        AdapterRefused: It is damaged, no LoRA, or of a kind that no engine here can run.
    """
    name = str(weights)
    if weights.suffix not in ("", ".safetensors", ".blob"):
        raise AdapterRefused(name, "only safetensors are read: other formats may run code")
    found = read_tensors(weights)
    if found.bytes > MAX_BYTES:
        raise AdapterRefused(name, f"it has {found.bytes} bytes, and {MAX_BYTES} are the limit")
    _refuse_other_kinds(name, config)
    pairs = _pairs(name, found.tensors)
    ranks = {pair.rank for pair in pairs}
    alpha = _alpha(name, config, ranks)
    return Lora(alpha, pairs, found.bytes, found.notes.get(BASE_NOTE))


def refuse_unfinite(weights: Path, lora: Lora) -> None:
    """Read all numbers once.

    Raises:
        AdapterRefused: One of them is infinite, or none at all (NaN).
    """
    with weights.open("rb") as file:
        for pair in lora.pairs:
            for tensor in (pair.a, pair.b):
                if not all(is_finite(piece, tensor.dtype) for piece in data_of(file, tensor)):
                    raise AdapterRefused(str(weights), unfinite(tensor))


def unfinite(tensor: Tensor) -> str:
    """Return what is wrong with a tensor whose numbers are not all finite."""
    return f"its tensor {tensor.name!r} holds infinite numbers, or NaN"


def _refuse_other_kinds(name: str, config: Mapping[str, object]) -> None:
    kind = config.get("peft_type")
    if kind != "LORA":
        raise AdapterRefused(name, f"its peft_type is {kind!r}, and only 'LORA' is known")
    used = [art for art in _UNKNOWN_ARTS if config.get(art)]
    if config.get("bias", "none") != "none":
        used.append("bias")
    if used:
        raise AdapterRefused(name, f"it uses {', '.join(used)}, which no engine here can run")


def _pairs(name: str, tensors: Mapping[str, Tensor]) -> tuple[Pair, ...]:
    halves: dict[tuple[int, str], dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        place = _PLACE.fullmatch(key)
        if place is None or len(tensor.shape) != 2:
            raise AdapterRefused(name, f"its tensor {key!r} is no LoRA matrix of a layer")
        layer, module, half = place.groups()
        if halves.setdefault((int(layer), module), {}).setdefault(half, tensor) is not tensor:
            raise AdapterRefused(name, f"it has two tensors for {key!r}")
    return tuple(_pair(name, *place, found) for place, found in sorted(halves.items()))


def _pair(name: str, layer: int, module: str, found: Mapping[str, Tensor]) -> Pair:
    place = f"layers.{layer}.{module}"
    if len(found) != 2:
        raise AdapterRefused(name, f"one of the two matrices of {place} is missing")
    pair = Pair(layer, module, found["A"], found["B"])
    if pair.b.shape[1] != pair.rank:
        raise AdapterRefused(
            name, f"the ranks of {place} differ: {pair.a.shape}, {pair.b.shape}"
        )
    if pair.rank > MAX_RANK:
        raise AdapterRefused(name, f"the rank of {place} is {pair.rank}, above {MAX_RANK}")
    return pair


def _alpha(name: str, config: Mapping[str, object], ranks: set[int]) -> float:
    """Return the number that a pair's rank divides, whatever PEFT divides."""
    rank, alpha = config.get("r"), config.get("lora_alpha")
    if type(rank) is not int or not 0 < rank <= MAX_RANK:
        raise AdapterRefused(name, f"its rank is {rank!r}, and 1 to {MAX_RANK} are possible")
    if not config.get("rank_pattern") and ranks != {rank}:
        raise AdapterRefused(name, f"its rank is {rank}, and its matrices have {sorted(ranks)}")
    if type(alpha) not in (int, float) or not 0 < float(alpha) < math.inf:  # type: ignore[arg-type]
        # llama.cpp would take 0 for "no scale", which is full strength.
        raise AdapterRefused(name, f"its lora_alpha is {alpha!r}: wanted more than 0")
    if not config.get("use_rslora"):
        return float(alpha)  # type: ignore[arg-type]
    if len(ranks) != 1:
        raise AdapterRefused(name, "it uses use_rslora with several ranks")
    return float(alpha) * math.sqrt(ranks.pop())  # type: ignore[arg-type]
