"""Fuel and clock: what ends, for whom, and what is given back."""

from __future__ import annotations

import gc
import signal
import threading
import time
from collections.abc import Callable, Sized
from types import FrameType

import pytest

from batos.errors import BatosError, BudgetSpent
from batos.sandbox.meter import METER, Budget
from batos.sandbox.policy import compile_method

FOREVER = "def forever(self):\n    while True:\n        pass"
BACKTRACKING = "def match(self):\n    import re\n    return re.match('(a+)+$', 'a' * 40 + 'b')"
COUNT = "def count(self, n):\n    for _ in range(n):\n        pass\n    return n"
CALL = "def call(self, function):\n    return function()"

RECURSION_THAT_CATCHES = """\
def recurse(self):
    def f():
        try:
            f()
        except RecursionError:
            f()
        f()
    f()"""
LONG_CHAIN = """\
def raise_long_chain(self):
    error = ValueError(0)
    for i in range(1, 21):
        try:
            raise ValueError(i) from error
        except ValueError as link:
            error = link
    raise error"""


def method(source: str) -> Callable[..., object]:
    return compile_method(source)


def wait_for(rings: Sized) -> None:
    """Wait until a handler of the host has rung; a signal before the wait counts."""
    until = time.monotonic() + 5
    while not rings and time.monotonic() < until:
        pass
    assert rings


def test_an_endless_loop_spends_its_steps() -> None:
    with pytest.raises(BudgetSpent) as spent:
        method(FOREVER)(None)

    assert spent.value.budget == "steps"
    assert "1,000,000" in str(spent.value)
    assert isinstance(spent.value, BatosError)


def test_what_takes_few_steps_and_long_spends_its_time() -> None:
    with METER.limited(Budget(seconds=0.1)), pytest.raises(BudgetSpent) as spent:
        method(BACKTRACKING)(None)

    assert spent.value.budget == "time"
    assert "0.1 s" in str(spent.value)


def test_recursion_that_catches_leaves_no_chain_of_errors() -> None:
    recurse = method(RECURSION_THAT_CATCHES)

    with METER.limited(Budget(seconds=0.1)), pytest.raises(BudgetSpent) as spent:
        recurse(None)

    assert spent.value.__context__ is None


def test_an_error_keeps_its_first_causes_and_nothing_else_that_was_raised() -> None:
    raise_long_chain = method(LONG_CHAIN)

    with pytest.raises(ValueError, match="20") as raised:
        raise_long_chain(None)

    causes: list[BaseException] = [raised.value]
    while (cause := causes[-1].__cause__) is not None:
        causes.append(cause)
    assert [str(cause) for cause in causes] == ["20", "19", "18", "17", "16"]
    assert [cause.__context__ for cause in causes] == [None] * 5


def test_the_collector_sleeps_while_generated_code_runs_but_not_while_it_pauses() -> None:
    seen = []

    def look() -> None:
        seen.append(gc.isenabled())
        with METER.paused():
            seen.append(gc.isenabled())

    method(CALL)(None, look)

    assert seen == [False, True]
    assert gc.isenabled()


def test_each_outermost_call_has_a_budget_of_its_own() -> None:
    count = method(COUNT)

    with METER.limited(Budget(steps=150)):
        assert [count(None, 100), count(None, 100)] == [100, 100]


def test_nested_calls_share_one_budget() -> None:
    count = method(COUNT)
    source = "def twice(self, count):\n    return count(None, 100) + count(None, 100)"

    with METER.limited(Budget(steps=150)), pytest.raises(BudgetSpent):
        method(source)(None, count)


def test_a_nested_answer_may_be_a_function() -> None:
    inner = method("def inner(self):\n    return lambda: 7")

    assert method("def outer(self, inner):\n    return inner(None)()")(None, inner) == 7


def test_an_exhaustion_that_generated_code_swallows_is_a_failure() -> None:
    source = (
        "def swallow(self):\n"
        "    try:\n"
        "        while True: pass\n"
        "    finally:\n"
        "        {}['missing']"
    )

    with pytest.raises(BudgetSpent):
        method(source)(None)


def test_an_exhaustion_that_the_host_swallows_is_a_failure() -> None:
    def swallow() -> None:
        try:
            method(FOREVER)(None)
        except BaseException:  # a careless primitive
            return

    with pytest.raises(BudgetSpent):
        method(CALL)(None, swallow)


