"""What do each parent on the way and each slot add to a send, and what do objects cost?

Run `python bench/send.py`. The table has a line for each depth of delegation and number of
parents on each level: a warm send of a primitive, for batos and for delegation by a walk in
`__getattr__`, as times a method call of a plain class; then reading inherited data and data
of the object's own, as times reading an attribute of a plain object. CPython answers a
plain attribute from a cache in the instruction, which no class with a `__getattr__` can
have; `getattr(obj, name)`, which has no such cache, is the second ratio of own data.

Below it, in microseconds: to clone, to write a slot, the first send of a new clone, and a
send after an ancestor changed (it is found anew). Last, the same for a prototype and a clone
of it with so many slots of data each, as times what it is with one slot; and to load such an
object, and to commit a change of one slot, which write and read all of its record.

Median of 9 rounds after one warm-up round, peers in turn; universe in memory. Last line: the
same as JSON. Compare only numbers from one machine and one Python.
"""

from __future__ import annotations

import json
import statistics
import time
import timeit
from collections.abc import Callable, Iterator, Mapping
from types import MethodType
from typing import Any

from transaction import TransactionManager
from ZODB.MappingStorage import MappingStorage

from batos.kernel.method import Primitive
from batos.kernel.runtime import Runtime
from batos.kernel.uvm_object import UvmObject
from batos.universe.database import Database

ROUNDS = 9
REPEATS = 50  # of a statement in one line of code, so that the loop costs little
DEPTHS = (1, 4, 16, 64)
SLOTS = (1, 10, 100, 1_000, 10_000)


class Plain:
    """What CPython is best at."""

    def __init__(self) -> None:
        self.own = 1

    def hello(self) -> int:
        return 1


class Naive:
    """Delegation as it is usually written."""

    def __init__(self, *parents: Naive, **slots: object) -> None:
        self.__dict__.update(slots)
        self.parents = parents

    def __getattr__(self, name: str) -> Any:
        for holder in self.ancestors():
            if name in vars(holder):
                value = vars(holder)[name]
                return MethodType(value, self) if callable(value) else value
        raise AttributeError(name)

    def ancestors(self) -> Iterator[Naive]:
        seen: set[int] = set()
        pending = [self]
        while pending:
            candidate = pending.pop()
            if id(candidate) not in seen:
                seen.add(id(candidate))
                yield candidate
                pending.extend(reversed(candidate.parents))


def hello(_self: object) -> int:
    return 1


def main() -> None:
    """Print the tables, then JSON."""
    connection = open_in_memory()
    ratios = {
        f"{depth} x {parents}": row(connection, depth, parents)
        for parents in (1, 3)
        for depth in DEPTHS
    }
    columns = next(iter(ratios.values()))
    print("depth x parents  " + "".join(f"{name:>16}" for name in columns))
    for name, figures in ratios.items():
        print(f"{name:<17}" + "".join(f"{figure:16.2f}" for figure in figures.values()))
    costs = {depth: costs_us(connection, depth) for depth in DEPTHS}
    print("\nmicroseconds     " + "".join(f"{name:>16}" for name in costs[1]))
    for depth, in_us in costs.items():
        print(f"{depth:<17}" + "".join(f"{figure:16.2f}" for figure in in_us.values()))
    by_slots = {slots: slots_us(connection, slots) for slots in SLOTS}
    one = by_slots[1]
    times = {
        slots: {name: figure / one[name] for name, figure in in_us.items()}
        for slots, in_us in by_slots.items()
    }
    print("\nslots, times 1   " + "".join(f"{name:>16}" for name in one))
    for slots, ratio in times.items():
        print(f"{slots:<17}" + "".join(f"{figure:16.2f}" for figure in ratio.values()))
    print(json.dumps({"ratios": ratios, "microseconds": costs, "times one slot": times}))


def open_in_memory() -> Any:
    """Return a connection to an empty database whose primitive does next to nothing."""
    database = Database(MappingStorage())
    database.runtime = Runtime({"bench.hello": hello}, lambda _source: hello)
    return database.open(TransactionManager())


