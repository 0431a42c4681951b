"""Fuel and a clock for generated code.

The outermost call of a generated function gets a tank of steps and, on the main thread, a
timer; whatever it calls shares both. Each loop turn, function entry and 256 bytes of a new
sequence cost a step. When either budget is spent, `Spent` ends the generated frames, which
can neither name nor catch it, and the caller gets `BudgetSpent`.

A C function that never comes back to Python cannot be ended from inside its own process:
that is left to the jail and the walls.
"""

from __future__ import annotations

import collections
import datetime
import fractions
import functools
import gc
import itertools
import json
import operator
import os
import random
import re
import signal
import statistics
import textwrap
import threading
from _signal import (  # type: ignore[import-not-found]
    signal as set_handler,  # signal.signal takes 4 us more, for its enums
)
from _thread import get_ident
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from types import FrameType, ModuleType
from typing import Any, NoReturn

from batos.errors import BudgetSpent
from batos.kernel import searching
from batos.sandbox.failures import small

METHOD_FILE = "<method "  # how the file name of generated code begins
MAX_ITEMS = 1_000_000  # in one sequence, or characters in one text
_BYTES_A_STEP = 256
_TICK_S = 0.01  # the alarm rings on until a frame is reached in which it may raise


class Spent(BaseException):
    """The budget is spent."""


@dataclass(frozen=True)
class Budget:
    """What one outermost call may cost."""

    steps: int = 1_000_000
    seconds: float = 1.0  # wall clock; 0 for no clock


class _Dry:
    """What a tank ends in: it raises at every step from then on."""

    def __iter__(self) -> _Dry:
        return self

    def __next__(self) -> NoReturn:
        raise Spent


class Meter:
    """The one meter of this process: one thread at a time runs generated code."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        # The globals of every generated function. The guards fill it; the meter keeps
        # `_burn_` in it, which is the tank itself: one C call a step.
        self.scope: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._runner: int | None = None  # the thread that runs generated code
        self._late = False
        self._collects = True  # whether the host's collector was on
        self._clock = _Clock(self._on_alarm)
        self._fill(None)

    def metered(
        self, function: Callable[..., object], settle: Callable[[object], object]
    ) -> Callable[..., object]:
        """Return `function` under this meter.

        Args:
            function: A generated function.
            settle: Gets the answer of an outermost call, inside its budget, and returns
                what leaves it.
        """

        @functools.wraps(function)
        def call(*args: object, **keywords: object) -> object:
            if self._runner == get_ident():
                return function(*args, **keywords)
            return self._outermost(lambda: settle(function(*args, **keywords)))

        return call

    @property
    def running(self) -> bool:
        """Whether generated code is running in this thread."""
        return self._runner == get_ident()

    def burn(self) -> None:
        """Take one step."""
        next(self._source)

    def spend(self, steps: int) -> None:
        """Take many steps at once."""
        collections.deque(itertools.islice(self._source, steps), maxlen=0)

    def allocate(self, kind: type, items: int) -> None:
        """Take the steps that a new sequence costs.

        Raises:
            OverflowError: It would be longer than any sequence may be.
        """
        if items > MAX_ITEMS:
            raise OverflowError(f"longer than {MAX_ITEMS:,} items or characters")
        size = items if kind is str or kind is bytes else items * 8
        if size >= _BYTES_A_STEP:
            self.spend(size // _BYTES_A_STEP)

    @contextmanager
    def limited(self, budget: Budget) -> Iterator[None]:
        """Give outermost calls another budget for a while."""
        before, self.budget = self.budget, budget
        try:
            yield
        finally:
            self.budget = before

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stop the clock while something else than generated code works for the call.

        The lock stays with the call. Generated code that is run meanwhile still burns its
        fuel. Outside a call this does nothing.
        """
        if self._runner != get_ident():
            yield
            return
        left_s = self._clock.stop() if self._clock.runs else None
        if self._collects:
            gc.enable()
        try:
            yield
        finally:
            gc.disable()
            if left_s is not None:
                self._clock.start(left_s)

    def _outermost(self, call: Callable[[], object]) -> object:
        answer: object = None
        failure: Exception | None = None
        with self._lock:
            budget = self.budget
            # The collector's callbacks would be called as deep as generated code
            # recurses, and fail there where nobody can catch it.
            self._collects = gc.isenabled()
            gc.disable()
            self._runner, self._late = get_ident(), False
            self._fill(budget.steps)
            try:
                if budget.seconds and get_ident() == threading.main_thread().ident:
                    self._clock.start(budget.seconds)
                answer = call()
                if self._is_dry():  # generated code swallowed it: still a failure
                    failure = self._error(budget)
            except (Spent, Exception) as error:
                if self._is_dry() or isinstance(error, Spent):
                    failure = self._error(budget)
                else:
                    failure = small(error)
            finally:
                if self._clock.runs:
                    self._clock.stop()
                if self._collects:
                    gc.enable()
                self._runner = None
                self._fill(None)
        if failure is None:
            return answer
        try:
            raise failure  # here, where nothing that generated code raised becomes its context
        finally:
            del failure  # its traceback holds this frame

    def _fill(self, steps: int | None) -> None:
        """Fill the tank; None is for ever, since what runs outside has no budget."""
        self._tank = itertools.repeat(True) if steps is None else itertools.repeat(True, steps)
        self._source: Iterator[bool] = itertools.chain(self._tank, _Dry())
        self.scope["_burn_"] = self._source.__next__

    def _is_dry(self) -> bool:
        return not operator.length_hint(self._tank)

    def _error(self, budget: Budget) -> BudgetSpent:
        if self._late:
            return BudgetSpent("time", f"{budget.seconds:g} s")
        return BudgetSpent("steps", f"{budget.steps:,} loop turns and calls")

    def _on_alarm(self, _signal: int, frame: FrameType | None) -> None:
        """Empty the tank, and raise at once where that breaks nothing of the host's."""
        self._late = True
        self._fill(0)
        while frame is not None:
            file = frame.f_code.co_filename
            if file.startswith(METHOD_FILE):
                raise Spent
            if not file.startswith(_INTERRUPTIBLE):
                return
            frame = frame.f_back


