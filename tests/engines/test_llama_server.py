"""What the library is told before it loads: the settings that its traps need."""

from __future__ import annotations

from pathlib import Path

from batos.engines.llama_server import LlamaOptions, _parameters


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
