"""What do the guards and the meter cost a method that a model wrote?

Run `python bench/guard.py`. The first lines are times as many as plain Python takes for the
same source on an object with plain attributes. The last four are what one call costs
beyond a plain bound call, in microseconds: as the outermost one (fuel, clock, lock, answer
checked), inside another, and both for a method that an open universe watches. Median of 7
rounds after one warm-up round. Last line: the same as JSON. Compare only numbers from one
machine and one Python.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import MethodType, SimpleNamespace

from batos.kernel.method import Method
from batos.kernel.runtime import Runtime
from batos.kernel.uvm_object import UvmObject
from batos.sandbox.meter import METER, Budget
from batos.sandbox.policy import compile_method
from batos.universe.running import RunningNote
from batos.universe.watch import Watch

ROUNDS = 7

LOOPS = {
    "numeric loop": """
def method(self, n):
    total = 0
    for i in range(n):
        total += i * i % 7
    return total
""",
    "comprehension": """
def method(self, n):
    return len([i + 1 for i in range(n) if i % 3])
""",
    "slot-reading loop": """
def method(self, n):
    total = 0
    for i in range(n):
        total = total + self.rate
    return total
""",
    "slot-writing loop": """
def method(self, n):
    for i in range(n):
        self.count = i
    return n
""",
}
GETTER = "def method(self):\n    return self.rate"
SETTER = "def method(self, value):\n    self.rate = value"
NOTHING = "def method(self):\n    pass"
CALLS = """
def method(self, function, n):
    for i in range(n):
        function(*())
"""


def main() -> None:
    plain_obj = SimpleNamespace(rate=3, count=0)
    obj = UvmObject(rate=3, count=0)
    obj._p_jar = SimpleNamespace(
        runtime=Runtime({}, compile_method), register=lambda _obj: None
    )
    figures = {
        name: ratio(
            MethodType(guarded(source), obj), MethodType(plain(source), plain_obj), 5000
        )
        for name, source in LOOPS.items()
    }
    with METER.limited(Budget(steps=10_000_000, seconds=60)):
        figures["getter, nested"] = ratio_of_calls(GETTER, (), obj, plain_obj)
        figures["setter, nested"] = ratio_of_calls(SETTER, (1,), obj, plain_obj)
        in_us = {
            "outermost call, us": outermost_us(obj),
            "nested call, us": nested_us(obj),
        }
    with tempfile.TemporaryDirectory() as folder:
        watch = Watch(RunningNote(Path(folder)))
        with METER.limited(Budget(steps=10_000_000, seconds=60)):
            in_us["watched outermost, us"] = outermost_us(obj, watch)
            in_us["watched nested, us"] = nested_us(obj, watch)
    for name, figure in (figures | in_us).items():
        print(f"{name:22} {figure:6.2f}")
    print(json.dumps({name: round(figure, 2) for name, figure in (figures | in_us).items()}))


def guarded(source: str) -> Callable[..., object]:
    return compile_method(source.strip())


def plain(source: str) -> Callable[..., object]:
    defined: dict[str, Callable[..., object]] = {}
    exec(source, {}, defined)
    return defined["method"]


def seconds(call: Callable[[], object]) -> float:
    call()
    taken = []
    for _ in range(ROUNDS):
        since = time.perf_counter()
        call()
        taken.append(time.perf_counter() - since)
    return statistics.median(taken)


def ratio(one: Callable[..., object], other: Callable[..., object], n: int) -> float:
    return seconds(lambda: one(n)) / seconds(lambda: other(n))


def ratio_of_calls(
    source: str, args: tuple[object, ...], obj: object, plain_obj: object, n: int = 5000
) -> float:
    """Compare `n` calls, all of them inside one metered call where they are guarded."""
    of_guarded, of_plain = (
        MethodType(guarded(source), obj),
        MethodType(plain(source), plain_obj),
    )

    def repeat(function: Callable[..., object]) -> None:
        for _ in range(n):
            function(*args)

    within = METER.metered(repeat, lambda answer: answer)
    return seconds(lambda: within(of_guarded)) / seconds(lambda: repeat(of_plain))


def in_slot(source: str, watch: Watch | None) -> Callable[..., object]:
    if watch is None:
        return guarded(source)
    return watch.watched(Method(source, {"by": "the mind"}), guarded(source))


def outermost_us(obj: object, watch: Watch | None = None, n: int = 5000) -> float:
    one, other = MethodType(in_slot(NOTHING, watch), obj), MethodType(plain(NOTHING), obj)

    def repeat(function: Callable[[], object]) -> None:
        for _ in range(n):
            function()

    return (seconds(lambda: repeat(one)) - seconds(lambda: repeat(other))) / n * 1e6


def nested_us(obj: object, watch: Watch | None = None, n: int = 5000) -> float:
    one, other = MethodType(in_slot(NOTHING, watch), obj), MethodType(plain(NOTHING), obj)
    calls = MethodType(in_slot(CALLS, watch), obj)
    return (seconds(lambda: calls(one, n)) - seconds(lambda: calls(other, n))) / n * 1e6


if __name__ == "__main__":
    main()
