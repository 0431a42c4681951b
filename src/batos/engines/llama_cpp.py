"""GGUF weights in this process, by llama.cpp: the embedded engine.

The only module that imports `xllamacpp`, which is llama.cpp's own server as a library:
batching, samples that share their prompt, prefix cache and stop texts are all its own.
What is here keeps its listener closed, counts what it does not, and turns its ways to
fail into one. llama.cpp thinks at half its speed beside another pool of threads, and
unloading leaves the library behind: `child` gives it a process of its own.
"""

from __future__ import annotations

import os
import secrets
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from batos.engines.contract import (
    Completion,
    Finish,
    OnText,
    Request,
    deadline_passed,
    engine_closed,
)
from batos.engines.cores import free_cores
from batos.engines.gguf import read_model
from batos.errors import EngineFailed, WeightsRefused

Chunk = Mapping[str, Any]  # what the library hands on, as llama-server's HTTP interface does

_NO_FLASH_ATTENTION = 0
_SOCKET = "listener.sock"  # the library takes a name for a Unix socket if it ends like this
_SOCKET_PATH_BYTES = 100  # of the 108 that Linux allows and the 104 of macOS


@dataclass(frozen=True)
class LlamaOptions:
    """What a loaded model may take of the machine."""

    context_tokens: int = 4096  # of the prompt and one sample; no more than it was trained on
    pool_tokens: int = 8192  # of the prompt, once, and all samples: its memory is set aside
    parallel: int = 16  # samples at once, and of one request
    threads: int | None = None  # None: one for each core that is free when it loads


