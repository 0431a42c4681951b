"""Counters and queues in generated code, and in the copies that it is tried on."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from types import MethodType, SimpleNamespace
from typing import Any

import pytest

from batos.errors import BudgetSpent, NotStorable
from batos.kernel.mirror import mirror
from batos.kernel.runtime import Runtime
from batos.kernel.shared import Counter, Queue
from batos.kernel.uvm_object import UvmObject
from batos.kernel.values import plain
from batos.sandbox.meter import METER, Budget
from batos.sandbox.policy import compile_method
from batos.sandbox.world import capture, rebuild

RUNTIME = Runtime({}, compile_method)


class Endless(Queue):
    """A queue that is longer than any budget."""

    def __iter__(self) -> Iterator[Any]:
        return itertools.repeat(0)


@pytest.fixture
def registered() -> list[object]:
    """What a transaction would write."""
    return []


@pytest.fixture
def page(registered: list[object]) -> Any:
    page = UvmObject(hits=Counter(3), jobs=Queue(["a", "b"]), total=0)
    jar = SimpleNamespace(runtime=RUNTIME, context=None, register=registered.append)
    for held in (page, page.hits, page.jobs):
        held._p_jar = jar
    return page


def run(page: Any, *lines: str, parameters: str = "", args: tuple[object, ...] = ()) -> object:
    source = "\n    ".join([f"def method(self{parameters}):", *lines])
    return MethodType(compile_method(source), page)(*args)


@pytest.mark.parametrize(
    ("line", "hits"),
    [
        ("self.hits.change(2)", 5),
        ("self.hits += 2", 5),
        ("self.hits -= 0.5", 2.5),
        ("hits = self.hits\n    hits += 1", 4),
    ],
)
def test_a_method_counts_and_writes_nothing_but_the_counter(
    page: Any, registered: list[object], line: str, hits: float
) -> None:
    page._p_changed = False
    counter = page.hits

    answer = run(page, line, "return self.hits.value")

    assert answer == hits
    assert page.hits is counter
    assert not page._p_changed  # a write of the object could meet a conflict


def test_a_method_puts_takes_and_looks_into_a_queue(page: Any) -> None:
    answer = run(
        page,
        "self.jobs.put({'n': [1]})",
        "first = self.jobs.take()",
        "return [first, len(self.jobs), [job for job in self.jobs], 'b' in self.jobs]",
    )

    assert plain(answer) == ["a", 2, ["b", {"n": [1]}], True]


def test_what_a_method_puts_must_last(page: Any) -> None:
    for item in ("lambda: 1", "self.jobs", "[self.jobs]"):
        with pytest.raises(NotStorable):
            run(page, f"self.jobs.put({item})")

    assert len(page.jobs) == 2


@pytest.mark.parametrize(
    "line",
    [
        "self.jobs._pages",
        "self.jobs.content()",
        "self.hits._value",
        "self.hits.content",
        "self.hits._p_jar",
        "self.hits.value = 9",
        "self.hits.__init__(9)",
        "getattr(self.jobs, '_p_' + 'jar')",
        "self.jobs[0]",
    ],
)
def test_a_method_reaches_nothing_else_of_them(page: Any, line: str) -> None:
    with pytest.raises(Exception, match=r"refused|may read|no slots|not a name|indexed"):
        run(page, line)


def test_a_method_cannot_change_those_of_a_primordial(page: Any) -> None:
    mirror(page).seal()
    for line in ("self.hits.change(1)", "self.hits += 1", "self.jobs.put(1)"):
        with pytest.raises(Exception, match=r"primordial|no attribute"):
            run(page.clone() if "change" in line else page, line)

    assert run(page, "return [self.hits, len(self.jobs)]") is not None
    assert (page.hits.value, len(page.jobs)) == (3, 2)


def test_they_travel_to_a_trial_as_what_they_are_and_come_back_as_data(page: Any) -> None:
    friend = UvmObject(name="friend")
    page.jobs.put(friend)
    world = capture(page, [])

    copy = rebuild(json.loads(json.dumps(world.to_json())), RUNTIME)

    receiver: Any = copy.receiver
    receiver.hits.change(1)
    taken = receiver.jobs.take()
    slots = {name: world.decode(value) for (_, name), value in copy.data_slots().items()}
    assert taken == "a"
    assert slots["hits"] == 4
    assert slots["jobs"] == ["b", friend]
    assert world.decode(copy.encode([receiver.hits, receiver.jobs])) == [4, ["b", friend]]
    assert (page.hits.value, len(page.jobs)) == (3, 3)


def test_an_example_gives_a_counter_its_number_and_a_queue_its_items(page: Any) -> None:
    copy = rebuild(capture(page, []).to_json(), RUNTIME)

    copy.give("hits", 40)
    copy.give("jobs", ["list", "x", "y"])
    copy.give("total", 7)

    receiver: Any = copy.receiver
    receiver.hits.change(2)
    assert (receiver.hits.value, receiver.jobs.take(), receiver.total) == (42, "x", 7)


def test_a_trial_cannot_make_the_owner_build_what_is_no_counter(page: Any) -> None:
    world = capture(page, [])

    for data in (
        ["counter", "x"],
        ["counter", None],
        ["counter", ["queue"]],
        ["counter", 1, 2],
    ):
        with pytest.raises((TypeError, ValueError)):
            world.decode(data)


def test_looking_for_an_item_in_a_queue_ends_with_the_budget(page: Any) -> None:
    line = "return 8 in jobs"

    with METER.limited(Budget(seconds=0.05)), pytest.raises(BudgetSpent):
        run(page, line, parameters=", jobs", args=(Endless(),))

    assert run(page, line, parameters=", jobs", args=(Queue([7, 8]),)) is True
