"""Undoing one of several changes that merged leaves the others."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from batos.errors import UndoConflict
from batos.kernel import shared
from batos.kernel.shared import Counter, Queue
from batos.kernel.values import plain
from batos.universe.universe import Universe


@pytest.fixture
def change(universe: Universe) -> Callable[..., Any]:
    """Do something to the shared value in a transaction; return that transaction."""

    def change_value(work: Callable[[Any], object]) -> str:
        with universe.transaction() as root:
            work(root["page"].shared)
        return universe.log(1)[0].tid

    return change_value


def move(added: list[int], takes: int, taken: list[int], queue: Queue) -> None:
    for item in added:
        queue.put(item)
    taken += [item for _ in range(takes) if (item := queue.take(None)) is not None]


def put(universe: Universe, value: object) -> None:
    with universe.transaction() as root:
        root["page"] = root["genesis_obj"].clone(shared=value)


def content(universe: Universe) -> Any:
    with universe.transaction() as root:
        return plain(root["page"].shared)


def test_an_addition_is_undone_below_later_ones(
    universe: Universe, change: Callable[..., Any]
) -> None:
    put(universe, Counter(100))
    tids = [change(lambda counter, by=by: counter.change(by)) for by in (1, 10, 1000)]

    universe.undo(tids[1])

    assert content(universe) == 1101
    universe.undo(universe.log(1)[0].tid)  # the undo itself
    assert content(universe) == 1111
    universe.undo(tids[0])
    assert content(universe) == 1110


def test_a_put_is_undone_below_later_ones(
    universe: Universe, change: Callable[..., Any]
) -> None:
    put(universe, Queue(["a"]))
    tids = [change(lambda queue, item=item: queue.put(item)) for item in "bcd"]

    universe.undo(tids[1])

    assert content(universe) == ["a", "b", "d"]


def test_an_item_whose_take_is_undone_has_its_place_again(
    universe: Universe, change: Callable[..., Any]
) -> None:
    put(universe, Queue("abc"))
    first = change(lambda queue: queue.take())
    change(lambda queue: queue.take())
    change(lambda queue: queue.put("d"))

    universe.undo(first)

    assert content(universe) == ["a", "c", "d"]


def test_a_put_cannot_be_undone_when_its_item_was_taken(
    universe: Universe, change: Callable[..., Any]
) -> None:
    put(universe, Queue())
    tid = change(lambda queue: queue.put("a"))
    change(lambda queue: queue.take())
    change(lambda queue: queue.put("b"))

    with pytest.raises(UndoConflict):
        universe.undo(tid)

    assert content(universe) == ["b"]


@pytest.mark.parametrize("seed", range(8))
def test_no_undo_loses_or_doubles_an_item(
    universe: Universe,
    change: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> None:
    monkeypatch.setattr(shared, "_PAGE_ITEMS", 2)
    put(universe, Queue())
    chance = random.Random(seed)
    done: list[tuple[str, list[int], list[int]]] = []  # transaction, put, taken
    there: set[int] = set()
    undone = 0

    for number in range(60):
        if done and chance.random() < 0.4:
            tid, added, taken = chance.choice(done[-6:])
            try:
                universe.undo(tid)
            except UndoConflict:
                continue
            undone += 1
            there = (there | set(taken)) - set(added)
            done.remove((tid, added, taken))
        else:
            added = [number * 10 + place for place in range(chance.randrange(4))]
            taken = []
            tid = change(partial(move, added, chance.randrange(0 if added else 1, 4), taken))
            there = (there | set(added)) - set(taken)
            if added or taken:
                done.append((tid, added, taken))
        assert sorted(content(universe)) == sorted(there), f"after step {number}"

    assert undone
