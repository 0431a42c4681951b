"""`batos mind adapter` from the command line: each call is a process of its own."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.loras import config, key, tiny_base, write_peft

from batos.universe import awakening

Batos = Callable[..., "subprocess.CompletedProcess[str]"]
UP = "mlp.up_proj"


@pytest.fixture
def batos(tmp_path: Path) -> Batos:
    """A universe whose mind has a tiny base, and an adapter for it in `trained`."""
    base = tiny_base(tmp_path / "tiny.gguf")
    card = {"name": "tiny", "sha256": hashlib.sha256(base.read_bytes()).hexdigest()}
    path = tmp_path / "tiny.universe"
    awakening.awaken(path, awakening.Mind(base, "none", "F32", card), "tester")
    tensors = {
        key(0, UP, "A"): np.ones((2, 64), np.float32),
        key(0, UP, "B"): np.ones((4, 2), np.float32),
    }
    write_peft(tmp_path / "trained", tensors, config(2))

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-P", "-m", "batos", "-u", str(path), *words]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=tmp_path
        )

    return run


def test_an_adapter_comes_in_is_worn_shown_and_let_go(batos: Batos) -> None:
    added = batos("mind", "adapter", "add", "trained", "--name", "brick", "--role", "toolsmith")
    assert added.stdout.startswith("brick@1: rank 2, 0.0 MB, worn by toolsmith\n")

    (listed,) = json.loads(batos("mind", "adapter", "list", "--json").stdout)
    shown = json.loads(batos("mind", "adapter", "show", "brick@1", "--json").stdout)
    assert shown == listed
    assert (listed["roles"], listed["modules"], listed["fits"]) == (["toolsmith"], [UP], True)
    refused = batos("mind", "adapter", "remove", "brick@1")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "toolsmith wears it" in refused.stderr

    worn = batos("mind", "adapter", "wear", "none", "--role", "toolsmith")
    assert worn.stdout == "toolsmith wears no adapter.\n"
    assert batos("mind", "adapter", "remove", "brick@1").stdout == "brick@1 is removed.\n"
    assert batos("mind", "adapter", "list").stdout == "The mind has no adapters.\n"
    assert batos("undo").stdout.startswith("undone: mind adapter remove brick@1")


def test_what_is_no_adapter_ends_in_one_line(batos: Batos, tmp_path: Path) -> None:
    (tmp_path / "trained" / "adapter_model.safetensors").write_bytes(b"no adapter")

    refused = batos("mind", "adapter", "add", "trained", "--name", "brick")

    assert refused.returncode == 7
    assert refused.stderr.count("\n") == 1
    assert "adapter_model.safetensors is refused: " in refused.stderr
    assert batos("mind", "adapter", "show", "brick@1").returncode == 2


def test_status_needs_no_mind_and_says_what_is_there(batos: Batos) -> None:
    batos("mind", "adapter", "add", "trained", "--name", "brick", "--pin")

    status = batos("mind", "status")
    facts = json.loads(batos("mind", "status", "--json").stdout)

    assert status.stdout.splitlines()[0] == "in memory: no, has not thought yet"
    assert "brick@1" in status.stdout
    assert facts["engine"]["loaded"] is False
    assert facts["tokens_per_s"] is None
    assert [adapter["pinned"] for adapter in facts["adapters"]] == [True]
