"""The form that llama.cpp eats: the right rows, in the right place, for known bases only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.loras import adapter_of, config, key, write_peft

from batos.engines.gguf import GgufHeader, read_header, read_model
from batos.engines.gguf_lora import FAMILIES, derive, derived_path, place, reordered
from batos.engines.peft_files import CONFIG, WEIGHTS, read_config, read_lora
from batos.errors import AdapterRefused

Q, UP = "self_attn.q_proj", "mlp.up_proj"


@pytest.fixture
def base(gguf: Callable[..., Any], gguf_file: Path) -> GgufHeader:
    shapes = {
        "blk.0.attn_q.weight": (64, 16),
        "blk.0.attn_k.weight": (64, 8),
        "blk.0.attn_qkv.weight": (64, 32),
        "blk.0.ffn_up.weight": (64, 4),
    }
    return replace(read_model(gguf_file), shapes=shapes, heads=4, kv_heads=2)


def tensors(
    module: str, rows: int, dtype: Any = np.float32, columns: int = 64
) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    return {
        key(0, module, "A"): rng.standard_normal((2, columns)).astype(dtype),
        key(0, module, "B"): rng.standard_normal((rows, 2)).astype(dtype),
    }


def llamas_order(matrix: Any, heads: int) -> Any:
    """Reorder rows as llama.cpp's converter of models does."""
    rows = matrix.shape[0]
    halves = matrix.reshape(heads, 2, rows // heads // 2, *matrix.shape[1:])
    return halves.swapaxes(1, 2).reshape(matrix.shape)


@pytest.mark.parametrize(("rows", "heads"), [(16, 4), (8, 2), (576, 9), (192, 3), (128, 1)])
def test_rows_take_the_order_that_the_base_has(rows: int, heads: int) -> None:
    numbers = np.arange(rows).reshape(rows, 1)

    assert list(reordered(rows, heads)) == llamas_order(numbers, heads)[:, 0].tolist()


@pytest.mark.parametrize(
    ("architecture", "heads"),
    [("llama", 4), ("qwen2", None), ("gemma3", None), ("qwen3", None)],
)
def test_only_llamas_family_moves_rows(
    base: GgufHeader, tmp_path: Path, architecture: str, heads: int | None
) -> None:
    found = tensors(Q, 16)
    folder = write_peft(tmp_path / "a", found, config(2))
    adapter = adapter_of(folder, "a@1")

    path = derive(adapter, replace(base, architecture=architecture), tmp_path / "derived")

    b = found[key(0, Q, "B")]
    expected = llamas_order(b, heads) if heads else b
    header = read_header(path)
    assert (header.kind, header.architecture) == ("adapter", architecture)
    assert header.shapes == {
        "blk.0.attn_q.weight.lora_a": (64, 2),
        "blk.0.attn_q.weight.lora_b": (2, 16),
    }
    assert path.read_bytes().endswith(expected.tobytes())
    assert found[key(0, Q, "A")].tobytes() in path.read_bytes()


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.uint16])
def test_numbers_keep_their_type(base: GgufHeader, tmp_path: Path, dtype: Any) -> None:
    found = {name: abs(tensor * 10).astype(dtype) for name, tensor in tensors(UP, 4).items()}
    adapter = adapter_of(write_peft(tmp_path / "a", found, config(2)), "a@1")

    path = derive(adapter, base, tmp_path / "derived")

    assert found[key(0, UP, "A")].tobytes() in path.read_bytes()
    assert read_header(path).quantization == {2: "F16", 4: "F32"}.get(dtype().nbytes) or "BF16"


def test_the_scale_is_peft_s(base: GgufHeader, tmp_path: Path) -> None:
    folder = write_peft(tmp_path / "a", tensors(UP, 4), config(2, lora_alpha=7))
    path = derive(adapter_of(folder, "a@1"), base, tmp_path / "derived")

    assert b"adapter.lora.alpha\x06\x00\x00\x00" + np.float32(7).tobytes() in path.read_bytes()


