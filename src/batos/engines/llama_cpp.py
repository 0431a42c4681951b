"""GGUF weights in this process, by llama.cpp: the embedded engine.

    admit -> is its adapter resident? -> else hand over to a new server -> slot -> ask -> hear

The library's server (`llama_server`) takes its adapters when it is loaded and never later. So
for a new one another server is loaded beside it, from the same mapped weights; it gets all new
requests, and the old one ends with the last that it has: no request is lost or changes its
adapter. llama.cpp thinks at half its speed beside another pool of threads, and unloading leaves
the library behind: `child` gives it a process of its own.
"""

from __future__ import annotations

import math
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batos.engines import llama_server
from batos.engines.admission import Admission, Guest
from batos.engines.contract import (
    Adapter,
    Completion,
    OnText,
    Report,
    Request,
    deadline_passed,
    engine_closed,
    not_admitted,
)
from batos.engines.llama_server import Listener, LlamaOptions
from batos.engines.shelf import DERIVED, Shelf
from batos.engines.slots import Slots
from batos.errors import EngineFailed


@dataclass(eq=False)
class _Served:
    """A server, the adapters that it has in their order, and who is there."""

    server: Any
    adapters: tuple[str, ...]
    slots: Slots
    inside: int = 0
    used: bool = False  # it has completed something

    def has(self, adapter: str | None) -> bool:
        return adapter is None or adapter in self.adapters

    def scales(self, adapter: str | None) -> list[float]:
        return [float(name == adapter) for name in self.adapters]


