"""Lessons that would give a task away: they are withheld from whoever sits it.

A lesson gives a task away if it solves it under the task's own names, by all of the task's
examples, the hidden ones, too.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from itertools import islice, permutations

from batos.synthesis.lessons import Lesson, all_lessons
from batos.synthesis.reading import candidates_from
from batos.synthesis.values import Candidate, Reflection

_MOST_NAMINGS = 6  # ways to give the task's slots to a lesson


def other_lessons(
    reflection: Reflection, solves: Callable[[Candidate], bool]
) -> tuple[Lesson, ...]:
    """Return the lessons that do not give a task away.

    Args:
        reflection: What a mind is told of the task.
        solves: Tells whether a method is right, by everything that is known of the task.
    """
    return tuple(
        lesson
        for lesson in all_lessons()
        if not any(map(solves, in_the_words_of(reflection, lesson)))
    )


def in_the_words_of(reflection: Reflection, lesson: Lesson) -> Iterator[Candidate]:
    """Yield a lesson as methods of the task's receiver, its slots given out in several ways."""
    slots, parameters = tuple(reflection.slots), reflection.parameters
    if len(lesson.parameters) != len(slots) + len(parameters):
        return
    for order in islice(permutations(slots), _MOST_NAMINGS):
        names = dict(zip(lesson.parameters, (*order, *parameters), strict=True))
        function = ast.parse(lesson.source).body[0]
        assert isinstance(function, ast.FunctionDef)  # noqa: S101  the library's own form
        body = ast.unparse(ast.Module(_Renamed(names).visit(function).body, []))
        text = "".join(f"\n    {line}" for line in body.splitlines())
        yield from candidates_from([text], reflection)


class _Renamed(ast.NodeTransformer):
    def __init__(self, names: dict[str, str]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self._names.get(node.id, node.id), node.ctx)
