"""Operators and functions whose answer can be far larger than what they were given.

Each does what Python's own does, with a bound on the answer: three lines of doublings
would otherwise fill the memory, and one multiplication would never end.
"""

from __future__ import annotations

import functools
import math
import operator
from collections import deque
from collections.abc import Callable
from typing import Any, SupportsIndex

from persistent.list import PersistentList

from batos.sandbox.meter import MAX_ITEMS, METER

MAX_BITS = 14_000  # of an integer: Python writes no more than 4,300 digits
_MAX_MODULAR_BITS = 4_096  # pow(a, b, m) takes 0.1 s there
_MAX_SMALL = 2_000  # for functions that grow as fast as the factorial
_WORD = 1 << 64  # below it no check is needed
_TOO_LARGE = f"the number would have more than {MAX_BITS:,} bits"

JOINED = frozenset({str, bytes, list, tuple, deque, PersistentList})


# --- operators: every operand is Any, as it is for Python's own ----------------------------


def add(a: Any, b: Any) -> Any:
    kind = type(a)
    if kind is not int and kind is not float and kind in JOINED:
        METER.allocate(kind, len(a) + (len(b) if type(b) in JOINED else 0))
    return a + b


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


# --- sequences --------------------------------------------------------------------------------


def check_length(length: int) -> None:
    if length > MAX_ITEMS:
        raise OverflowError(f"longer than {MAX_ITEMS:,} items")


def part(*bounds: Any) -> slice:
    """`slice`, whose bounds are numbers: slices of slices of slices overflow C's stack."""
    if any(bound is not None and not isinstance(bound, int) for bound in bounds):
        raise TypeError("a slice has whole numbers as its bounds, or None")
    return slice(*bounds)


def span(*args: SupportsIndex) -> range:
    """`range`, of a length that can be walked."""
    numbers = range(*args)
    check_length(len(numbers))
    return numbers


class ItemGetter:
    """`operator.itemgetter`: of items, and never of types, which would make new ones."""

    __slots__ = ("_get",)

    def __init__(self, *keys: Any) -> None:
        if any(type(key) is ItemGetter for key in keys):
            raise TypeError("an itemgetter is no key")
        self._get = operator.itemgetter(*keys)

    def __call__(self, value: Any) -> Any:
        if isinstance(value, type):
            raise TypeError("a type has no items")
        return self._get(value)


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


def check_bits(number: int) -> int:
    """Return `number`, if it is no larger than arithmetic makes them."""
    if number.bit_length() > MAX_BITS:
        raise OverflowError(_TOO_LARGE)
    return number


def factorial(n: int) -> int:
    return math.factorial(_small(n))


def combinations_count(n: int, k: int) -> int:
    return math.comb(_small(n), k)


def permutations_count(n: int, k: int | None = None) -> int:
    return math.perm(_small(n), k)


def least_common_multiple(*numbers: int) -> int:
    return functools.reduce(_multiple, numbers, 1)


def to_bytes(number: int, length: int = 1, byteorder: str = "big", **keywords: bool) -> bytes:
    check_length(length)
    return int.to_bytes(number, length, byteorder, **keywords)  # type: ignore[arg-type]


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