def row(connection: Any, depth: int, parents: int) -> dict[str, float]:
    """Return times plain Python, for objects so deep with so many parents on each level."""
    top = UvmObject(hello=Primitive("bench.hello"), inherited=1)
    naive = Naive(hello=hello, inherited=1)
    for _ in range(depth):
        asked_first = (UvmObject() for _ in range(parents - 1))
        top = UvmObject(**{"parent*": (*asked_first, top)})
        naive = Naive(*(Naive() for _ in range(parents - 1)), naive)
    top.own = 1
    connection.root()[f"{depth} {parents}"] = top
    connection.transaction_manager.commit()
    names = {"plain": Plain(), "obj": top, "naive": naive, "getattr": getattr}
    seconds = medians(
        {
            "call": "plain.hello()",
            "send": "obj.hello()",
            "naive": "naive.hello()",
            "attribute": "plain.own",
            "inherited": "obj.inherited",
            "own": "obj.own",
            "getattr": "getattr(plain, 'own')",
            "own by getattr": "getattr(obj, 'own')",
        },
        names,
    )
    return {
        "send": seconds["send"] / seconds["call"],
        "naive send": seconds["naive"] / seconds["call"],
        "inherited data": seconds["inherited"] / seconds["attribute"],
        "own data": seconds["own"] / seconds["attribute"],
        "by getattr": seconds["own by getattr"] / seconds["getattr"],
    }


def medians(statements: Mapping[str, str], names: dict[str, Any]) -> dict[str, float]:
    """Return the median seconds of each statement, taken in turn."""
    timers = {
        name: timeit.Timer(";".join([statement] * REPEATS), globals=names)
        for name, statement in statements.items()
    }
    for timer in timers.values():
        timer.timeit(20)
    rounds = [
        {name: timer.timeit(200) / 200 / REPEATS for name, timer in timers.items()}
        for _ in range(ROUNDS)
    ]
    return {name: statistics.median(one[name] for one in rounds) for name in statements}


def costs_us(connection: Any, depth: int) -> dict[str, float]:
    """Return microseconds for what happens once, below an object so deep."""
    top = UvmObject(hello=Primitive("bench.hello"))
    bottom = top
    for _ in range(depth):
        bottom = bottom.clone()
    bottom.own = 1
    connection.root()[f"costs {depth}"] = bottom
    connection.transaction_manager.commit()

    def write() -> None:
        bottom.own = 2

    def change_top() -> None:
        top.fresh = 1
        del top.fresh

    return {
        "clone": median_us(lambda: None, lambda _: bottom.clone()),
        "write": median_us(lambda: None, lambda _: write()),
        "first send": median_us(bottom.clone, lambda clone: clone.hello()),
        "after a change": median_us(change_top, lambda _: bottom.hello()),
    }


def slots_us(connection: Any, slots: int) -> dict[str, float]:
    """Return microseconds for objects with so many slots of their own."""
    data = {f"slot{number}": number for number in range(slots)}
    proto = UvmObject(hello=Primitive("bench.hello"), **data)
    obj = proto.clone(**data, own=1)
    connection.root()[f"slots {slots}"] = obj
    connection.transaction_manager.commit()
    warm = medians({"send": "obj.hello()", "own read": "obj.own"}, {"obj": obj})

    def write() -> None:
        obj.own = 2

    def new_slot() -> None:
        obj.fresh = 1

    def commit() -> None:
        connection.transaction_manager.commit()
        obj._p_deactivate()

    def drop() -> None:
        if "fresh" in obj._slots:
            del obj.fresh

    return {
        **{name: seconds * 1e6 for name, seconds in warm.items()},
        "clone": median_us(lambda: None, lambda _: obj.clone()),
        "write": median_us(lambda: None, lambda _: write()),
        "new slot": median_us(drop, lambda _: new_slot()),
        "first send": median_us(obj.clone, lambda clone: clone.hello()),
        "load": median_us(commit, lambda _: obj.own),
        "commit": median_us(write, lambda _: connection.transaction_manager.commit()),
    }


def median_us(before: Callable[[], Any], act: Callable[[Any], object]) -> float:
    """Return the median microseconds of an act, given what was done untimed before it."""
    took = []
    for _ in range(300):
        given = before()
        started = time.perf_counter()
        act(given)
        took.append(time.perf_counter() - started)
    return statistics.median(took) * 1e6


if __name__ == "__main__":
    main()
