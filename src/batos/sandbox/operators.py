"""Operators and functions whose answer can be far larger than what they were given.

Each does what Python's own does, with a bound on the answer: three lines of doublings
would otherwise fill the memory, and one multiplication would never end.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, SupportsIndex

from persistent.list import PersistentList

from batos.sandbox.holding import loose
from batos.sandbox.meter import MAX_ITEMS, METER

MAX_BITS = 14_000  # of an integer: Python writes no more than 4,300 digits
_MAX_MODULAR_BITS = 4_096  # pow(a, b, m) takes 0.1 s there
_MAX_SMALL = 2_000  # for functions that grow as fast as the factorial
_WORD = 1 << 64  # below it no check is needed
_TOO_LARGE = f"the number would have more than {MAX_BITS:,} bits"

_JOINED = frozenset({str, bytes, list, tuple, deque, PersistentList})
_SIZED = _JOINED | {dict, set, frozenset, range}


# --- operators: every operand is Any, as it is for Python's own ----------------------------


def add(a: Any, b: Any) -> Any:
    kind = type(a)
    if kind is not int and kind is not float and kind in _JOINED:
        METER.allocate(kind, len(a) + (len(b) if type(b) in _JOINED else 0))
        return loose(a + b)
    return a + b


def either(a: Any, b: Any) -> Any:
    return loose(a | b)


def multiply(a: Any, b: Any) -> Any:
    left, right = type(a), type(b)
    if left is int and right is int:
        if -_WORD < a < _WORD and -_WORD < b < _WORD:
            return a * b
        if a.bit_length() + b.bit_length() > MAX_BITS:
            raise OverflowError(_TOO_LARGE)
    elif left is not float and right is not float:
        for sequence, times in ((a, b), (b, a)):
            if isinstance(times, int) and hasattr(sequence, "__len__"):
                METER.allocate(type(sequence), len(sequence) * times)
        return loose(a * b)
    return a * b


def power(base: Any, exponent: Any, modulus: Any = None) -> Any:
    if modulus is not None:
        for part in (base, exponent, modulus):
            if _bits(part) > _MAX_MODULAR_BITS:
                raise OverflowError(f"pow with more than {_MAX_MODULAR_BITS:,} bits")
    elif isinstance(exponent, int) and _bits(base) * abs(exponent) > MAX_BITS:
        raise OverflowError(_TOO_LARGE)
    return pow(base, exponent, modulus)


def shift_left(a: Any, b: Any) -> Any:
    if isinstance(b, int) and _bits(a) + b > MAX_BITS:
        raise OverflowError(_TOO_LARGE)
    return a << b


# --- sequences and what consumes them ---------------------------------------------------------


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


def bounded(items: Any) -> Any:
    """Return something whose length is known: an iterator is read, and pays for it.

    `x.extend(map(abs, x))` would otherwise never end.
    """
    return items if type(items) in _SIZED else list(Fueled(items))


def check_length(length: int) -> None:
    if length > MAX_ITEMS:
        raise OverflowError(f"longer than {MAX_ITEMS:,} items")


def span(*args: SupportsIndex) -> range:
    """`range`, of a length that can be walked."""
    numbers = range(*args)
    check_length(len(numbers))
    return numbers


def first_of(items: Iterable[object]) -> Iterator[object]:
    """`iter` of one argument: with a sentinel it would be an endless loop in C."""
    return iter(items)


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


def from_here(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a C function that imports, called from a frame whose builtins can import."""

    @functools.wraps(function)
    def call(*args: Any, **keywords: Any) -> Any:
        return function(*args, **keywords)

    return call


# --- numbers ----------------------------------------------------------------------------------


def rounded(number: Any, ndigits: int | None = None) -> Any:
    """`round`: of an integer it computes ten to the power of its digits."""
    if ndigits is not None and abs(ndigits) > 1_000:
        raise OverflowError("round to more than 1,000 digits")
    return round(number, ndigits)


def factorial(n: int) -> int:
    return math.factorial(_small(n))


def combinations_count(n: int, k: int) -> int:
    return math.comb(_small(n), k)


def permutations_count(n: int, k: int | None = None) -> int:
    return math.perm(_small(n), k)


def product(items: Iterable[Any], *, start: Any = 1) -> Any:
    return functools.reduce(multiply, Fueled(items), start)


def least_common_multiple(*numbers: int) -> int:
    return functools.reduce(_multiple, numbers, 1)


def to_bytes(number: int, length: int = 1, byteorder: str = "big", **keywords: bool) -> bytes:
    check_length(length)
    return int.to_bytes(number, length, byteorder, **keywords)  # type: ignore[arg-type]


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


def _multiple(a: int, b: int) -> int:
    if _bits(a) + _bits(b) > MAX_BITS:
        raise OverflowError(_TOO_LARGE)
    return math.lcm(a, b)


def _small(n: int) -> int:
    if n > _MAX_SMALL:
        raise OverflowError(f"larger than {_MAX_SMALL:,}")
    return n


def _bits(number: object) -> int:
    return number.bit_length() if isinstance(number, int) else 0