class LlamaCpp:
    """One GGUF file, loaded on the first request. Requests are completed one by one."""

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
            runtime_dir: Where a folder may be made for a moment, with a short path; None
                is the system's folder for temporary files.
            options: What it may take.
        """
        self._path = path
        self._runtime_dir = runtime_dir
        self._options = options or LlamaOptions()
        self._lock = threading.Lock()
        self._server: Any = None
        self._used = False  # the server has completed something
        self._closed = False

    def complete(self, request: Request, on_text: OnText | None = None) -> list[Completion]:
        """Complete a request; see `Engine.complete`.

        Raises:
            EngineFailed: As every engine. Its deadline is kept between two tokens: loading
                and reading the prompt are not interrupted.
        """
        listener = _Listener(request, on_text, time.monotonic() + request.timeout_s)
        with self._lock:
            if self._closed:
                raise engine_closed()
            self._refuse_misfit(request)
            try:
                self._ready(request).handle_completions(_body(request), listener)
            except (ValueError, RuntimeError) as error:  # the other of its two ways to fail
                raise EngineFailed(f"llama.cpp says: {error}") from error
        return self._heard(listener)

    def unload(self) -> None:
        """Free the weights and all that was computed; the next request loads them again."""
        with self._lock:
            self._server = None  # its last reference: the server ends here

    def close(self) -> None:
        """Free everything, for good."""
        with self._lock:
            self._server = None
            self._closed = True

    @property
    def loaded(self) -> bool:
        """Whether the weights are in memory."""
        return self._server is not None

    def _ready(self, request: Request) -> Any:
        """Return the server to ask; a request with a seed gets a new one.

        Where its tokens lie in the cache, and how many of its prompt's are there already,
        changes the last bits of what is computed, and so now and then a word. A server
        cannot be emptied; another takes 0.25 s for 100 MB of weights that are in the page
        cache, and is faster in all than to give each sample a cache of its own.
        """
        if self._used and request.seed is not None:
            self._server = None  # before the next one: never twice the memory
        if self._server is None:
            self._server = self._load()
        self._used = True
        return self._server

    def _load(self) -> Any:
        try:
            from xllamacpp import Server  # noqa: PLC0415  (50 ms, and only where it thinks)
        except ImportError as error:
            raise EngineFailed(f"xllamacpp is not installed ({error})") from error
        try:
            trained_tokens = read_model(self._path).context_length
        except WeightsRefused as error:  # the library says only that it failed
            raise EngineFailed(f"{error.path} is refused as weights: {error.why}") from error
        with _listening_place(self._runtime_dir) as listens_at:
            parameters = _parameters(self._path, listens_at, self._options, trained_tokens)
            try:
                return Server(parameters)
            except (ValueError, RuntimeError) as error:
                raise EngineFailed(
                    f"llama.cpp cannot load {self._path}: there is too little memory, or it"
                    " does not know this architecture; try smaller weights"
                ) from error

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

    def _heard(self, listener: _Listener) -> list[Completion]:
        if listener.raised is not None:
            raise listener.raised
        if listener.error is not None:
            raise EngineFailed(_explained(listener.error, self._options))
        if listener.late:
            raise deadline_passed(listener.request)
        return listener.completions()


class _Listener:
    """Hears the library out, chunk by chunk, and tells it when to stop.

    Only a streamed answer says how each sample of several ended, and what it took: a whole
    one counts the first sample alone.
    """

    def __init__(self, request: Request, on_text: OnText | None, ends: float) -> None:
        self.request = request
        self.error: Chunk | None = None
        self.raised: BaseException | None = None
        self.late = False
        self._ends = ends
        self._on_text = on_text
        self._samples = [_Sample() for _ in range(request.n)]

    def __call__(self, chunk: Chunk) -> bool:
        """Take a chunk; return whether to cancel."""
        try:
            return self._heed(chunk)
        except BaseException as error:  # the library would swallow it, and go on
            self.raised = error
            return True

    def completions(self) -> list[Completion]:
        return [sample.completion() for sample in self._samples]

    def _heed(self, chunk: Chunk) -> bool:
        if "error" in chunk:
            self.error = chunk["error"]
            return True
        stop = False
        for choice in chunk["choices"]:
            text = choice["text"]
            self._samples[choice["index"]].add(text, choice["finish_reason"], chunk)
            if text and self._on_text is not None and not stop:
                stop = bool(self._on_text(choice["index"], text))
        self.late = time.monotonic() > self._ends
        return stop or self.late


@dataclass
class _Sample:
    """What has come of one sample."""

    pieces: list[str] = field(default_factory=list)
    finish: Finish = "cancelled"  # until it says how it ended
    tokens: int = 0

    def add(self, text: str, finish: Finish | None, chunk: Chunk) -> None:
        self.pieces.append(text)
        self.tokens += 1
        if finish is not None:
            self.finish = finish
            self.tokens = chunk["usage"]["completion_tokens"]  # exact, and this sample's own

    def completion(self) -> Completion:
        return Completion("".join(self.pieces), self.finish, self.tokens)


def _parameters(
    path: Path, listens_at: str, options: LlamaOptions, trained_tokens: int | None
) -> Any:
    """Return how the library is to load the weights. All of it was measured: LOG.md."""
    import xllamacpp  # noqa: PLC0415  (50 ms, and only where it thinks)

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.n_parallel = options.parallel
    parameters.n_ctx = options.pool_tokens
    # One pool for all samples: their prompt is in it once, and is not copied for each.
    parameters.kv_unified = True
    parameters.kv_unified_per_slot = min(
        options.context_tokens, options.pool_tokens, trained_tokens or options.context_tokens
    )
    # Flash attention on several threads adds up in an order that changes from load to load.
    parameters.flash_attn_type = xllamacpp.llama_flash_attn_type(_NO_FLASH_ATTENTION)
    # A second prompt cache of up to 8 GB, which confuses adapters. Each slot keeps its own.
    parameters.cache_ram_mib = 0
    parameters.cpuparams.n_threads = options.threads or free_cores()
    # Threads that spin while they wait stand still when anyone else wants the processor.
    parameters.cpuparams.poll = 0
    parameters.warmup = False  # the first request warms up as well
    parameters.fit_params = False  # loads twice, to see what fits a GPU
    # Its HTTP listener cannot be switched off: nobody finds it, and nobody has the key.
    parameters.hostnames = [listens_at]
    parameters.api_keys = [secrets.token_hex(32)]
    parameters.n_threads_http = 1
    parameters.endpoint_slots = False
    parameters.ui = False
    parameters.verbosity = -1
    return parameters


def _body(request: Request) -> dict[str, Any]:
    body: dict[str, Any] = {
        "prompt": request.prompt,
        "n": request.n,
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "stop": list(request.stop),
        "stream": True,
    }
    # Each sample gets a seed of its own from this one.
    return body if request.seed is None else {**body, "seed": request.seed}


def _explained(error: Chunk, options: LlamaOptions) -> str:
    if error.get("type") == "exceed_context_size_error":
        return (
            f"the prompt has {error['n_prompt_tokens']} tokens, and {error['n_ctx']} are the"
            " most; shorten it"
        )
    if "Context size" in str(error.get("message")):
        return (
            f"the prompt and its samples take more than {options.pool_tokens} tokens; ask for"
            " fewer or shorter samples"
        )
    return f"llama.cpp says: {error.get('message')}"


@contextmanager
def _listening_place(runtime_dir: Path | None) -> Iterator[str]:
    """Yield a path for a socket in a folder that only we can enter; remove both at the end.

    A server that has started keeps its socket, and nobody else can connect to it any more.
    """
    with tempfile.TemporaryDirectory(prefix="mind-", dir=runtime_dir) as folder:
        absolute = str(Path(folder, _SOCKET).absolute())
        path = min(absolute, os.path.relpath(absolute), key=len)
        if len(os.fsencode(path)) > _SOCKET_PATH_BYTES:
            raise EngineFailed(f"the path of a socket would be too long in {runtime_dir}")
        yield path
