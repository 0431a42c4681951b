"""Examples: what a person shows of the method that is wanted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from types import MappingProxyType
from typing import Any, cast

from batos.errors import ExamplesRefused
from batos.kernel.uvm_object import check_slot_name
from batos.kernel.values import plain, storable
from batos.universe.journal import by_value
from batos.universe.names import Named

_NOTHING: Mapping[str, object] = MappingProxyType({})


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
    _check_together(examples, _NOTHING)
    return examples


def recorded(examples: Iterable[Example]) -> list[dict[str, object]]:
    """Return examples as plain data that can last, with the names of the fields as keys.

    Raises:
        NotStorable: One holds what cannot last.
    """
    return [
        cast("dict[str, object]", plain(storable(_fields(example), "an example"), by_value))
        for example in examples
    ]


def examples_in(provenance: Mapping[str, object]) -> tuple[Example, ...]:
    """Return the examples that a method was tried with, as `recorded` wrote them."""
    kept = cast("list[dict[str, Any]]", provenance.get("examples", []))
    return tuple(Example(**fields) for fields in kept)


def check_on(examples: Iterable[Example], slots: Mapping[str, object]) -> None:
    """Refuse examples that cannot be true of a receiver that answers with these slots.

    Raises:
        ExamplesRefused: One names a slot that is not there, most likely misspelled; or two
            contradict each other on the receiver as it is.
    """
    examples, known = tuple(examples), sorted(slots)
    for name in (name for example in examples for name in example.given):
        if name not in slots:
            raise ExamplesRefused(
                f"an example gives {name!r} before the call, and the receiver has no such slot;"
                f" it has {', '.join(known) or 'none'}"
            )
    _check_together(examples, slots)


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


def _check_together(examples: Iterable[Example], slots: Mapping[str, object]) -> None:
    for one, other in combinations(examples, 2):
        if _contradict(one, other, slots):
            raise ExamplesRefused(
                f"for the arguments {one.args!r} one expects {_wanted(one)}"
                f" and another {_wanted(other)}"
            )


def _contradict(one: Example, other: Example, slots: Mapping[str, object]) -> bool:
    named = one.given.keys() | other.given.keys()  # an example without one leaves it as it is
    held = {name: plain(slots[name]) for name in named & slots.keys()}
    before = [{**held, **example.given} for example in (one, other)]
    if not (agrees(one.args, other.args) and agrees(*before)):
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


def _fields(example: Example) -> dict[str, object]:
    said: dict[str, object] = {
        "args": example.args,
        "given": dict(example.given),
        "after": dict(example.after),
    }
    return said if example.result is ANYTHING else {**said, "result": example.result}


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
