"""What PEFT itself makes of a model and some adapters, in a process of its own.

    python tests/peft_reference.py WEIGHTS.gguf FOLDER

writes FOLDER/NAME/, as PEFT saves an adapter with random weights of some size, and
FOLDER/logits.npz: for each adapter, and for "base", the logits of the token after each of
`PROMPTS`. The model is the GGUF, dequantised by transformers.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

# Numbers of tokens: making transformers a tokenizer from a GGUF takes longer than all the rest.
PROMPTS = (
    [6403, 1980, 253, 655, 665, 436, 253, 16438, 338],  # Once upon a time there was a fox that
    [1604, 803, 24, 81, 28, 278, 727, 472, 1003],  # def add(a, b):\n    return
    [2068, 919, 253, 16253, 346, 737, 7367, 28, 5246, 284],  # To make a cake you need flour, …
)
ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
ADAPTERS: dict[str, dict[str, Any]] = {
    "all": {"r": 8, "lora_alpha": 16, "target_modules": ALL},
    "stabilised": {
        "r": 16,
        "lora_alpha": 32,
        "target_modules": ["v_proj", "down_proj"],
        "use_rslora": True,
    },
    "bfloat16": {
        "r": 4,
        "lora_alpha": 12,
        "target_modules": ALL,
        "rank_pattern": {r".*\.q_proj": 12},
    },
}


def main(weights: Path, folder: Path) -> None:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    warnings.simplefilter("ignore")  # of what the libraries will rename one day
    where, file = str(weights.parent), weights.name
    model = AutoModelForCausalLM.from_pretrained(where, gguf_file=file, dtype=torch.float32)

    def logits(of: Any) -> Any:
        with torch.no_grad():
            each = [of(input_ids=torch.tensor([prompt])) for prompt in PROMPTS]
        return np.stack([output.logits[0, -1].numpy() for output in each])

    found = {"base": logits(model)}
    for seed, (name, parts) in enumerate(ADAPTERS.items()):
        torch.manual_seed(seed)
        made = LoraConfig(task_type="CAUSAL_LM", init_lora_weights=False, **parts)
        dtype = torch.bfloat16 if name == "bfloat16" else torch.float32
        worn = get_peft_model(model, made, autocast_adapter_dtype=False)
        for part, tensor in worn.named_parameters():
            if "lora_" in part:  # a bfloat16 number in a float32 computes the same
                tensor.data = tensor.data.to(dtype).to(torch.float32)
        found[name] = logits(worn)
        for part, tensor in worn.named_parameters():
            if "lora_" in part:
                tensor.data = tensor.data.to(dtype)
        worn.save_pretrained(folder / name)
        model = worn.unload()
    np.savez(folder / "logits.npz", **found)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