def test_an_architecture_that_is_not_known_is_refused_and_not_guessed(
    base: GgufHeader, tmp_path: Path
) -> None:
    folder = write_peft(tmp_path, tensors(UP, 4), config(2))
    lora = read_lora(folder / WEIGHTS, read_config(folder / CONFIG))

    with pytest.raises(
        AdapterRefused, match="architecture 'mamba' is not known; known are llama"
    ):
        place(lora, replace(base, architecture="mamba"), "a@1")


@pytest.mark.parametrize(
    ("module", "rows", "why"),
    [
        (
            UP,
            8,
            r"for another base: layers\.0\.mlp\.up_proj is \(64, 8\), and here it is \(64, 4",
        ),
        ("mlp.down_proj", 4, "it has no such layer"),
        ("self_attn.qkv_proj", 32, "can be changed in the architecture 'llama'"),
        ("mlp.experts", 4, "it changes mlp.experts, and"),
    ],
)
def test_what_has_no_place_in_the_base_is_refused(
    base: GgufHeader, tmp_path: Path, module: str, rows: int, why: str
) -> None:
    folder = write_peft(tmp_path, tensors(module, rows), config(2))
    lora = read_lora(folder / WEIGHTS, read_config(folder / CONFIG))

    with pytest.raises(AdapterRefused, match=why):
        place(lora, base, "a@1")


def test_a_base_without_a_number_of_heads_is_refused(base: GgufHeader, tmp_path: Path) -> None:
    folder = write_peft(tmp_path, tensors(Q, 16), config(2))
    lora = read_lora(folder / WEIGHTS, read_config(folder / CONFIG))

    with pytest.raises(AdapterRefused, match="has None heads"):
        place(lora, replace(base, heads=None), "a@1")


def test_a_fused_family_has_names_of_its_own(base: GgufHeader, tmp_path: Path) -> None:
    folder = write_peft(tmp_path, tensors("self_attn.qkv_proj", 32), config(2))
    lora = read_lora(folder / WEIGHTS, read_config(folder / CONFIG))

    (placed,) = place(lora, replace(base, architecture="phi3"), "a@1")

    assert (placed.matrix, placed.heads) == ("blk.0.attn_qkv.weight", None)


def test_derived_files_are_told_apart_by_all_that_made_them(
    base: GgufHeader, tmp_path: Path
) -> None:
    adapter = adapter_of(write_peft(tmp_path / "a", tensors(UP, 4), config(2)), "a@1")
    louder = replace(adapter, config={**adapter.config, "lora_alpha": 99})
    others = (
        derived_path(replace(adapter, sha256="0" * 64), base, tmp_path),
        derived_path(louder, base, tmp_path),
        derived_path(adapter, replace(base, architecture="qwen2"), tmp_path),
        derived_path(adapter, replace(base, heads=8), tmp_path),
    )

    assert derived_path(adapter, base, tmp_path) not in others
    assert len(set(others)) == 4
    assert derived_path(replace(adapter, name="b@7"), base, tmp_path) == derived_path(
        adapter, base, tmp_path
    )


def test_nothing_is_left_of_what_could_not_be_derived(base: GgufHeader, tmp_path: Path) -> None:
    found = tensors(UP, 4)
    found[key(0, UP, "B")][0, 0] = np.inf
    adapter = adapter_of(write_peft(tmp_path / "a", found, config(2)), "a@1")

    with pytest.raises(AdapterRefused, match="infinite"):
        derive(adapter, base, tmp_path / "derived")

    assert list((tmp_path / "derived").iterdir()) == []


def test_every_family_is_one_that_llama_cpp_names_so() -> None:
    """The names of matrices are those of the package that llama.cpp's converters use."""
    gguf_package = pytest.importorskip("gguf")
    numbers = {name: arch for arch, name in gguf_package.MODEL_ARCH_NAMES.items()}
    for architecture, family in FAMILIES.items():
        names = gguf_package.get_tensor_name_map(numbers[architecture], 1)
        for module, short in family.modules.items():
            assert names.get_name(f"model.layers.0.{module}") == f"blk.0.{short}"