class LlamaCpp:
    """One GGUF file, loaded on the first request.

    Requests without a seed are computed side by side; one with a seed is alone.
    """

    def __init__(
        self,
        path: Path,
        *,
        runtime_dir: Path | None = None,
        options: LlamaOptions | None = None,
    ) -> None:
        """Keep in mind what to load.

        Args:
            path: The weights. They are mapped, not copied.
            runtime_dir: Where folders may be made, with a short path: one for a moment, and
                `adapters` for derived files; None is the system's for temporary files.
            options: What it may take.
        """
        self._path = path
        self._runtime_dir = runtime_dir
        self._options = options or LlamaOptions()
        folder = (runtime_dir or Path(tempfile.gettempdir(), "batos")) / DERIVED
        budgets = self._options.adapter_bytes, self._options.derived_bytes
        self._shelf = Shelf(path, folder, *budgets)
        self._admission = Admission(self._options.parallel, self._options.pool_tokens)
        self._loading = threading.Lock()  # one server at a time is loaded
        self._changed = threading.Condition()  # guards what follows, and the shelf's counts
        self._current: _Served | None = None  # gets new requests
        self._draining: _Served | None = None  # completes what it has
        self._wanted: dict[str, None] = {}  # adapters that requests wait for
        self._closed = False

    def admit(self, adapter: Adapter) -> None:
        """Know an adapter from now on; see `Engine.admit`."""
        with self._changed:
            self._shelf.admit(adapter)

    def complete(self, request: Request, on_text: OnText | None = None) -> list[Completion]:
        """Complete a request; see `Engine.complete`.

        Raises:
            EngineFailed: As every engine. Its deadline is kept between two tokens: loading,
                reading the prompt, and standing still while another adapter computes are not
                interrupted.
        """
        ends = time.monotonic() + request.timeout_s
        self._refuse_misfit(request)
        guest = Guest(request.n, self._tokens_at_most(request), request.adapter)
        moves = lambda: self._admission.moves(guest)  # noqa: E731  (a name for the line below)
        listener = Listener(request, on_text, ends, moves)
        alone = request.seed is not None
        try:
            with self._admission.admitted(guest, ends, alone=alone):
                self._ask(request, listener, guest, ends)
        except TimeoutError as error:
            raise deadline_passed(request) from error
        return self._heard(request, listener)

    def unload(self) -> None:
        """Free the weights and all that was computed; the next request loads them again."""
        with self._alone():
            self._current = None  # its last reference: the server ends here
            self._shelf.empty()

    def close(self) -> None:
        """Free everything, for good."""
        self._closed = True
        self.unload()

    def report(self) -> Report:
        """Return what is resident, and how often it was found."""
        with self._changed:
            return self._shelf.report(self.loaded)

    @property
    def loaded(self) -> bool:
        """Whether the weights are in memory."""
        return self._current is not None

    def _ask(self, request: Request, listener: Listener, guest: Guest, ends: float) -> None:
        if self._closed:
            raise engine_closed()
        served = self._enter(request, ends)
        try:
            self._admission.begins(guest)
            scales = served.scales(request.adapter)
            if request.n > 1:  # the library chooses where its samples go
                served.slots.forget()
                llama_server.ask(served.server, request, scales, None, listener)
                return
            slot = served.slots.take(request.adapter, request.prompt)
            try:
                llama_server.ask(served.server, request, scales, slot, listener)
            finally:
                served.slots.give(slot)
        finally:
            self._leave(served)

    def _enter(self, request: Request, ends: float) -> _Served:
        """Return a server that has the request's adapter, with the request counted in.

        A request with a seed, which is alone, gets a new one. Where its tokens lie in the
        cache, and how many of its prompt's are there already, changes the last bits of what
        is computed, and so now and then a word. A server cannot be emptied; another takes
        0.25 s for 100 MB of weights that are in the page cache, and is faster in all than to
        give each sample a cache of its own.
        """
        adapter = request.adapter
        with self._changed:
            if adapter is not None and not self._shelf.knows(adapter):
                raise not_admitted(adapter)
            if request.seed is not None and self._current is not None and self._current.used:
                self._current = None  # before the next one: never twice the memory
            if adapter is not None and not self._shelf.use(adapter):
                self._wanted[adapter] = None
            if (served := self._counted_in(adapter)) is not None:
                return served
        return self._hand_over(adapter, ends)

    def _counted_in(self, adapter: str | None) -> _Served | None:
        served = self._current
        if served is None or not served.has(adapter):
            return None
        served.inside += 1
        served.used = True
        return served

    def _hand_over(self, adapter: str | None, ends: float) -> _Served:
        """Load a server that has an adapter, too, and let it take over.

        Raises:
            TimeoutError: Others still loaded, or the last but one still had requests.
        """
        if not self._loading.acquire(timeout=max(0.0, ends - time.monotonic())):
            raise TimeoutError
        try:
            with self._changed:
                if (served := self._counted_in(adapter)) is not None:  # somebody was faster
                    return served
                while self._draining is not None:  # never three at once
                    if not self._changed.wait(max(0.0, ends - time.monotonic())):
                        raise TimeoutError
                before = set(self._shelf.resident)
                wanted, self._wanted = self._wanted, {}
            new = self._load(adapter, wanted, before)
            with self._changed:
                if self._current is not None and self._current.inside:
                    self._draining = self._current
                self._current = new
                new.inside, new.used = 1, True
            llama_server.give_back()
            return new
        finally:
            self._loading.release()

    def _load(self, adapter: str | None, wanted: dict[str, None], before: set[str]) -> _Served:
        started = time.monotonic()
        with self._changed:
            files = self._shelf.lay_out(adapter, wanted)
        try:
            server = llama_server.load(
                self._path, list(files.values()), self._runtime_dir, self._options
            )
        except EngineFailed:
            with self._changed:
                self._shelf.drop(files.keys() - before)
            raise
        with self._changed:
            self._shelf.took(time.monotonic() - started)
        return _Served(server, tuple(files), Slots(self._options.parallel))

    def _leave(self, served: _Served) -> None:
        with self._changed:
            served.inside -= 1
            if served is self._draining and not served.inside:
                self._draining = None
                served.server = None  # its last reference
                llama_server.give_back()
                self._changed.notify_all()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._admission.admitted(Guest(0, 0, None), math.inf, alone=True):
            yield

    def _refuse_misfit(self, request: Request) -> None:
        """Refuse what the library would refuse too, or worse: give up on in the middle."""
        at_once, pool = self._options.parallel, self._options.pool_tokens
        if request.n > at_once:
            raise EngineFailed(f"{request.n} samples at once are too many: {at_once} at most")
        if request.n * request.max_tokens >= pool:
            raise EngineFailed(
                f"{request.n} samples of {request.max_tokens} tokens do not fit into"
                f" {pool} tokens; ask for fewer or shorter samples"
            )

    def _tokens_at_most(self, request: Request) -> int:
        """Return what a request takes of the pool if each byte of its prompt is a token."""
        of_prompt = min(len(request.prompt.encode()) + 1, self._options.context_tokens)
        of_samples = min(request.max_tokens, self._options.context_tokens) * request.n
        return of_prompt + of_samples

    def _heard(self, request: Request, listener: Listener) -> list[Completion]:
        if listener.raised is not None:
            raise listener.raised
        if listener.error is not None:
            raise EngineFailed(llama_server.explained(listener.error, self._options))
        if listener.late:
            raise deadline_passed(request)
        return listener.completions()
