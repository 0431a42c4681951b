"""Read what the mind wrote: completions in, the different methods among them out.

The mind writes a function of plain values (see `writing`). Here it is turned into a method:
the name of a slot becomes that slot of `self`, a call of a function that stands for a method
becomes a send.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterable, Mapping

from batos.synthesis.values import Candidate, Known, Reflection


def candidates_from(texts: Iterable[str], reflection: Reflection) -> list[Candidate]:
    """Return the different methods among completions, in the order they came up first.

    What is no Python is left out. Two that differ in nothing but the names of their own
    variables are one.
    """
    samples: dict[str, Candidate] = {}
    for text in texts:
        source = _method(text, reflection)
        if source is None:
            continue
        form = _form(source)
        known = samples.get(form, Candidate(source, 0))
        samples[form] = Candidate(known.source, known.samples + 1)
    return list(samples.values())


def _method(text: str, reflection: Reflection) -> str | None:
    head = f"def {reflection.selector}({', '.join(['self', *reflection.parameters])}):\n"
    try:
        function = ast.parse(head + _body(text)).body[0]
    except (SyntaxError, ValueError, IndexError, RecursionError, MemoryError):
        return None
    if not isinstance(function, ast.FunctionDef):
        return None
    names = frozenset(reflection.slots) - _rebound(function)
    turn = _SlotsOfSelf(names, {known.name: known for known in reflection.understood})
    if reflection.others:
        function = _SelectorsOfOthers(reflection.others).visit(function)
    function.body = [turn.visit(statement) for statement in function.body]
    return ast.unparse(ast.fix_missing_locations(function))


def _body(text: str) -> str:
    """Return the indented block that a completion begins with."""
    first, *rest = text.split("\n")
    block = [f"    {first.strip()}"] if first.strip() else []
    for line in rest:
        if line.strip() and not line.startswith(" "):
            break
        block.append(line)
    return textwrap.indent(textwrap.dedent("\n".join(block)), "    ")


def _rebound(function: ast.FunctionDef) -> frozenset[str]:
    """Return names that mean something of the function's own somewhere in it."""
    names: set[str] = {
        argument.arg for argument in ast.walk(function) if isinstance(argument, ast.arg)
    }
    for node in ast.walk(function):
        if isinstance(node, ast.For | ast.comprehension):
            names |= {n.id for n in ast.walk(node.target) if isinstance(n, ast.Name)}
        elif isinstance(node, ast.FunctionDef | ast.ExceptHandler) and node.name:
            names.add(node.name)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).split(".")[0])
    return frozenset(names)


class _SlotsOfSelf(ast.NodeTransformer):
    """Turns `balance` into `self.balance`, and a call of a known method into a send."""

    def __init__(self, slots: frozenset[str], methods: Mapping[str, Known]) -> None:
        self._slots = slots
        self._methods = methods

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return _of_self(node, node.id) if node.id in self._slots else node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id in self._methods:
            known = self._methods[node.func.id]
            # it was shown with its slots as its first parameters; a send brings them itself
            node.args = node.args[max(0, len(node.args) - len(known.parameters)) :]
            node.func = _of_self(node.func, known.selector)
        return node


class _SelectorsOfOthers(ast.NodeTransformer):
    """Turns `purse.put(5)` into `purse.put_(5)`, where that is what the purse understands."""

    def __init__(self, others: Mapping[str, tuple[Known, ...]]) -> None:
        self._selectors = {
            (slot, known.name): known.selector for slot in others for known in others[slot]
        }

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.value, ast.Name):
            place = (node.value.id, node.attr.strip("_"))
            node.attr = self._selectors.get(place, node.attr)
        return node


def _of_self(node: ast.Name, name: str) -> ast.Attribute:
    return ast.Attribute(ast.Name("self", ast.Load()), name, node.ctx)


def _form(source: str) -> str:
    """Return a method with its own variables numbered: what two spellings have in common."""
    function = ast.parse(source)
    names = (node for node in ast.walk(function) if isinstance(node, ast.Name))
    own = dict.fromkeys(name.id for name in names if isinstance(name.ctx, ast.Store))
    number = {name: f"v{index}" for index, name in enumerate(own)}
    return ast.dump(_Renamed(number).visit(function))


class _Renamed(ast.NodeTransformer):
    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self._names.get(node.id, node.id), node.ctx)
