"""What does it cost that the mind has a process, a launcher and walls of its own?

Run `python bench/engine.py` after `batos mind pull smollm2`, on a machine that does nothing
else: llama.cpp's threads wait for each other. The same requests go to our child and to a
process that uses xllamacpp directly, with the same settings, by turns, 5 rounds after one.
Tokens per second, median: one sample of 96 tokens, and 16 of 48, of one prompt that was
read before, greedy. Starts, median of 5: the launcher, with a child that it started; a mind
to its first answer, without weights; the weights, with one token; and 8 samples of 64
tokens of a prompt of about 300, with a seed: on a mind that was not there, and again.
Last line: the same as JSON. Compare only numbers from one machine.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

import platformdirs

from batos.engines.catalog import resolve
from batos.engines.child import ChildEngine, mind_argv
from batos.engines.contract import Request
from batos.errors import EngineFailed
from batos.sandbox.launcher import Launcher

ROUNDS, STARTS = 5, 5
THREADS = len(os.sched_getaffinity(0))  # of both: ours would look first how many cores are free
EXAMPLE = (
    "# add_ adds two numbers and returns the sum, so add_(2, 3) returns 5\n"
    "def add_(self, a, b):\n    return a + b\n\n"
)
TASK = (
    "# deposit_ adds to the balance: deposit_(10) with balance 100 -> balance 110\n"
    "def deposit_(self, amount):"
)
ONE = Request(EXAMPLE * 7 + TASK, max_tokens=96, temperature=0)
SIXTEEN = replace(ONE, n=16, max_tokens=48)
EIGHT = replace(ONE, n=8, max_tokens=64, temperature=0.8, seed=1)

DIRECT = """
import json, sys
from xllamacpp import CommonParams, Server, llama_flash_attn_type
parameters = CommonParams()
parameters.model.path, parameters.hostnames = sys.argv[1], [sys.argv[2]]
parameters.flash_attn_type = llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
parameters.n_parallel, parameters.n_ctx, parameters.kv_unified = 16, 8192, True
parameters.kv_unified_per_slot = 4096
parameters.cpuparams.n_threads = int(sys.argv[3])
parameters.cpuparams.poll, parameters.cache_ram_mib, parameters.verbosity = 0, 0, -1
server = Server(parameters)
for line in sys.stdin:
    ends = []
    server.handle_completions(
        {**json.loads(line), "stream": True},
        lambda chunk: ends.append(chunk["usage"]) if "usage" in chunk else None,
    )
    print(sum(usage["completion_tokens"] for usage in ends), flush=True)
"""


class Direct:
    """xllamacpp in a process of its own, used as its documentation says."""

    def __init__(self, weights: Path, folder: Path) -> None:
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                DIRECT,
                str(weights),
                str(folder / "direct.sock"),
                str(THREADS),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def complete(self, request: Request) -> int:
        """Return how many tokens it took."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asdict(request)) + "\n")
        return int(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()


def seconds(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def speeds(engine: ChildEngine, direct: Direct, request: Request) -> tuple[float, float]:
    """Return the child's and the other's tokens per second."""
    tokens = sum(completion.tokens for completion in engine.complete(request))
    tokens_direct = direct.complete(request)
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(seconds(lambda: engine.complete(request)))
        theirs.append(seconds(lambda: direct.complete(request)))
    return tokens / statistics.median(ours), tokens_direct / statistics.median(theirs)


def start_s(weights: Path, folder: Path) -> tuple[float, ...]:
    """Return the seconds to a launcher, a mind, its weights, a first and a second growth."""
    launcher = Launcher({"mind": mind_argv([weights], folder)})

    def ask_launcher() -> None:
        child = launcher.spawn("mind")  # starts the launcher
        child.socket.close()

    def ask_too_much() -> None:
        with suppress(EngineFailed):  # refused before anything is loaded
            engine.complete(replace(ONE, n=17))

    engine = ChildEngine(lambda: launcher.spawn("mind"), weights)
    launcher_s = seconds(ask_launcher)
    process_s = seconds(ask_too_much)
    load_s = seconds(lambda: engine.complete(Request("a", max_tokens=1)))
    engine.unload()
    growth_s = seconds(lambda: engine.complete(EIGHT))
    again_s = seconds(lambda: engine.complete(EIGHT))
    engine.close()
    launcher.close()
    return launcher_s, process_s, load_s, growth_s, again_s


def main() -> None:
    weights = resolve("smollm2", platformdirs.user_cache_path("batos")).path
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        starts = [start_s(weights, folder) for _ in range(STARTS)]
        launcher = Launcher({"mind": mind_argv([weights], folder)})
        engine = ChildEngine(lambda: launcher.spawn("mind"), weights, threads=THREADS)
        direct = Direct(weights, folder)
        one, one_direct = speeds(engine, direct, ONE)
        many, many_direct = speeds(engine, direct, SIXTEEN)
        direct.close()
        engine.close()
        launcher.close()
    launcher_s, process_s, load_s, growth_s, again_s = map(
        statistics.median, zip(*starts, strict=True)
    )
    result = {
        "launcher_start_ms": launcher_s * 1000,
        "mind_start_ms": process_s * 1000,
        "load_ms": load_s * 1000,
        "first_growth_s": growth_s,
        "next_growth_s": again_s,
        "one_tokens_per_s": one,
        "one_direct_tokens_per_s": one_direct,
        "one_ratio": one / one_direct,
        "sixteen_tokens_per_s": many,
        "sixteen_direct_tokens_per_s": many_direct,
        "sixteen_ratio": many / many_direct,
    }
    for key, value in result.items():
        print(f"{key:28} {value:8.2f}")
    print(json.dumps({key: round(value, 3) for key, value in result.items()}))


if __name__ == "__main__":
    main()
