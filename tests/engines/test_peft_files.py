"""Adapters from elsewhere are read in bounded time, or refused with the reason."""

from __future__ import annotations

import json
import math
import struct
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from tests.loras import config, key, safetensors, write_peft

from batos.engines.peft_files import (
    CONFIG,
    WEIGHTS,
    Lora,
    read_config,
    read_lora,
    refuse_unfinite,
)
from batos.engines.safetensors_file import MAX_HEADER_BYTES, is_finite, read_tensors
from batos.errors import AdapterRefused

UP = "mlp.up_proj"


def pair(rank: int = 2, layer: int = 0, module: str = UP) -> dict[str, Any]:
    return {
        key(layer, module, "A"): np.ones((rank, 64), np.float32),
        key(layer, module, "B"): np.ones((4, rank), np.float32),
    }


def read(folder: Path) -> Lora:
    return read_lora(folder / WEIGHTS, read_config(folder / CONFIG))


def raw(header: object, data: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def entry(**parts: object) -> dict[str, object]:
    return {"dtype": "F32", "shape": [1, 1], "data_offsets": [0, 4], **parts}


def test_what_peft_saved_is_read(tmp_path: Path) -> None:
    tensors = pair() | pair(layer=7)
    lora = read(write_peft(tmp_path, tensors, config(2), {"base_sha256": "abc"}))

    assert [(one.layer, one.module, one.rank) for one in lora.pairs] == [(0, UP, 2), (7, UP, 2)]
    assert (lora.alpha, lora.rank, lora.base_sha256) == (4.0, 2, "abc")
    assert lora.bytes == (tmp_path / WEIGHTS).stat().st_size


def test_a_rank_stabilised_adapter_has_the_scale_that_peft_gives_it(tmp_path: Path) -> None:
    lora = read(write_peft(tmp_path, pair(9), config(9, lora_alpha=6, use_rslora=True)))

    assert lora.alpha / lora.rank == pytest.approx(6 / math.sqrt(9))


def test_layers_may_differ_in_rank(tmp_path: Path) -> None:
    tensors = pair(2) | pair(4, layer=1)
    pattern = config(2, rank_pattern={"layers.1": 4})

    assert read(write_peft(tmp_path, tensors, pattern)).rank == 4


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"r": 0}, "rank is 0"),
        ({"r": -1}, "rank is -1"),
        ({"r": True}, "rank is True"),
        ({"r": "8"}, "rank is '8'"),
        ({"r": 10**9}, "rank is 1000000000"),
        ({"r": 3}, r"rank is 3, and its matrices have \[2\]"),
        ({"lora_alpha": 0}, "lora_alpha is 0"),
        ({"lora_alpha": float("nan")}, "lora_alpha is nan"),
        ({"lora_alpha": float("inf")}, "lora_alpha is inf"),
        ({"peft_type": "IA3"}, "peft_type is 'IA3'"),
        ({"use_dora": True}, "uses use_dora"),
        ({"bias": "all"}, "uses bias"),
        ({"modules_to_save": ["lm_head"]}, "uses modules_to_save"),
        ({"alpha_pattern": {"x": 1}}, "uses alpha_pattern"),
    ],
)
def test_what_no_engine_can_run_is_refused(
    tmp_path: Path, parts: dict[str, object], why: str
) -> None:
    folder = write_peft(tmp_path, pair(), config(2) | parts)

    with pytest.raises(AdapterRefused, match=why):
        read(folder)


@pytest.mark.parametrize(
    ("tensors", "why"),
    [
        ({"model.layers.0.x": np.ones((1, 1), np.float32)}, "is no LoRA matrix of a layer"),
        ({key(0, UP, "A"): np.ones((2, 64), np.float32)}, "one of the two matrices"),
        (pair() | {key(0, UP, "B"): np.ones((4, 3), np.float32)}, "ranks .* differ"),
        ({"../../x": np.ones((2, 2), np.float32)}, "is no LoRA matrix"),
        (pair() | {key(0, UP, "A"): np.ones(64, np.float32)}, "is no LoRA matrix"),
    ],
)
def test_matrices_that_make_no_pair_are_refused(
    tmp_path: Path, tensors: dict[str, Any], why: str
) -> None:
    folder = write_peft(tmp_path, tensors, config(2))

    with pytest.raises(AdapterRefused, match=why):
        read(folder)


@pytest.mark.parametrize("name", ["adapter_model.bin", "adapter_model.pt", "x.pkl"])
def test_a_pickle_is_not_even_opened(tmp_path: Path, name: str) -> None:
    with pytest.raises(AdapterRefused, match="only safetensors are read"):
        read_lora(tmp_path / name, config(2))


