"""What tests of several commands share."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The smallest GGUF: an architecture, and one tensor of one number."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    header = b"GGUF" + struct.pack("<IQQ", 3, 1, 1)
    header += text("general.architecture") + struct.pack("<I", 8) + text("llama")
    header += text("w") + struct.pack("<IQIQ", 1, 1, 0, 0)
    path = tmp_path / "small.gguf"
    path.write_bytes(header + bytes(-len(header) % 32) + bytes(4))
    return path
