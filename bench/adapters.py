"""What do adapters cost: side by side, swapped, new, many, and in memory?

Run `python -m bench.adapters` after `batos mind pull smollm2`, on a machine that does nothing
else. The embedded mind in its own process, adapters with random weights (rank 8, attention
and MLP, 9.8 MB each), greedy; medians of 5 rounds after a warm one, by turns where two things
are compared. Tokens per second of one sample of 96, against xllamacpp used directly, and of 16
samples of 48; of 8 requests of 48 tokens with a common beginning of about 300 tokens, over one
adapter and over four; milliseconds that a request of one token takes more when another
resident adapter had the turn; seconds until a new adapter answers while four requests run,
and how many of those came out whole; a hundred adapters asked 60 times at random (a few of
them often), with room for 8: milliseconds that a request takes more than one whose adapter is
there; resident memory of the process with and without four adapters. Last line: the same as
JSON.
"""

from __future__ import annotations

import json
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import platformdirs
from bench.engine import ONE, SIXTEEN, THREADS, Direct, seconds, speeds
from tests.loras import adapter_of, config, random_tensors, write_peft

from batos.engines.catalog import resolve
from batos.engines.child import ChildEngine, mind_argv
from batos.engines.contract import Adapter, Request
from batos.sandbox.launcher import Child, Launcher

ROUNDS = 5
PATIENT_S = 900.0  # a busy machine shall make it slow, not end it
SAMPLES = 20  # of a swap
MANY, ROOM, ASKED = 100, 8, 60
BEGINNING = ONE.prompt.rpartition("#")[0]
TASKS = [f"{BEGINNING}# number_{number}_ is {number}\ndef number_" for number in range(8)]

TOKEN = Request("1 2 3", max_tokens=1, temperature=0, timeout_s=PATIENT_S)
SHORT = replace(TOKEN, max_tokens=48)


class Minds:
    """Starts minds in processes whose memory can be looked at."""

    def __init__(self, weights: Path, folder: Path) -> None:
        self._launcher = Launcher({"mind": mind_argv([weights, folder], folder)})
        self._weights = weights
        self.children: list[Child] = []

    def start(self, **options: int) -> ChildEngine:
        def spawn() -> Child:
            self.children.append(self._launcher.spawn("mind"))
            return self.children[-1]

        return ChildEngine(spawn, self._weights, threads=THREADS, **options)

    def memory_mb(self) -> float:
        """Return what the newest process has resident, the mapped weights among it."""
        lines = Path(f"/proc/{self.children[-1].pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024

    def close(self) -> None:
        self._launcher.close()


def adapters(folder: Path, count: int, rank: int = 8) -> list[Adapter]:
    return [
        adapter_of(
            write_peft(
                folder / f"a{seed}", random_tensors(seed, rank, size=0.02), config(rank)
            ),
            f"a{seed}@1",
        )
        for seed in range(count)
    ]


def together(engine: ChildEngine, requests: Sequence[Request]) -> float:
    """Return the tokens per second of some requests that are asked at once."""
    with ThreadPoolExecutor(len(requests)) as pool:
        started = time.perf_counter()
        answers = list(pool.map(engine.complete, requests))
        took_s = time.perf_counter() - started
    return sum(completion.tokens for (completion,) in answers) / took_s


def over_one_and_four(engine: ChildEngine, four: Sequence[Adapter]) -> tuple[float, float]:
    one_adapter, four_adapters = (
        [
            replace(SHORT, prompt=task, adapter=worn[number % len(worn)].name)
            for number, task in enumerate(TASKS)
        ]
        for worn in (four[:1], four)
    )
    found: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS + 1):
        for requests, speeds_ in zip((one_adapter, four_adapters), found, strict=True):
            speeds_.append(together(engine, requests))
    return statistics.median(found[0][1:]), statistics.median(found[1][1:])


def swap_ms(engine: ChildEngine, two: Sequence[Adapter]) -> float:
    """Return how much longer a request takes when its adapter had not the turn before."""
    a, b = (replace(TOKEN, prompt=TASKS[0], adapter=one.name) for one in two)
    for request in (a, b):
        engine.complete(request)  # its slot knows the prompt
    after_other, after_itself = [], []
    for _ in range(SAMPLES):
        for request in (a, b):
            after_other.append(seconds(partial(engine.complete, request)))
            after_itself.append(seconds(partial(engine.complete, request)))
    return (statistics.median(after_other) - statistics.median(after_itself)) * 1000