class _Clock:
    """The real-time timer, lent: its handler and its time are given back."""

    def __init__(self, on_alarm: Callable[[int, FrameType | None], None]) -> None:
        self.runs = False
        self._on_alarm = on_alarm

    def start(self, seconds: float) -> None:
        self._since = monotonic()
        self._timer_before = signal.setitimer(
            signal.ITIMER_REAL, max(seconds, _TICK_S), _TICK_S
        )
        self._handler_before = set_handler(signal.SIGALRM, self._on_alarm)
        self.runs = True

    def stop(self) -> float:
        """Return the seconds that were left."""
        left_s, _ = signal.setitimer(signal.ITIMER_REAL, 0)
        before = self._handler_before
        set_handler(signal.SIGALRM, signal.SIG_DFL if before is None else before)
        seconds, interval = self._timer_before
        if seconds:
            due_s = seconds - (monotonic() - self._since)
            signal.setitimer(signal.ITIMER_REAL, max(due_s, 0.001), interval)
        self.runs = False
        return left_s


def _place_of(module: ModuleType) -> str:
    """Return how the file names of a module or package begin."""
    assert module.__file__ is not None  # noqa: S101  all of them are files
    folder, file = os.path.split(module.__file__)
    return folder + os.sep if file == "__init__.py" else module.__file__


# Frames between generated code and C in which an exception breaks nothing: the guards, and
# the pure Python modules that the gate hands out.
_INTERRUPTIBLE = (
    *(
        __file__.replace("meter.py", f"{guard}.py")
        for guard in (
            *("containers", "guards", "iterators", "kinds", "namespaces", "operators"),
            "texts",
        )
    ),
    *map(
        _place_of,
        (collections, datetime, fractions, functools, json, random, re, statistics, textwrap),
    ),
    _place_of(searching),
)

METER = Meter(Budget())
