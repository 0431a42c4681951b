"""The header reader believes nothing that it has not checked against the file."""

from __future__ import annotations

import resource
import struct
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from batos.engines.gguf import GgufHeader, read_header, read_model
from batos.engines.gguf_reader import MAX_STRINGS
from batos.errors import WeightsRefused

Gguf = Callable[..., Any]  # the writer of conftest.py


def read(content: bytes) -> GgufHeader:
    with tempfile.NamedTemporaryFile(suffix=".gguf") as file:
        file.write(content)
        file.flush()
        return read_header(Path(file.name))


def test_a_header_says_what_the_file_holds(gguf: Gguf, gguf_file: Path) -> None:
    header = read_header(gguf_file)

    assert header == GgufHeader(
        architecture="llama",
        kind="model",
        name="Tiny",
        quantization="Q4_1",
        tokenizer="gpt2",
        chat_template="{{ messages }}",
        context_length=2048,
        licence="apache-2.0",
        tensor_count=1,
        parameters=256,
        bytes=gguf_file.stat().st_size,
    )


def test_version_2_is_read_too(gguf: Gguf) -> None:
    assert read(bytes(gguf(version=2))).architecture == "llama"


def test_without_a_file_type_the_tensors_say_the_quantization(gguf: Gguf) -> None:
    model = gguf(shape=(256,), type_number=14, data=bytes(210))
    del model.facts["general.file_type"]

    assert read(bytes(model)).quantization == "Q6_K"


def test_an_adapter_is_no_model(gguf: Gguf, tmp_path: Path) -> None:
    adapter = gguf()
    adapter.facts["general.type"] = (8, struct.pack("<Q", 7) + b"adapter")
    path = tmp_path / "lora.gguf"
    path.write_bytes(bytes(adapter))

    assert read_header(path).kind == "adapter"
    with pytest.raises(WeightsRefused, match="no model"):
        read_model(path)


def test_every_truncation_is_refused(gguf: Gguf) -> None:
    whole = bytes(gguf())

    for length in range(len(whole)):
        with pytest.raises(WeightsRefused):
            read(whole[:length])


def test_a_file_cut_in_its_tensors_is_told_what_is_missing(gguf: Gguf) -> None:
    whole = bytes(gguf())

    with pytest.raises(
        WeightsRefused,
        match=rf"ends after {len(whole) - 1} bytes and its tensors need {len(whole)}",
    ):
        read(whole[:-1])


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"version": 1}, "version 1"),
        ({"version": 0x03000000}, "big-endian"),
        ({"type_number": 4}, "unknown type 4"),
        ({"shape": (33, 4)}, "no whole number of blocks"),
        ({"shape": (1, 1, 1, 1, 1)}, "5 dimensions"),
        ({"shape": (1 << 63, 1 << 63, 1 << 63)}, "cut short"),
    ],
)
def test_what_cannot_be_is_refused(gguf: Gguf, changed: dict[str, Any], why: str) -> None:
    with pytest.raises(WeightsRefused, match=why):
        read(bytes(gguf(**changed)))


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("x", (8, struct.pack("<Q", 1 << 62)), "ends within its header"),
        ("x", (9, struct.pack("<IQ", 8, 1 << 62)), "strings in its arrays"),
        ("x", (9, struct.pack("<IQ", 6, 1 << 62)), "ends within its header"),
        ("x", (9, struct.pack("<IQ", 9, 1) * 1000), "array of the type 9"),
        ("x", (77, b""), "unknown type 77"),
        ("general.name", (8, struct.pack("<Q", 1 << 30)), "are the limit"),
        ("general.name", (9, struct.pack("<IQ", 6, 0)), "no single value"),
        ("general.alignment", (4, struct.pack("<I", 0)), "no power of two"),
        ("general.alignment", (6, struct.pack("<f", 32)), "no power of two"),
        ("general.architecture", (4, struct.pack("<I", 1)), "no architecture"),
        ("split.count", (2, struct.pack("<H", 3)), "one of 3 parts"),
    ],
)
def test_a_hostile_value_is_refused(gguf: Gguf, key: str, value: Any, why: str) -> None:
    model = gguf()
    model.facts[key] = value

    with pytest.raises(WeightsRefused, match=why):
        read(bytes(model))


@pytest.mark.parametrize("place", [8, 16])  # where the counts of tensors and of keys stand
def test_a_huge_count_is_refused(gguf: Gguf, place: int) -> None:
    hostile = bytearray(bytes(gguf()))
    hostile[place : place + 8] = struct.pack("<Q", 1 << 60)

    with pytest.raises(WeightsRefused, match="are the limit"):
        read(bytes(hostile))


def test_a_file_full_of_empty_strings_costs_little(gguf: Gguf, tmp_path: Path) -> None:
    path = tmp_path / "strings.gguf"
    count = MAX_STRINGS  # the most that is walked through
    start = b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + struct.pack("<Q", 1) + b"x"
    path.write_bytes(start + struct.pack("<IIQ", 9, 8, count))
    with path.open("r+b") as file:
        file.truncate(count * 8 + 1000)
    began, peak_kb = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(WeightsRefused):
        read_header(path)

    assert time.process_time() - began < 5  # of this process: neighbours do not count
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak_kb < 50_000


@pytest.mark.parametrize(
    "content", [b"", b"GGUF", b"PK\x03\x04" + bytes(100), b"<html>no</html>"]
)
def test_what_is_no_gguf_is_refused(content: bytes) -> None:
    with pytest.raises(WeightsRefused):
        read(content)


def test_a_folder_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing.gguf"):
        with pytest.raises(WeightsRefused, match="not a file"):
            read_header(path)


@settings(
    max_examples=400, deadline=500, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_mutated_header_is_read_or_refused(gguf: Gguf, data: st.DataObject) -> None:
    content = bytearray(bytes(gguf()))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        piece = data.draw(st.binary(min_size=1, max_size=9))
        content[at : at + data.draw(st.integers(0, 9))] = piece

    try:
        header = read(bytes(content))
    except WeightsRefused:
        return
    assert header.tensor_count >= 1
