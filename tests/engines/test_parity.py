"""An adapter does in llama.cpp what it does in PEFT."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests import peft_reference
from tests.loras import adapter_of
from tests.peft_reference import ADAPTERS, PROMPTS

from batos.engines.gguf import read_model
from batos.engines.gguf_lora import derive
from batos.engines.llama_server import LlamaOptions, load

pytestmark = [pytest.mark.weights, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def reference(smollm2_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with PEFT's adapters, and the logits that it computes with them."""
    pytest.importorskip("peft", reason="install batos[train]")
    folder = tmp_path_factory.mktemp("peft")
    subprocess.run(
        [sys.executable, peft_reference.__file__, str(smollm2_path), str(folder)],
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
        check=True,
        capture_output=True,
        timeout=800,
    )
    return folder


@pytest.fixture(scope="module")
def theirs(reference: Path) -> dict[str, Any]:
    with np.load(reference / "logits.npz") as found:
        return dict(found)


@pytest.fixture(scope="module")
def ours(reference: Path, smollm2_path: Path) -> dict[str, Any]:
    """The same of llama.cpp's log-probabilities, which are logits but for a constant."""
    base = read_model(smollm2_path)
    files = [
        derive(adapter_of(reference / name, name), base, reference / "derived")
        for name in ADAPTERS
    ]
    tokens = base.shapes["token_embd.weight"][1]
    server = load(smollm2_path, files, None, LlamaOptions(parallel=1))

    def after(prompt: list[int], scales: list[float]) -> Any:
        lora = [{"id": number, "scale": scale} for number, scale in enumerate(scales)]
        body = {"prompt": prompt, "max_tokens": 1, "logprobs": tokens, "temperature": 0}
        answer = server.handle_completions({**body, "lora": lora})
        answer = json.loads(answer) if isinstance(answer, str) else answer
        found = np.zeros(tokens)
        for token in answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]:
            found[token["id"]] = token["logprob"]
        return found

    worn = {name: [float(name == other) for other in ADAPTERS] for name in ("base", *ADAPTERS)}
    return {
        name: np.stack([after(prompt, scales) for prompt in PROMPTS])
        for name, scales in worn.items()
    }


@pytest.mark.parametrize("name", ADAPTERS)
def test_an_adapter_changes_logits_as_in_peft(
    name: str, ours: dict[str, Any], theirs: dict[str, Any]
) -> None:
    changes = (found[name] - found["base"] for found in (ours, theirs))
    a, b = (
        (change - change.mean(axis=1, keepdims=True)).ravel()  # a constant means nothing
        for change in changes
    )
    cosine = float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))

    assert cosine >= 0.99
    assert np.linalg.norm(a) / np.linalg.norm(b) == pytest.approx(1, abs=0.05)
    # llama.cpp rounds what it multiplies to 8 bits, which alone changes logits by 0.1.
    assert b.std() > 1
