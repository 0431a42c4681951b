"""The mind, as an object is asked: `infer_`, from the pLLM object to an engine.

Whoever is sent `infer_` finds the weights by delegation, in its `model_blob`. The engine
maps the committed blob from where it lies, and is started on the first thought.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

from ZODB.blob import Blob

from batos.engines.catalog import Weights
from batos.engines.contract import Completion, Engine, OnText, Request
from batos.engines.gguf import read_model
from batos.engines.ledger import verified_sha256
from batos.errors import MindMissing, WeightsDamaged
from batos.kernel.lookup import Found, find
from batos.kernel.uvm_object import UvmObject
from batos.universe import awakening
from batos.universe.blobs import path_of


def mind_of(weights: Weights) -> awakening.Mind:
    """Return what a universe's mind is made of, from what its weights say of themselves.

    Raises:
        WeightsRefused: The file is no complete model.
    """
    header = read_model(weights.path)
    card = {
        "name": weights.name,
        "source": weights.source,
        "sha256": weights.sha256,
        "bytes": weights.bytes,
        "architecture": header.architecture,
        "parameters": header.parameters,
        "context_tokens": header.context_length,
        "quantization": header.quantization,
        "licence": header.licence,
    }
    tokenizer = f"{header.name}/{header.tokenizer}"
    return awakening.Mind(weights.path, tokenizer, header.quantization, card)


class Mind:
    """Engines for the weights that objects of one universe think with.

    One engine is kept: asking for other weights lets the one before go.
    """

    def __init__(self, start: Callable[[Path], Engine], remembered: Path) -> None:
        """Keep in mind how to start.

        Args:
            start: Makes an engine for weights.
            remembered: A folder for what is known of weights; it may go.
        """
        self._start = start
        self._remembered = remembered
        self._path: Path | None = None
        self._engine: Engine | None = None
        self._lock = threading.Lock()

    def infer(self, receiver: UvmObject, question: str | Request) -> str | list[Completion]:
        """Answer `infer_`: a text with a text, a request with its completions.

        Raises:
            MindMissing: No `model_blob` is found from the receiver.
            WeightsDamaged: Its file is not there, or not what the mind's card says.
            EngineFailed: The engine could not load, or not complete.
        """
        if isinstance(question, Request):
            return self.complete(receiver, question)
        return self.complete(receiver, Request(question))[0].text

    def complete(
        self, receiver: UvmObject, request: Request, on_text: OnText | None = None
    ) -> list[Completion]:
        """Complete a request with the weights that the receiver delegates to."""
        holder = find(receiver, "model_blob")
        if holder is None or not isinstance(holder.value, Blob):
            raise MindMissing(repr(receiver), "it delegates to no object with a model_blob")
        engine = self._engine_for(path_of(holder.value), holder)
        holder.holder._v_loaded_model = engine  # only a handle: ghosting the object drops it
        return engine.complete(request, on_text)

    @property
    def loaded(self) -> bool:
        """Whether weights are in memory now."""
        return self._engine is not None and self._engine.loaded

    def unload(self) -> None:
        """Give the memory back; the next thought loads again."""
        if self._engine is not None:
            self._engine.unload()

    def close(self) -> None:
        """End the engine."""
        if self._engine is not None:
            self._engine.close()
        self._engine, self._path = None, None

    def _engine_for(self, path: Path, found: Found) -> Engine:
        with self._lock:  # two threads may have their first thought at once
            if path != self._path:
                _check_weights(path, found.holder._slots.get("card"), self._remembered)
                self.close()
                self._engine, self._path = self._start(path), path
            return cast("Engine", self._engine)


def _check_weights(path: Path, card: object, remembered: Path) -> None:
    """Compare a file that is new, or changed, with the card that lies beside it.

    Raises:
        WeightsDamaged: It is another one by now.
    """
    expected = card.get("sha256") if isinstance(card, Mapping) else None
    if not isinstance(expected, str):
        return
    sha256 = verified_sha256(path, remembered, complete=lambda _path: None)
    if sha256 != expected:
        size = path.stat().st_size
        raise WeightsDamaged(
            str(path),
            f"the card of the mind says sha256 {expected[:12]}…,"
            f" and these {size:,} bytes have {sha256[:12]}…",
        )
