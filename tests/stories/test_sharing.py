"""Many threads send to the same objects: nothing is lost, nothing is doubled."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pytest

import batos
from batos.errors import QueueEmpty
from batos.synthesis.examples import Example
from batos.uvm import Uvm

THREADS = 8
SENDS = 40

OpenScripted = Callable[..., Uvm]


@pytest.fixture
def uvm(open_scripted: OpenScripted) -> Uvm:
    """A universe with a page that is written by hand."""
    uvm = open_scripted(["\n    hits += amount\n    return hits"])
    with uvm.transaction() as root:
        page = root["page"] = root["genesis_obj"].clone(
            n=0, hits=batos.Counter(), jobs=batos.Queue(), done=batos.Queue()
        )
        for number in range(THREADS):
            setattr(page, f"slot{number}", 0)
        methods = batos.mirror(page)
        methods.define("def count(self):\n    self.n += 1\n    return self.n")
        methods.define("def hit(self):\n    self.hits.change(1)")
        methods.define("def put_(self, job):\n    self.jobs.put(job)")
        methods.define("def work(self):\n    self.done.put(self.jobs.take())")
        methods.define(
            "def mark_(self, name):\n    setattr(self, name, getattr(self, name) + 1)"
        )
    return uvm


def together(work: Callable[[int], object], threads: int = THREADS) -> None:
    """Run `work` in threads, all of which begin at once; their errors are ours."""
    start = threading.Barrier(threads)
    failures: list[BaseException] = []

    def run(number: int) -> None:
        start.wait()
        try:
            work(number)
        except BaseException as error:
            failures.append(error)

    running = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    assert failures == []


def test_a_slot_that_every_thread_counts_up_loses_no_count(uvm: Uvm) -> None:
    answers: list[object] = []

    together(lambda _thread: answers.extend(uvm.send("page", "count") for _ in range(SENDS)))

    assert sorted(answers) == list(range(1, THREADS * SENDS + 1))  # type: ignore[type-var]
    assert uvm.send("page", "n") == THREADS * SENDS


def test_threads_that_change_different_slots_of_one_object_lose_nothing(uvm: Uvm) -> None:
    together(lambda thread: [uvm.send("page", "mark_", f"slot{thread}") for _ in range(SENDS)])

    assert [uvm.send("page", f"slot{n}") for n in range(THREADS)] == [SENDS] * THREADS


def test_a_counter_and_a_slot_beside_it_are_counted_in_one_message(uvm: Uvm) -> None:
    with uvm.transaction() as root:
        batos.mirror(root["page"]).define("def both(self):\n    self.hit()\n    self.count()")

    together(lambda _thread: [uvm.send("page", "both") for _ in range(SENDS)])

    assert uvm.send("page", "hits") == uvm.send("page", "n") == THREADS * SENDS


def test_a_counter_needs_one_try_for_each_message(
    uvm: Uvm, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[object] = []
    opened = uvm._opened

    def noted(*args: Any) -> Any:
        tries.append(args)
        return opened(*args)

    monkeypatch.setattr(uvm, "_opened", noted)

    together(lambda _thread: [uvm.send("page", "hit") for _ in range(SENDS)])

    assert len(tries) == THREADS * SENDS
    assert uvm.send("page", "hits") == THREADS * SENDS


def test_every_job_that_producers_put_is_done_once(uvm: Uvm) -> None:
    producers = THREADS // 2
    jobs = [(thread, number) for thread in range(producers) for number in range(SENDS)]
    finished: list[int] = []

    def produce_or_consume(thread: int) -> None:
        if thread < producers:
            for number in range(SENDS):
                uvm.send("page", "put_", (thread, number))
            finished.append(thread)
            return
        all_there = False
        while not all_there:
            all_there = len(finished) == producers
            with suppress(QueueEmpty):
                while True:
                    uvm.send("page", "work")

    together(produce_or_consume)

    done = cast("list[tuple[int, int]]", uvm.send("page", "done"))
    assert uvm.send("page", "jobs") == []
    assert sorted(done) == jobs
    for thread in range(producers):  # takes and puts have the order of their commits
        assert [job for job in done if job[0] == thread] == jobs[thread * SENDS :][:SENDS]


def test_a_method_that_counts_grows_against_examples_and_keeps_the_counter(uvm: Uvm) -> None:
    shown = [
        Example((5,), 15, given={"hits": 10}, after={"hits": 15}),
        Example((1,), 1, given={"hits": 0}, after={"hits": 1}),
    ]

    assert uvm.send("page", "add_", 7, examples=shown) == 7

    with uvm.transaction() as root:
        assert isinstance(root["page"].hits, batos.Counter)
        assert "self.hits += amount" in batos.mirror(root["page"]).method("add_").source


def test_the_page_about_sharing_tells_the_truth(
    universe_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Path(__file__).parents[2] / "docs/how-to/share-between-threads.md"
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    universe_path.rename(universe_path.with_name("my.universe"))
    monkeypatch.chdir(universe_path.parent)

    namespace: dict[str, object] = {}
    for block in blocks:
        exec(block, namespace)

    assert len(blocks) == 2
