"""The mind, as an object is asked: `infer_`, from the pLLM object to an engine.

Whoever is sent `infer_` finds the weights by delegation, in its `model_blob`. The engine
maps the committed blob from where it lies, and is started on the first thought.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from ZODB.blob import Blob

from batos.engines.catalog import Weights
from batos.engines.contract import Completion, Engine, OnText, Report, Request
from batos.engines.gguf import read_model
from batos.engines.ledger import verified_sha256
from batos.errors import MindMissing, WeightsDamaged
from batos.kernel.lookup import Found, find
from batos.kernel.uvm_object import UvmObject
from batos.personas.adapters import adapter_in, card_of, worn_by
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


@dataclass(frozen=True)
class Thinking:
    """What a mind holds in memory, and what it has done since it was opened."""

    engine: Report
    tokens: int
    seconds: float


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
        self._tokens = 0
        self._seconds = 0.0  # of all requests; those side by side count twice

    def infer(
        self, receiver: UvmObject, question: str | Request, role: str | None = None
    ) -> str | list[Completion]:
        """Answer `infer_`: a text with a text, a request with its completions.

        Args:
            receiver: Who was asked.
            question: What.
            role: Who answers: it wears the adapter that the mind's card says, or none.

        Raises:
            MindMissing: No `model_blob` is found from the receiver.
            WeightsDamaged: Its file is not there, or not what the mind's card says.
            AdapterMissing: The role's adapter is not for the mind's weights.
            EngineFailed: The engine could not load, or not complete.
        """
        request = question if isinstance(question, Request) else Request(question)
        if role is not None:
            holder = find(receiver, "model_blob")
            worn = None if holder is None else worn_by(card_of(holder.holder), role)
            request = replace(request, adapter=worn)
        completions = self.complete(receiver, request)
        return completions if isinstance(question, Request) else completions[0].text

    def complete(
        self, receiver: UvmObject, request: Request, on_text: OnText | None = None
    ) -> list[Completion]:
        """Complete a request with the weights that the receiver delegates to, and with the
        adapter that the request names.

        Raises:
            AdapterMissing: The mind has no such adapter for its weights.
        """
        holder = find(receiver, "model_blob")
        if holder is None or not isinstance(holder.value, Blob):
            raise MindMissing(repr(receiver), "it delegates to no object with a model_blob")
        engine = self._engine_for(path_of(holder.value), holder)
        holder.holder._v_loaded_model = engine  # only a handle: ghosting the object drops it
        if request.adapter is not None:
            engine.admit(adapter_in(card_of(holder.holder), request.adapter))
        return self._counted(engine, request, on_text)

    def report(self) -> Thinking:
        """Return what the engine holds, and what it has done so far."""
        held = Report() if self._engine is None else self._engine.report()
        return Thinking(held, self._tokens, self._seconds)

    def _counted(
        self, engine: Engine, request: Request, on_text: OnText | None
    ) -> list[Completion]:
        started = time.monotonic()
        completions = engine.complete(request, on_text)
        with self._lock:
            self._tokens += sum(completion.tokens for completion in completions)
            self._seconds += time.monotonic() - started
        return completions

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