@pytest.mark.parametrize("text", ["", "[]", "{", "7", "[" * 10_000, '"x"'])
def test_a_configuration_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / CONFIG).write_text(text)

    with pytest.raises(AdapterRefused, match="JSON"):
        read_config(tmp_path / CONFIG)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "ends within its header"),
        (b"1234567", "ends within its header"),
        (raw({}, length=10**15), "ends within its header"),
        (raw(b"{" * 100), "no JSON"),
        (raw(b"[" * 100_000), "no JSON"),
        (raw(b'{"a": ' + b"9" * 5000 + b"}"), "no JSON"),
        (raw(b'{"a": 1, "a": 2}'), "no JSON"),
        (raw(b"\xff\xfe"), "no JSON"),
        (raw([]), "names no tensors"),
        (raw({}), "holds no tensors"),
        (raw({"__metadata__": {"a": 1}}), "metadata are no texts"),
        (raw({"a": 7}), "is not described"),
        (raw({"a": entry(dtype="F64")}, bytes(4)), "has the type 'F64'"),
        (raw({"a": entry(dtype=[])}, bytes(4)), "has the type"),
        (raw({"a": entry(shape=[0])}, bytes(4)), "no shape that can be"),
        (raw({"a": entry(shape=[-1, -1])}, bytes(4)), "no shape that can be"),
        (raw({"a": entry(shape=[1] * 5)}, bytes(4)), "no shape that can be"),
        (raw({"a": entry(shape=[True, 1])}, bytes(4)), "no shape that can be"),
        (raw({"a": entry(shape=[1.0, 1])}, bytes(4)), "no shape that can be"),
        (raw({"a": entry(data_offsets=[0])}, bytes(4)), "lies nowhere"),
        (raw({"a": entry(data_offsets=[4, 0])}, bytes(4)), "takes -4 bytes"),
        (raw({"a": entry(shape=[2**40, 2**40])}, bytes(4)), "and its shape"),
        (raw({"a": entry(data_offsets=[8, 12])}, bytes(12)), "does not begin where"),
        (raw({"a": entry(), "b": entry()}, bytes(4)), "does not begin where"),
        (raw({"a": entry()}, bytes(3)), "was cut short"),
        (raw({"a": entry()}, bytes(5)), "was cut short"),
    ],
)
def test_a_header_that_lies_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / WEIGHTS
    path.write_bytes(content)

    with pytest.raises(AdapterRefused, match=why):
        read_tensors(path)


def test_a_header_of_gigabytes_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / WEIGHTS
    with path.open("wb") as file:
        file.write(struct.pack("<Q", MAX_HEADER_BYTES + 1))
        file.truncate(MAX_HEADER_BYTES + 100)

    with pytest.raises(AdapterRefused, match="are the limit"):
        read_tensors(path)


WHOLE = safetensors(pair() | pair(layer=1))


def test_a_file_that_is_cut_anywhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / WEIGHTS
    for length in range(len(WHOLE)):
        path.write_bytes(WHOLE[:length])
        with pytest.raises(AdapterRefused):
            read_tensors(path)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(0, 600), st.integers(0, 255)), max_size=6))
def test_a_header_with_random_bytes_is_read_or_refused(changes: list[tuple[int, int]]) -> None:
    data = bytearray(WHOLE)
    for at, value in changes:
        data[at] = value
    with tempfile.NamedTemporaryFile(suffix=".safetensors") as file:
        file.write(data)
        file.flush()
        try:
            lora = read_lora(Path(file.name), config(2))
        except AdapterRefused:
            return
        for one in lora.pairs:
            assert one.a.start + one.a.bytes <= len(data)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16"])
def test_numbers_that_are_none_are_found_in_every_type(dtype: str, bad: float) -> None:
    largest = {"F32": 3.4e38, "F16": 65504.0, "BF16": 3.3e38}[dtype]
    sound = np.array([0.0, -0.0, 1e-40, largest, -largest, *([largest] * 100)], np.float32)

    assert is_finite(encoded(sound, dtype), dtype)
    for at in range(len(sound)):
        spoiled = sound.copy()
        spoiled[at] = bad
        assert not is_finite(encoded(spoiled, dtype), dtype)


def encoded(numbers: Any, dtype: str) -> bytes:
    if dtype == "F16":
        return bytes(numbers.astype(np.float16).tobytes())
    if dtype == "BF16":
        return bytes((numbers.view(np.uint32) >> 16).astype(np.uint16).tobytes())
    return bytes(numbers.tobytes())


def test_the_tensor_with_a_number_that_is_none_is_named(tmp_path: Path) -> None:
    tensors = pair()
    tensors[key(0, UP, "B")][3, 1] = np.nan
    folder = write_peft(tmp_path, tensors, config(2))

    with pytest.raises(AdapterRefused, match=r"lora_B\.weight' holds infinite numbers, or NaN"):
        refuse_unfinite(folder / WEIGHTS, read(folder))
