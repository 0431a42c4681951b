"""Examples: what a person shows of the method that is wanted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from batos.errors import ExamplesRefused
from batos.kernel.uvm_object import check_slot_name
from batos.universe.names import Named


@dataclass(frozen=True)
class Anything:
    """The result of an example that says nothing about the result."""


ANYTHING = Anything()


@dataclass(frozen=True)
class Example:
    """One call, and what should come of it."""

    args: tuple[object, ...] = ()
    result: object = ANYTHING
    given: Mapping[str, object] = field(default_factory=dict)  # receiver's slots before
    after: Mapping[str, object] = field(default_factory=dict)  # and afterwards

    @property
    def expects(self) -> bool:
        """Whether it says anything that could be wrong."""
        return self.result is not ANYTHING or bool(self.after)


def examples_of(shown: Iterable[Example | Sequence[object]], arity: int) -> tuple[Example, ...]:
    """Return the examples, checked; a pair is (arguments, expected result).

    Args:
        shown: What the caller gave.
        arity: How many arguments the message has; each example must have as many.

    Raises:
        ExamplesRefused: They cannot be read, or cannot all be true.
    """
    examples = tuple(item if isinstance(item, Example) else _pair(item) for item in shown)
    for example in examples:
        _check(example, arity)
    for one, other in combinations(examples, 2):
        if _contradict(one, other):
            raise ExamplesRefused(
                f"for the arguments {one.args!r} one expects {_wanted(one)}"
                f" and another {_wanted(other)}"
            )
    return examples


def check_given(examples: Iterable[Example], slots: Iterable[str]) -> None:
    """Refuse an example that names a slot which the receiver does not have.

    Raises:
        ExamplesRefused: One does; most likely its name is misspelled.
    """
    known = sorted(slots)
    for name in (name for example in examples for name in example.given):
        if name not in known:
            raise ExamplesRefused(
                f"an example gives {name!r} before the call, and the receiver has no such slot;"
                f" it has {', '.join(known) or 'none'}"
            )


def agrees(expected: object, actual: object) -> bool:
    """Tell whether an answer is the expected one.

    Numbers are compared by value, with the tolerance that floating point needs; a bool is
    no number here, and a list is no tuple.
    """
    if _is_number(expected) and _is_number(actual):
        return _close(expected, actual)
    if type(expected) is not type(actual):
        return bool(expected == actual) if _is_object(expected, actual) else False
    if isinstance(expected, list | tuple) and isinstance(actual, list | tuple):
        return len(expected) == len(actual) and all(map(agrees, expected, actual))
    if isinstance(expected, dict) and isinstance(actual, dict):
        return expected.keys() == actual.keys() and all(
            agrees(value, actual[key]) for key, value in expected.items()
        )
    return bool(expected == actual)


def _pair(item: Sequence[object]) -> Example:
    if isinstance(item, str) or len(item) != 2 or not isinstance(item[0], tuple | list):
        raise ExamplesRefused(f"{item!r} is no pair of (arguments, expected result)")
    return Example(tuple(item[0]), item[1])


def _check(example: Example, arity: int) -> None:
    if len(example.args) != arity:
        raise ExamplesRefused(
            f"the message has {arity} argument(s) and an example has {len(example.args)}:"
            f" {example.args!r}"
        )
    if any(isinstance(value, Named) for value in (*example.args, example.result)):
        raise ExamplesRefused("objects have no place in examples yet; use data")
    if not example.expects:
        raise ExamplesRefused(f"the example for {example.args!r} expects nothing")
    for name in (*example.given, *example.after):
        check_slot_name(name)


def _contradict(one: Example, other: Example) -> bool:
    if not (agrees(one.args, other.args) and agrees(dict(one.given), dict(other.given))):
        return False
    both = one.after.keys() & other.after.keys()
    if not all(agrees(one.after[name], other.after[name]) for name in both):
        return True
    shown = (one.result, other.result)
    return ANYTHING not in shown and not agrees(*shown)


def _wanted(example: Example) -> str:
    after = ", ".join(f"{name} = {value!r}" for name, value in example.after.items())
    result = "" if example.result is ANYTHING else repr(example.result)
    return " with ".join(part for part in (result, after) if part)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _close(one: Any, other: Any) -> bool:
    if isinstance(one, float) or isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    return bool(one == other)


def _is_object(*values: object) -> bool:
    """Whether one of them stands for an object: such values compare with their stand-ins."""
    plain = (int, float, str, bytes, list, tuple, dict, set, frozenset, bool, type(None))
    return not all(isinstance(value, plain) for value in values)
