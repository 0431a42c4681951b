"""Iterators that pay for each item, and functions in C that consume them.

Those from C never come back to Python, so that nothing would end an endless one, and a
chain of many overflows the stack of C.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from batos.sandbox.meter import MAX_ITEMS, METER
from batos.sandbox.operators import JOINED, add, multiply

_SIZED = JOINED | {dict, set, frozenset, range}
_BARE: frozenset[type] = frozenset({enumerate, filter, map, zip})


class Fueled:
    """An iterator from C that burns a step an item, so that an endless one ends."""

    __slots__ = ("_next",)

    def __init__(self, items: Iterable[object]) -> None:
        self._next = iter(items).__next__

    def __iter__(self) -> Iterator[object]:
        return self

    def __next__(self) -> object:
        METER.burn()
        return self._next()


def fueled(function: Callable[..., Iterable[object]]) -> Callable[..., Fueled]:
    """Return `function` with a fueled answer."""

    @functools.wraps(function)
    def call(*args: object, **keywords: object) -> Fueled:
        return Fueled(function(*args, **keywords))

    return call


def linked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `map` or one like it, so that no two of them follow each other bare.

    A chain of some 10,000 would overflow the stack of C, which ends the process. Python
    counts the depth of what lies between.
    """

    @functools.wraps(function)
    def call(*args: Any, **keywords: Any) -> Any:
        for given in (*args, *keywords.values()):
            if type(given) in _BARE:
                args = tuple(map(_counted, args))
                keywords = {name: _counted(value) for name, value in keywords.items()}
                break
        return function(*args, **keywords)

    return call


def _counted(given: Any) -> Any:
    return Fueled(given) if type(given) in _BARE else given


def bounded(items: Any) -> Any:
    """Return something whose length is known: an iterator is read, and pays for it.

    `x.extend(map(abs, x))` would otherwise never end.
    """
    return items if type(items) in _SIZED else list(Fueled(items))


def first_of(items: Iterable[object]) -> Iterator[object]:
    """`iter` of one argument: with a sentinel it would be an endless loop in C."""
    return iter(items)


def joined(parts: Iterable[str]) -> str:
    """`''.join` of texts whose sum is not known before.

    Raises:
        OverflowError: It would be longer than any text may be.
    """
    kept, characters = [], 0
    for text in parts:
        characters += len(text)
        if characters > MAX_ITEMS:
            raise OverflowError(f"longer than {MAX_ITEMS:,} characters")
        METER.allocate(str, len(text))
        kept.append(text)
    return "".join(kept)


def charging(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a C function that pays for the length of what it reads.

    Nested, as in `sum(map(sum, rows))`, it is a loop in C that nothing interrupts.
    """

    @functools.wraps(function)
    def call(*args: Any, **keywords: Any) -> Any:
        for items in args:
            if type(items) in _SIZED:
                METER.spend(len(items) >> 5)
        return function(*args, **keywords)

    return call


def total(items: Iterable[Any], /, start: Any = 0) -> Any:
    """`sum`, also of lists, each of which would be copied once a turn."""
    if type(start) in (int, float, complex, str):
        return _charged_sum(items, start)
    for item in items:
        METER.burn()
        start = add(start, item)
    return start


_charged_sum = charging(sum)


def accumulated(
    items: Iterable[Any], func: Any = None, *, initial: Any = None
) -> Iterable[Any]:
    """`itertools.accumulate`, whose own addition of lists has no bound."""
    return itertools.accumulate(items, func or add, initial=initial)


def product(items: Iterable[Any], *, start: Any = 1) -> Any:
    return functools.reduce(multiply, Fueled(items), start)


def choosing(
    function: Callable[..., Iterable[object]], most: int = 100
) -> Callable[..., Fueled]:
    """Return an `itertools` function that takes at most so many items at a time."""

    @functools.wraps(function)
    def call(*pools: Any, **keywords: int) -> Fueled:
        for times in (*pools, *keywords.values()):
            if isinstance(times, int) and times > most:
                raise OverflowError(f"more than {most} items at a time")
        return Fueled(function(*map(_charged, pools), **keywords))

    return call


class Chain:
    """`itertools.chain`, which has a method of its own."""

    __slots__ = ()

    def __call__(self, *parts: Iterable[object]) -> Fueled:
        return Fueled(itertools.chain(*parts))

    def from_iterable(self, parts: Iterable[Iterable[object]]) -> Fueled:
        return Fueled(itertools.chain.from_iterable(parts))


def _charged(pool: Any) -> Any:
    if type(pool) in _SIZED:
        METER.spend(len(pool) >> 5)
    return pool