def admitted_s(
    engine: ChildEngine, worn: Sequence[Adapter], new: Sequence[Adapter]
) -> tuple[float, float, int]:
    """Return until a new adapter answers: with nothing else to do, and while four requests
    run; and how many of those did not come out whole."""
    idle = _first_answer_s(engine, new[0])
    begun, lost = threading.Barrier(5), 0
    requests = [
        replace(SHORT, prompt=task, max_tokens=200, adapter=one.name)
        for task, one in zip(TASKS, [worn[0]] * 4, strict=False)
    ]

    def run(request: Request) -> int:
        first = threading.Event()

        def on_text(_choice: int, _text: str) -> None:
            if not first.is_set():
                first.set()
                begun.wait(60)

        return engine.complete(request, on_text)[0].tokens

    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(run, request) for request in requests]
        begun.wait(60)
        busy = _first_answer_s(engine, new[1])
        lost = sum(future.result() != 200 for future in running)
    return idle, busy, lost


def _first_answer_s(engine: ChildEngine, adapter: Adapter) -> float:
    engine.admit(adapter)
    request = replace(TOKEN, adapter=adapter.name)
    return seconds(lambda: engine.complete(request))


def many_ms(minds: Minds, crowd: Sequence[Adapter]) -> tuple[float, float, float, int]:
    """Return the median and 95th percentile of what a request takes more, the hits, and how
    many bytes were resident beyond the budget."""
    size = (crowd[0].path.stat().st_size + 100_000) * ROOM
    engine = minds.start(adapter_bytes=size)
    for adapter in crowd:
        engine.admit(adapter)
    request = replace(TOKEN, adapter=crowd[0].name)
    engine.complete(request)
    there = statistics.median(seconds(lambda: engine.complete(request)) for _ in range(10))
    chance = random.Random(7)
    weights = [1 / (number + 1) for number in range(len(crowd))]
    took, beyond = [], 0
    for adapter in chance.choices(crowd, weights, k=ASKED):
        asked = replace(request, adapter=adapter.name)
        took.append((seconds(partial(engine.complete, asked)) - there) * 1000)
        beyond = max(beyond, engine.report().resident_bytes - size)
    report = engine.report()
    engine.close()
    hits = report.hits / (report.hits + report.misses)
    return statistics.median(took), statistics.quantiles(took, n=20)[-1], hits, max(0, beyond)


def memory_mb(minds: Minds, four: Sequence[Adapter]) -> tuple[float, float]:
    found = []
    for worn in ((), four):
        engine = minds.start()
        for adapter in worn:
            engine.admit(adapter)
        names = [None, *(adapter.name for adapter in worn)]
        with ThreadPoolExecutor(len(names)) as pool:  # they share a hand-over
            requests = [replace(TOKEN, adapter=name) for name in names]
            list(pool.map(engine.complete, requests))
        engine.complete(replace(SHORT, prompt=TASKS[0], adapter=names[-1]))
        found.append(minds.memory_mb())
        engine.close()
    return found[0], found[1]


def stages(weights: Path, folder: Path) -> Iterator[dict[str, float]]:
    """Yield what each part measured."""
    minds, some = Minds(weights, folder), adapters(folder, 6)
    base, worn = memory_mb(minds, some[:4])
    yield {"base_mb": base, "base_and_4_mb": worn, "memory_ratio": worn / base}
    engine, direct = minds.start(), Direct(weights, folder)
    one, bare = speeds(engine, direct, replace(ONE, timeout_s=PATIENT_S))
    sixteen, _ = speeds(engine, direct, replace(SIXTEEN, timeout_s=PATIENT_S))
    direct.close()
    yield {"one_tokens_per_s": one, "one_ratio": one / bare, "sixteen_ratio": sixteen / one}
    for adapter in some[:4]:
        engine.admit(adapter)
    over_one, over_four = over_one_and_four(engine, some[:4])
    yield {"over_1_tokens_per_s": over_one, "over_4_ratio": over_four / over_one}
    yield {"swap_ms": swap_ms(engine, some[:2])}
    idle, busy, lost = admitted_s(engine, some[:4], some[4:])
    yield {"admitted_idle_ms": idle * 1000, "admitted_busy_ms": busy * 1000, "lost": lost}
    engine.close()
    p50, p95, hits, beyond = many_ms(minds, adapters(folder / "crowd", MANY, rank=2))
    yield {"many_p50_ms": p50, "many_p95_ms": p95, "many_hits": hits, "many_beyond": beyond}
    minds.close()


def main() -> None:
    weights = resolve("smollm2", platformdirs.user_cache_path("batos")).path
    result: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        for stage in stages(weights, Path(name)):
            result |= stage
            for key, value in stage.items():
                print(f"{key:22} {value:9.2f}", flush=True)
    print(json.dumps({key: round(value, 3) for key, value in result.items()}))


if __name__ == "__main__":
    main()
