"""What the library is told before it loads: the settings that its traps need."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from tests.loras import speaking

from batos.engines.contract import Request
from batos.engines.gguf import read_model
from batos.engines.gguf_lora import derive
from batos.engines.llama_server import Chunk, Listener, LlamaOptions, _parameters, ask, load

TALE = Request("Once upon a time there was a fox that sang to the moon.", max_tokens=1)


class Reader(Listener):
    """Notes how much of its prompt a request found in its slot."""

    cached = -1

    def __call__(self, chunk: Chunk) -> bool:
        if "usage" in chunk:
            self.cached = chunk["usage"]["prompt_tokens_details"]["cached_tokens"]
        return super().__call__(chunk)


def test_adapters_are_off_until_a_request_says_so_and_caches_cannot_confuse_them() -> None:
    """By default scales are 1, for every request that names none; and a cache of 8 GB that
    is blind to adapters gives one's keys and values to another."""
    adapters = [Path("a.gguf"), Path("b.gguf")]

    parameters = _parameters(Path("m.gguf"), adapters, "x.sock", LlamaOptions(), None)

    found = [(info.path, info.scale) for info in parameters.lora_adapters]
    assert found == [("a.gguf", 0.0), ("b.gguf", 0.0)]
    assert parameters.cache_ram_mib == 0


def test_its_listener_has_no_port_and_a_key_that_nobody_knows() -> None:
    """It cannot be switched off."""
    first, second = (
        _parameters(Path("m.gguf"), [], "x.sock", LlamaOptions(), None) for _ in range(2)
    )

    assert list(first.hostnames) == ["x.sock"]
    (key,), (other) = first.api_keys, second.api_keys
    assert len(key) == 64
    assert key not in other


@pytest.mark.weights
def test_a_slot_goes_on_from_its_prompt_under_the_same_adapter_only(
    smollm2_path: Path, tmp_path: Path
) -> None:
    """Prefixes are shared inside a slot, never across; and an adapter ends what it knew."""
    base = read_model(smollm2_path)
    files = [derive(speaking(tmp_path, f"a{n}@1", n), base, tmp_path / "d") for n in (1, 2)]
    server: Any = load(smollm2_path, files, tmp_path, LlamaOptions(parallel=2))

    def cached(scales: tuple[float, float], slot: int) -> bool:
        reader = Reader(TALE, None, math.inf, lambda: None)
        ask(server, TALE, scales, slot, reader)
        return reader.cached > 0

    one, two = (1.0, 0.0), (0.0, 1.0)
    assert [cached(one, 0), cached(one, 0)] == [False, True]
    assert not cached(one, 1)
    assert [cached(two, 0), cached(two, 0)] == [False, True]
    assert cached(one, 1)
