"""llama.cpp's own server, as a library in this process: how it is loaded, asked and heard.

The only module that imports `xllamacpp`: batching, samples that share their prompt, prefix
cache and stop texts are all its own. What is here keeps its listener closed, says for each
request which adapter is on and which are off, and turns its ways to fail into one. When there
is a server, and which adapters it has, is `llama_cpp`'s matter.
"""

from __future__ import annotations

import ctypes
import os
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from batos.engines.contract import Completion, Finish, OnText, Request
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
    adapter_bytes: int = 256 << 20  # of adapters that are resident
    derived_bytes: int = 1 << 30  # of files that adapters are loaded from


def load(
    path: Path, adapters: Sequence[Path], runtime_dir: Path | None, options: LlamaOptions
) -> Any:
    """Return a server with the weights, and adapters that are off until a request says so.

    It ends when its last reference goes; requests that it has are completed before.

    Raises:
        EngineFailed: It cannot be loaded.
    """
    try:
        from xllamacpp import Server  # noqa: PLC0415  (50 ms, and only where it thinks)
    except ImportError as error:
        raise EngineFailed(f"xllamacpp is not installed ({error})") from error
    try:
        trained_tokens = read_model(path).context_length
    except WeightsRefused as error:  # the library says only that it failed
        raise EngineFailed(f"{error.path} is refused as weights: {error.why}") from error
    with listening_place(runtime_dir) as listens_at:
        parameters = _parameters(path, adapters, listens_at, options, trained_tokens)
        try:
            return Server(parameters)
        except (ValueError, RuntimeError) as error:
            what = f"{path} with {len(adapters)} adapters" if adapters else str(path)
            raise EngineFailed(
                f"llama.cpp cannot load {what}: there is too little memory, or it"
                " does not know this architecture; try smaller weights"
            ) from error


def ask(
    server: Any, request: Request, scales: Sequence[float], slot: int | None, listener: Listener
) -> None:
    """Let a server complete a request, and a listener hear it.

    Args:
        server: What `load` returned.
        request: What to complete.
        scales: Of all adapters that it was loaded with, in their order. What is not named
            would keep its scale of before, with what was computed under it.
        slot: Where to compute it; None leaves it to the library.
        listener: Told of everything.

    Raises:
        EngineFailed: The library refuses the request.
    """
    body: dict[str, Any] = {
        "prompt": request.prompt,
        "n": request.n,
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "stop": list(request.stop),
        "stream": True,
        "lora": [{"id": number, "scale": scale} for number, scale in enumerate(scales)],
    }
    if slot is not None:
        body["id_slot"] = slot
    if request.seed is not None:
        body["seed"] = request.seed  # each sample gets a seed of its own from this one
    try:
        server.handle_completions(body, listener)
    except (ValueError, RuntimeError) as error:  # the other of its two ways to fail
        raise EngineFailed(f"llama.cpp says: {error}") from error


class Listener:
    """Hears the library out, chunk by chunk, and tells it when to stop.

    Only a streamed answer says how each sample of several ended, and what it took: a whole
    one counts the first sample alone.
    """

    def __init__(
        self, request: Request, on_text: OnText | None, ends: float, moves: Callable[[], None]
    ) -> None:
        """Listen for a request.

        Args:
            request: What was asked.
            on_text: As in `Engine.complete`.
            ends: When its time is over, by `time.monotonic()`.
            moves: Told of every chunk.
        """
        self.error: Chunk | None = None
        self.raised: BaseException | None = None
        self.late = False
        self._ends = ends
        self._on_text = on_text
        self._moves = moves
        self._samples = [_Sample() for _ in range(request.n)]

    def __call__(self, chunk: Chunk) -> bool:
        """Take a chunk; return whether to cancel."""
        try:
            return self._heed(chunk)
        except BaseException as error:  # the library would swallow it, and go on
            self.raised = error
            return True

    def completions(self) -> list[Completion]:
        """Return what came."""
        return [sample.completion() for sample in self._samples]

    def _heed(self, chunk: Chunk) -> bool:
        self._moves()
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


def explained(error: Chunk, options: LlamaOptions) -> str:
    """Return what an error of the library means for whoever asked."""
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


def _parameters(
    path: Path,
    adapters: Sequence[Path],
    listens_at: str,
    options: LlamaOptions,
    trained_tokens: int | None,
) -> Any:
    """Return how the library is to load the weights. All of it was measured: LOG.md."""
    import xllamacpp  # noqa: PLC0415  (50 ms, and only where it thinks)

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    # With another scale they would be on for every request that says nothing.
    parameters.lora_adapters = [
        xllamacpp.CommonAdapterLoraInfo(str(adapter), 0.0) for adapter in adapters
    ]
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


def give_back() -> None:
    """Let the C library give back what a server that ended took, where it can be asked to.

    Else some 70 MB of pieces stay after four adapters have come in.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


@contextmanager
def listening_place(runtime_dir: Path | None) -> Iterator[str]:
    """Yield a path for a socket in a folder that only we can enter; remove both at the end.

    A server that has started keeps its socket, and nobody else can connect to it any more.
    """
    with tempfile.TemporaryDirectory(prefix="mind-", dir=runtime_dir) as folder:
        absolute = str(Path(folder, _SOCKET).absolute())
        path = min(absolute, os.path.relpath(absolute), key=len)
        if len(os.fsencode(path)) > _SOCKET_PATH_BYTES:
            raise EngineFailed(f"the path of a socket would be too long in {runtime_dir}")
        yield path