def test_the_next_call_has_fuel_again() -> None:
    with pytest.raises(BudgetSpent):
        method(FOREVER)(None)

    assert method(COUNT)(None, 10) == 10


def test_what_the_host_calls_outside_has_no_budget() -> None:
    for _ in range(3):
        METER.spend(1_000_000)


def test_handler_and_timer_of_the_host_are_given_back() -> None:
    rings: list[int] = []

    def handler(number: int, _frame: FrameType | None) -> None:
        rings.append(number)

    handler_before = signal.signal(signal.SIGALRM, handler)
    timer_before = signal.setitimer(signal.ITIMER_REAL, 0.15)
    try:
        with METER.limited(Budget(seconds=0.05)), pytest.raises(BudgetSpent):
            method(BACKTRACKING)(None)
        left, interval = signal.getitimer(signal.ITIMER_REAL)
        assert signal.getsignal(signal.SIGALRM) is handler
        assert 0 < left < 0.15
        assert interval == 0
        wait_for(rings)
        assert rings == [signal.SIGALRM]
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer_before)
        signal.signal(signal.SIGALRM, handler_before)


def test_an_alarm_that_falls_due_during_a_call_rings_after_it() -> None:
    rings: list[float] = []
    handler_before = signal.signal(signal.SIGALRM, lambda *_: rings.append(time.monotonic()))
    timer_before = signal.setitimer(signal.ITIMER_REAL, 0.02)
    try:
        with METER.limited(Budget(seconds=0.1)), pytest.raises(BudgetSpent):
            method(BACKTRACKING)(None)
        wait_for(rings)
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer_before)
        signal.signal(signal.SIGALRM, handler_before)


def test_the_alarm_does_not_raise_in_the_hosts_frames() -> None:
    finished: list[bool] = []

    def host() -> None:
        until = time.monotonic() + 0.1
        while time.monotonic() < until:
            pass
        finished.append(True)

    with METER.limited(Budget(seconds=0.03)), pytest.raises(BudgetSpent):
        method(CALL)(None, host)
    assert finished


def test_a_pause_stops_the_clock_and_leaves_the_handler_to_the_host() -> None:
    handler = signal.getsignal(signal.SIGALRM)
    seen: list[object] = []

    def think() -> int:
        with METER.paused():
            seen.append(signal.getsignal(signal.SIGALRM))
            until = time.monotonic() + 0.2
            while time.monotonic() < until:
                pass
        return 1

    with METER.limited(Budget(seconds=0.1)):
        assert method(CALL)(None, think) == 1
    assert seen == [handler]


def test_after_a_pause_the_clock_runs_on() -> None:
    def think() -> None:
        with METER.paused():
            pass

    source = (
        "def think(self, function):\n"
        "    import re\n"
        "    function()\n"
        "    return re.match('(a+)+$', 'a' * 40 + 'b')"
    )
    with METER.limited(Budget(seconds=0.1)), pytest.raises(BudgetSpent):
        method(source)(None, think)


def test_a_pause_outside_a_call_does_nothing() -> None:
    with METER.paused():
        assert method(COUNT)(None, 3) == 3


def test_another_thread_has_fuel_and_no_clock() -> None:
    failures: list[BaseException] = []

    def run() -> None:
        try:
            method(FOREVER)(None)
        except BudgetSpent as spent:
            failures.append(spent)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(timeout=5)

    assert [type(failure) for failure in failures] == [BudgetSpent]


def test_one_thread_at_a_time_runs_generated_code() -> None:
    entered, leave = threading.Event(), threading.Event()
    order: list[str] = []

    def wait() -> None:
        entered.set()
        leave.wait(timeout=5)
        order.append("first")

    first = threading.Thread(target=lambda: method(CALL)(None, wait))
    second = threading.Thread(target=lambda: order.append(f"{method(COUNT)(None, 3)}"))
    first.start()
    entered.wait(timeout=5)
    second.start()
    second.join(timeout=0.1)
    assert second.is_alive()
    leave.set()
    first.join(timeout=5)
    second.join(timeout=5)

    assert order == ["first", "3"]


def test_an_error_in_a_call_gives_the_lock_back() -> None:
    with pytest.raises(ZeroDivisionError):
        method("def fail(self):\n    return 1 / 0")(None)

    assert method(COUNT)(None, 1) == 1


def test_a_call_with_wrong_arguments_names_the_method() -> None:
    with pytest.raises(TypeError, match=r"count\(\) missing 1 required"):
        method(COUNT)(None)
