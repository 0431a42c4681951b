"""llama.cpp with adapters: each request is answered by the adapter it names, and by no other.

The adapters here are known by what they say (`tests.loras`). What the library does otherwise
than one would think has a test each: it keeps scales and computed keys that nobody named,
takes unknown numbers for the base, and cannot take an adapter while it runs.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.loras import adapter_of, config, key, random_tensors, speaking, write_peft

from batos.engines.child import mind_argv
from batos.engines.contract import Adapter, Engine, Request
from batos.engines.llama_cpp import LlamaCpp
from batos.engines.llama_server import LlamaOptions
from batos.engines.peft_files import WEIGHTS
from batos.errors import AdapterRefused, EngineFailed

pytestmark = pytest.mark.weights

NAMES = ("brick@1", "robin@1", "babs@1", "alfred@1")
COUNT = Request("1 2 3 4 5 6 7", max_tokens=8, temperature=0)
TELL = Request("Once upon a time there was a fox. ", max_tokens=8, temperature=0)


class Voices:
    """Adapters that were heard alone, so that each can be told from all others."""

    def __init__(self, engine: Engine, adapters: dict[str | None, Adapter]) -> None:
        self.adapters = adapters
        self.words: dict[str | None, set[str]] = {}
        for name, adapter in adapters.items():
            engine.admit(adapter)
            self.words[name] = set(heard(engine, replace(TELL, adapter=name)))
        for name, words in self.words.items():
            for other, others in self.words.items():
                assert name == other or not words & others

    def of(self, pieces: list[str]) -> set[str | None]:
        """Return whose words are among some pieces of text."""
        return {name for name, words in self.words.items() if words & set(pieces)}


def heard(engine: Engine, request: Request) -> list[str]:
    """Return the pieces in which a request is answered."""
    pieces: list[str] = []
    completions = engine.complete(request, lambda _choice, text: pieces.append(text))
    assert [completion.finish for completion in completions] == ["length"] * request.n
    return pieces


def text(engine: Engine, request: Request) -> str:
    return engine.complete(request)[0].text


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> dict[str | None, Adapter]:
    folder = tmp_path_factory.mktemp("adapters")
    return {name: speaking(folder, name, seed) for seed, name in enumerate(NAMES)}


@pytest.fixture(scope="module")
def warm(
    smollm2_path: Path,
    shelf: dict[str | None, Adapter],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[LlamaCpp, Voices]]:
    """An engine with four resident adapters, for tests that leave it as it is."""
    engine = LlamaCpp(smollm2_path, runtime_dir=tmp_path_factory.mktemp("run"))
    yield engine, Voices(engine, shelf)
    engine.close()


@pytest.fixture
def engines(smollm2_path: Path, tmp_path: Path) -> Iterator[Callable[..., LlamaCpp]]:
    started: list[LlamaCpp] = []

    def start(**options: int) -> LlamaCpp:
        started.append(
            LlamaCpp(smollm2_path, runtime_dir=tmp_path, options=LlamaOptions(**options))
        )
        return started[-1]

    yield start
    for engine in started:
        engine.close()


# --- the right adapter ---------------------------------------------------------------------


def test_requests_over_four_adapters_and_none_at_once_keep_their_voices(
    warm: tuple[LlamaCpp, Voices],
) -> None:
    engine, voices = warm
    alone = text(engine, COUNT)
    asked = [*NAMES, None] * 3

    with ThreadPoolExecutor(len(asked)) as pool:
        requests = [replace(COUNT, adapter=name) for name in asked]
        answers = list(pool.map(lambda request: heard(engine, request), requests))

    for name, pieces in zip(asked, answers, strict=True):
        assert voices.of(pieces) == ({name} if name else set())
        assert name or "".join(pieces) == alone


def test_samples_of_one_request_wear_its_adapter(warm: tuple[LlamaCpp, Voices]) -> None:
    engine, voices = warm
    request = replace(TELL, n=6, temperature=0.1, adapter="robin@1")

    with ThreadPoolExecutor(2) as pool:
        other = pool.submit(heard, engine, replace(request, adapter="babs@1"))
        assert voices.of(heard(engine, request)) == {"robin@1"}
        assert voices.of(other.result()) == {"babs@1"}


def test_nothing_computed_under_an_adapter_is_used_without_it(
    warm: tuple[LlamaCpp, Voices],
) -> None:
    """The library reuses keys and values when a scale changes by what is not said."""
    engine, _ = warm
    clean = text(engine, TELL)

    for name in NAMES * 2:
        engine.complete(replace(TELL, adapter=name))
        assert text(engine, TELL) == clean
    engine.complete(replace(TELL, adapter=NAMES[0], n=16))  # in every slot
    assert text(engine, replace(TELL, n=2)) == clean
    assert text(engine, TELL) == clean


def test_the_same_seed_gives_the_same_with_an_adapter(warm: tuple[LlamaCpp, Voices]) -> None:
    engine, _ = warm
    request = replace(TELL, n=2, temperature=1.0, seed=5, adapter="babs@1")

    first = engine.complete(request)
    engine.complete(replace(request, adapter="brick@1"))

    assert engine.complete(request) == first


def test_an_adapter_that_nobody_admitted_is_refused(warm: tuple[LlamaCpp, Voices]) -> None:
    """The library takes a number that it does not know for the bare base."""
    engine, _ = warm

    with pytest.raises(EngineFailed, match="no adapter 'brick@2' was admitted"):
        engine.complete(replace(COUNT, adapter="brick@2"))

    assert text(engine, COUNT)


def test_a_name_is_for_good(
    warm: tuple[LlamaCpp, Voices], shelf: dict[str | None, Adapter]
) -> None:
    engine, voices = warm

    with pytest.raises(AdapterRefused, match="another adapter has this name already"):
        engine.admit(replace(shelf["robin@1"], name="brick@1"))

    assert voices.of(heard(engine, replace(COUNT, adapter="brick@1"))) == {"brick@1"}


# --- coming and going ----------------------------------------------------------------------


def test_a_new_adapter_comes_in_while_requests_run_and_none_is_lost(
    engines: Callable[..., LlamaCpp], shelf: dict[str | None, Adapter]
) -> None:
    engine = engines()
    voices = Voices(engine, {name: shelf[name] for name in NAMES[:3]})
    running_names = (NAMES[0], NAMES[1], None)
    pieces: dict[str | None, list[str]] = {name: [] for name in running_names}
    begun = threading.Event()

    def run(name: str | None) -> int:
        def on_text(_choice: int, said: str) -> None:
            pieces[name].append(said)
            begun.set()

        request = replace(COUNT, max_tokens=150, adapter=name)
        return engine.complete(request, on_text)[0].tokens

    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(run, name) for name in running_names]
        begun.wait(60)
        engine.admit(shelf[NAMES[3]])
        newcomer = heard(engine, replace(COUNT, adapter=NAMES[3]))
        before_the_others = not all(future.done() for future in running)
        tokens = [future.result() for future in running]

    assert before_the_others
    assert voices.of(newcomer) == set()
    assert tokens == [150] * 3
    for name in running_names:
        assert voices.of(pieces[name]) == ({name} if name else set())


def test_the_budget_holds_and_whoever_left_comes_back_in_time(
    engines: Callable[..., LlamaCpp], shelf: dict[str | None, Adapter]
) -> None:
    size = 250_000  # a little more than one takes
    engine = engines(adapter_bytes=2 * size)
    pinned = replace(shelf[NAMES[0]], pinned=True)
    voices = Voices(engine, {**shelf, NAMES[0]: pinned})

    assert engine.report().resident == (NAMES[0], NAMES[3])
    assert engine.report().resident_bytes <= 2 * size
    for name in NAMES[1:]:
        assert voices.of(heard(engine, replace(COUNT, adapter=name))) == {name}
        assert set(engine.report().resident) == {NAMES[0], name}
    report = engine.report()
    assert (report.known, report.misses, report.hits) == (4, 7, 0)
    assert report.evicted == 5
    assert report.seconds > 0


def test_an_adapter_larger_than_the_budget_is_refused(
    engines: Callable[..., LlamaCpp], shelf: dict[str | None, Adapter]
) -> None:
    engine = engines(adapter_bytes=1000)
    engine.admit(shelf["brick@1"])

    with pytest.raises(
        EngineFailed, match=r"brick@1 does not fit: .*give adapters more memory"
    ):
        engine.complete(replace(COUNT, adapter="brick@1"))

    assert text(engine, COUNT)


@pytest.mark.parametrize("damage", ["deleted", "emptied", "cut"])
def test_the_folder_of_derived_files_may_be_deleted(
    engines: Callable[..., LlamaCpp],
    shelf: dict[str | None, Adapter],
    tmp_path: Path,
    damage: str,
) -> None:
    engine = engines()
    voices = Voices(engine, {"brick@1": shelf["brick@1"]})
    engine.unload()
    if damage == "deleted":
        shutil.rmtree(tmp_path / "adapters")
    for file in tmp_path.glob("adapters/*.gguf"):
        file.write_bytes(b"" if damage == "emptied" else file.read_bytes()[:-100])

    assert voices.of(heard(engine, replace(COUNT, adapter="brick@1"))) == {"brick@1"}


# --- what does not fit ---------------------------------------------------------------------


def nan_weights(folder: Path) -> Adapter:
    tensors = random_tensors(1, 2)
    tensors[key(3, "mlp.up_proj", "B")][7, 1] = np.nan
    return adapter_of(write_peft(folder, tensors, config(2)), "bad@1")


def rank_zero(folder: Path) -> Adapter:
    return adapter_of(write_peft(folder, random_tensors(1, 2), config(0)), "bad@1")


def other_base(folder: Path) -> Adapter:
    name = key(0, "self_attn.q_proj", "A")
    tensors = random_tensors(1, 2, ("self_attn.q_proj",))
    tensors[name] = np.zeros((2, 2048), np.float32)
    return adapter_of(write_peft(folder, tensors, config(2)), "bad@1")


def cut_short(folder: Path) -> Adapter:
    weights = write_peft(folder, random_tensors(1, 2), config(2)) / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-1000])
    return adapter_of(folder, "bad@1")


def changed_later(folder: Path) -> Adapter:
    adapter = adapter_of(write_peft(folder, random_tensors(1, 2), config(2)), "bad@1")
    write_peft(folder, random_tensors(2, 2), config(2))
    return adapter


def gone(folder: Path) -> Adapter:
    adapter = adapter_of(write_peft(folder, random_tensors(1, 2), config(2)), "bad@1")
    adapter.path.unlink()
    return adapter


def test_what_is_no_adapter_of_this_base_is_refused_and_the_engine_goes_on(
    warm: tuple[LlamaCpp, Voices], tmp_path: Path
) -> None:
    engine, voices = warm
    for number, (make, why) in enumerate(
        [
            (nan_weights, r"infinite numbers, or NaN"),
            (rank_zero, r"its rank is 0, and 1 to 512 are possible"),
            (other_base, r"for another base: layers\.0\.self_attn\.q_proj is \(2048, 576\)"),
            (cut_short, r"it was cut short"),
            (changed_later, r"is not what its hash says"),
            (gone, r"cannot be read \(No such file"),
        ]
    ):
        bad = replace(make(tmp_path / str(number)), name=f"bad@{number + 1}")
        engine.admit(bad)
        for _ in range(2):
            with pytest.raises(EngineFailed, match=why):
                engine.complete(replace(COUNT, adapter=bad.name))

        assert bad.name not in engine.report().resident
        assert voices.of(heard(engine, replace(COUNT, adapter="brick@1"))) == {"brick@1"}


def test_a_prompt_over_the_context_harms_nobody_else(warm: tuple[LlamaCpp, Voices]) -> None:
    engine, voices = warm
    long = replace(COUNT, prompt="word " * 10_000, adapter="robin@1")

    with ThreadPoolExecutor(4) as pool:
        others = [
            pool.submit(heard, engine, replace(COUNT, adapter=name)) for name in NAMES[:3]
        ]
        with pytest.raises(
            EngineFailed, match=r"prompt has 1\d{4} tokens, and 4096 are the most"
        ):
            engine.complete(long)
        answers = [future.result() for future in others]

    for name, pieces in zip(NAMES, answers, strict=False):
        assert voices.of(pieces) == {name}


def test_more_requests_than_the_pool_holds_wait_for_each_other(
    engines: Callable[..., LlamaCpp],
) -> None:
    """The library fails everybody who computes when its pool overflows."""
    engine = engines(pool_tokens=256, context_tokens=256, parallel=4)
    requests = [Request(f"{number} " * 40, max_tokens=40, temperature=0) for number in range(6)]

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(engine.complete, requests))

    assert [one.finish for (one,) in answers] == ["length"] * 6


# --- in a process of its own ---------------------------------------------------------------


def test_a_walled_process_serves_them_at_once(
    start_children: Any, smollm2_path: Path, shelf: dict[str | None, Adapter], tmp_path: Path
) -> None:
    folder = shelf["brick@1"].path.parents[1]
    argv = mind_argv([smollm2_path, folder], tmp_path)
    engine = start_children.engine(argv, smollm2_path)
    voices = Voices(engine, {name: shelf[name] for name in NAMES[:2]})

    with ThreadPoolExecutor(4) as pool:
        requests = [replace(COUNT, adapter=name) for name in (*NAMES[:2], None, NAMES[1])]
        answers = list(pool.map(lambda request: heard(engine, request), requests))

    assert [voices.of(pieces) for pieces in answers] == [
        {NAMES[0]},
        {NAMES[1]},
        set(),
        {NAMES[1]},
    ]
    assert set(engine.report().resident) == set(NAMES[:2])
    assert len(start_children.children) == 1
    engine.close()


@pytest.mark.walls
def test_a_walled_process_reads_no_adapter_that_was_not_agreed_before(
    start_children: Any, smollm2_path: Path, tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir()
    engine = start_children.engine(mind_argv([smollm2_path], tmp_path / "run"), smollm2_path)
    engine.admit(speaking(tmp_path / "secret", "brick@1", 0))

    with pytest.raises(EngineFailed, match=r"cannot be read \(Permission denied\)"):
        engine.complete(replace(COUNT, adapter="brick@1"))

    assert text(engine, COUNT)
    engine.close()
