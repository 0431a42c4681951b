"""Solved functions that show a small writer what is wanted: the nearest to each message.

`lessons.txt` holds them as the mind sees them: examples, then the function. A model that
sees how a dictionary's values are added up, adds them up; without, it guesses. This module
says which lessons are near; `writing` puts them into the prompt.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from batos.kernel.uvm_object import UvmObject
from batos.kernel.values import plain
from batos.synthesis.claims import words_in
from batos.synthesis.examples import ANYTHING, Example
from batos.synthesis.values import Reflection

Kind = str
"""A type's name; of a list with its items': `list[int]`. All numbers are `int`."""

OBJECT: Kind = "object"  # of the universe


@dataclass(frozen=True)
class Lesson:
    """One solved function, and what it is like."""

    text: str  # as the mind sees it
    name: str
    parameters: tuple[str, ...]
    likeness: Likeness

    @property
    def source(self) -> str:
        """The function, without its examples."""
        return self.text[self.text.index("def ") :]


@dataclass(frozen=True)
class Likeness:
    """What two functions can have in common without doing the same."""

    takes: tuple[Kind, ...]
    answers: Kind | None  # None: nothing is known of it
    changes: bool  # whether it leaves a slot changed
    words: frozenset[str]  # of its name and its parameters'


def nearest_lessons(
    reflection: Reflection, number: int, lessons: Sequence[Lesson] | None = None
) -> list[Lesson]:
    """Return the lessons that are most like a message, the nearest last.

    The last one is read last, and small models heed that most.

    Args:
        reflection: The message and its receiver.
        number: How many.
        lessons: From which; by default all that there are.
    """
    wanted = _likeness_of(reflection)
    among = all_lessons() if lessons is None else lessons
    ranked = sorted(among, key=lambda lesson: _nearness(lesson.likeness, wanted))
    return ranked[-number:]


@cache
def all_lessons() -> tuple[Lesson, ...]:
    """Return every lesson that `lessons.txt` holds, in its order."""
    text = (files("batos.synthesis") / "lessons.txt").read_text()
    return tuple(_read(block) for block in text.strip().split("\n\n"))


def _read(block: str) -> Lesson:
    """Return a lesson; its first example says what it is like."""
    lines = [line.removeprefix("# ") for line in block.splitlines()]
    terms = _terms(next(line for line in lines if " has " not in line))
    call, answer = terms[0], None
    if isinstance(call, ast.Compare):
        answer = kind_of(ast.literal_eval(call.comparators[0]))
        call = call.left
    assert isinstance(call, ast.Call)  # noqa: S101  the library's own form; a test reads all
    assert isinstance(call.func, ast.Name)  # noqa: S101
    parameters = tuple(str(keyword.arg) for keyword in call.keywords)
    likeness = Likeness(
        tuple(_kind_told(keyword.value) for keyword in call.keywords),
        answer,
        len(terms) > 1,
        _words(call.func.id, *parameters),
    )
    return Lesson(block, call.func.id, parameters, likeness)


def _kind_told(value: ast.expr) -> Kind:
    """Return the kind of a value in an example; a name stands for an object."""
    return OBJECT if isinstance(value, ast.Name) else kind_of(ast.literal_eval(value))


def _terms(line: str) -> list[ast.expr]:
    """Return the parts of an example's line: the call with its answer, then each change."""
    expression = ast.parse(line, mode="eval").body
    return expression.values if isinstance(expression, ast.BoolOp) else [expression]


def _likeness_of(reflection: Reflection) -> Likeness:
    shown = reflection.shown
    known = [example.result for example in shown if example.result is not ANYTHING]
    return Likeness(
        (*_slot_kinds(reflection, shown), *_argument_kinds(reflection, shown)),
        kind_of(plain(known[0])) if known else None,
        any(example.after for example in shown),
        _words(reflection.selector, *reflection.slots, *reflection.parameters),
    )


def _slot_kinds(reflection: Reflection, shown: tuple[Example, ...]) -> Iterable[Kind]:
    given = shown[0].given if shown else {}
    for slot, kind in zip(reflection.slots, reflection.kinds, strict=True):
        if slot in reflection.others:
            yield OBJECT
        else:
            yield kind_of(plain(given[slot])) if slot in given else _number(kind)


def _argument_kinds(reflection: Reflection, shown: tuple[Example, ...]) -> Iterable[Kind]:
    if shown:
        return [kind_of(plain(value)) for value in shown[0].args]
    return map(_number, reflection.shapes)


def kind_of(value: object) -> Kind:
    """Return a value's kind."""
    if isinstance(value, UvmObject):
        return OBJECT
    if isinstance(value, list | tuple) and value:
        return f"{type(value).__name__}[{_number(type(value[0]).__name__)}]"
    return _number(type(value).__name__)


def _number(kind: str) -> Kind:
    return "int" if kind == "float" else kind


def _nearness(one: Likeness, wanted: Likeness) -> float:
    """Return how much two functions have in common; weights by trial (LOG.md)."""
    outer = [tuple(map(_outer, kinds.takes)) for kinds in (one, wanted)]
    near = 4 * _overlap(one.takes, wanted.takes) + 2 * _overlap(*outer)
    if wanted.answers is not None and one.answers is not None:
        near += 1.0 * (one.answers == wanted.answers)
        near += 0.5 * (_outer(one.answers) == _outer(wanted.answers))
    near += 1.0 * (one.changes == wanted.changes)
    return near + 0.7 * len(one.words & wanted.words)


def _overlap(one: tuple[str, ...], other: tuple[str, ...]) -> float:
    """Return which share of both they have in common, as multisets (Dice)."""
    common = Counter(one) & Counter(other)
    return common.total() * 2 / max(1, len(one) + len(other))


def _outer(kind: Kind) -> Kind:
    return kind.split("[", maxsplit=1)[0]


def _words(*names: str) -> frozenset[str]:
    """Return the words of names as Python and Smalltalk write them, singular."""
    return frozenset(word.removesuffix("s") for name in names for word in words_in(name))
