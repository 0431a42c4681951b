"""The command line as a person or a script meets it: each call is a process of its own."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Batos = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def batos(universe_path: Path) -> Batos:
    def run(
        *words: str, stdin: str = "", cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-P", "-m", "batos", "-u", str(universe_path), *words]
        return subprocess.run(
            command, input=stdin, capture_output=True, text=True, check=False, cwd=cwd
        )

    return run


@pytest.fixture
def account(batos: Batos) -> Batos:
    """A universe with an account that was taught to double its balance."""
    assert batos("clone", "genesis_obj", "account", "balance=100").returncode == 0
    source = "def double(self):\n    self.balance *= 2\n    return self.balance\n"
    assert batos("define", "account", stdin=source).returncode == 0
    return batos


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
