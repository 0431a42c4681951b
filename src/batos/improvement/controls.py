"""Controls: what a search has to beat before it may claim anything.

Three ways to answer a task with less: the likeliest sample, the most common program of all
samples without running any, and no language model at all, only old programs that are tried
with new names. Each is judged by the same hidden examples.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice, permutations

from batos.improvement.curriculum import FAMILIES, draw_tasks
from batos.improvement.families.sketch import method
from batos.improvement.task import Task
from batos.synthesis.values import Candidate

_EACH = 3  # tasks of each practice family: the memory of the control
_PRACTICE_SEED = 0
_MOST_NAMINGS = 6  # ways to give the task's slots to an old program

# What methods of so few values mostly are; s and t are slots, x and y arguments.
_IDIOMS = (
    *("return s", "return len(s)", "return sum(s)", "return sorted(s)", "return max(s)"),
    *("return min(s)", "return s[0]", "return s[-1]", "return s[::-1]", "return not s"),
    *("return s.upper()", "return s.lower()", "return s.title()", "return s.split()"),
    *("return str(s)", "return abs(s)", "return s * 2", "return s * s", "return s / 2"),
    *("return s % 2 == 0", "return s > 0", "return s + 1", "return s - 1", "return -s"),
    *("return set(s)", "return list(s)", "return sum(s) / len(s)", "return s.strip()"),
    *("return list(s.values())", "return list(s.keys())", "s += 1\nreturn s"),
    *("s -= 1\nreturn s", "s = 0\nreturn s", "s = not s\nreturn s", "return s.pop()"),
    *("return s + t", "return s - t", "return s * t", "return s / t", "return s // t"),
    *("return s + ' ' + t", "return s > t", "return s == t", "return s and t"),
    *("return s + x", "return s - x", "return x - s", "return s * x", "return s / x"),
    *("return s // x", "return s % x", "return s == x", "return s > x", "return s < x"),
    *("return s >= x", "return x in s", "return s[x]", "return s.get(x)", "return s[:x]"),
    *("return s.count(x)", "return s.index(x)", "return s + [x]", "return x.join(s)"),
    *("s = x\nreturn s", "s += x\nreturn s", "s -= x\nreturn s", "return s.split(x)"),
    *("s.append(x)\nreturn s", "s.append(x)\nreturn len(s)", "s.remove(x)\nreturn s"),
    *("return [it for it in s if it > x]", "return [it * x for it in s]", "return s ** x"),
    *("return s.startswith(x)", "return s.endswith(x)", "return s.replace(x, y)"),
    *("s[x] = y\nreturn s", "return x <= s <= y", "return s.get(x, y)", "return s[x:y]"),
    *("s += x * y\nreturn s", "return s * x + y"),
)


@dataclass(frozen=True)
class _Old:
    """A program of the past, with its names."""

    family: str
    source: str
    slots: tuple[str, ...]  # of self that it reads or writes as data
    parameters: tuple[str, ...]


def most_common(candidates: Sequence[Candidate]) -> Candidate | None:
    """Return what most samples say; the first of equals, and None if none is Python."""
    return max(candidates, key=lambda it: it.samples, default=None)


def recycled(task: Task) -> list[Candidate]:
    """Return old programs with the task's names: those with as many arguments.

    They are the references of the practice split, without the task's own family, and common
    idioms. A program that reads several slots comes with the task's slots in several orders.
    """
    sources: dict[str, None] = {}
    for old in _memory():
        if old.family != task.family and len(old.parameters) == len(task.args):
            for source in _renamed(old, task):
                sources[source] = None
    return [Candidate(source, 1) for source in sources]


@cache
def _memory() -> tuple[_Old, ...]:
    families = [family for family in FAMILIES if family.split == "practice"]
    practice = draw_tasks(_EACH * len(families), _PRACTICE_SEED, "practice")
    plain = [task for task in practice if not (task.methods or task.companions)]
    references = {task.reference: task.family for task in plain}
    idioms = {_idiom(body): "" for body in _IDIOMS}
    return tuple(_old(source, family) for source, family in {**idioms, **references}.items())


def _idiom(body: str) -> str:
    tree = ast.parse(body)
    parameters = [name for name in "xy" if name in _names(tree)]
    return method(
        "old", ast.unparse(_Renamer({"s": "s", "t": "t"}, {}).visit(tree)), *parameters
    )


def _old(source: str, family: str) -> _Old:
    tree = ast.parse(source)
    function = tree.body[0]
    assert isinstance(function, ast.FunctionDef)  # noqa: S101  a reference is one def
    slots = [it.attr for it in ast.walk(tree) if isinstance(it, ast.Attribute) and _of_self(it)]
    parameters = tuple(it.arg for it in function.args.args[1:])
    return _Old(family, source, tuple(dict.fromkeys(slots)), parameters)


def _renamed(old: _Old, task: Task) -> Iterator[str]:
    own = tuple(task.slots)
    if not old.slots or len(old.slots) > len(own):
        return
    parameters = tuple(f"argument{number + 1}" for number in range(len(task.args)))
    for chosen in islice(permutations(own, len(old.slots)), _MOST_NAMINGS):
        tree = ast.parse(old.source)
        slots = dict(zip(old.slots, chosen, strict=True))
        named = dict(zip(old.parameters, parameters, strict=True))
        function = _Renamer(slots, named, already_slots=True).visit(tree).body[0]
        function.name = task.selector
        yield ast.unparse(ast.fix_missing_locations(tree))


class _Renamer(ast.NodeTransformer):
    """Gives slots and parameters other names; a bare name of a slot becomes that slot."""

    def __init__(
        self, slots: dict[str, str], names: dict[str, str], already_slots: bool = False
    ) -> None:
        self._slots = slots
        self._names = names
        self._already_slots = already_slots

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if _of_self(node):
            node.attr = self._slots.get(node.attr, node.attr)
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if not self._already_slots and node.id in self._slots:
            return ast.Attribute(ast.Name("self", ast.Load()), self._slots[node.id], node.ctx)
        node.id = self._names.get(node.id, node.id)
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.arg = self._names.get(node.arg, node.arg)
        return node


def _of_self(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id == "self"


def _names(tree: ast.AST) -> Iterable[str]:
    return {it.id for it in ast.walk(tree) if isinstance(it, ast.Name)}
