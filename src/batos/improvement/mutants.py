"""Mutants: methods that differ from a right one in one small way, and are mostly wrong.

Examples that cannot tell a method from its mutants would let a wrong one pass. The kinds of
change are those of mutation testing (DeMillo, Lipton, Sayward 1978), chosen for short
methods: operators, constants, comparisons, names, statements. Whether a mutant does
something else at all is found out by running it, elsewhere.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

_OPERATORS: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Add: (ast.Sub, ast.Mult),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Add,),
    ast.Div: (ast.FloorDiv, ast.Mult),
    ast.FloorDiv: (ast.Div, ast.Mod),
    ast.Mod: (ast.FloorDiv,),
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
}
_FUNCTIONS = {"min": "max", "max": "min", "sum": "len", "sorted": "list", "any": "all"}
_METHODS = {"upper": "lower", "lower": "upper", "title": "upper", "keys": "values"}
_MATTERS_IN_ORDER = (ast.Add, ast.Sub, ast.Div, ast.FloorDiv, ast.Mod)

Nodes = Sequence[ast.AST]  # what stands in the place of one node


def mutants_of(source: str, slots: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the source's mutants, each a different text.

    Args:
        source: A method that is right.
        slots: The receiver's data slots, which a wrong method may take for one another.
    """
    tree = ast.parse(source)
    parameters, names = _parameters(tree), tuple(slots)
    found: dict[str, None] = {}
    for site in list(_sites(tree)):
        for nodes in _variants(site.node, parameters, names):
            found[_with(tree, site, nodes)] = None
    found.pop(ast.unparse(tree), None)
    return tuple(found)


def limits_of(source: str, places: Mapping[str, Iterable[int]]) -> tuple[str, ...]:
    """Return methods that say yes or no by one value and a fixed limit.

    Few examples of a yes or no are easily explained by such a guess, which is no mutant.

    Args:
        source: A method that is right, for its first line.
        places: Names of arguments or `self.slot`, and the limits to guess.
    """
    head = source.partition("\n")[0]
    return tuple(
        f"{head}\n    return {place} {sign} {limit}"
        for place, limits in places.items()
        for limit in limits
        for sign in "<>"
    )


@dataclass(frozen=True)
class _Site:
    """A node, and where it is."""

    parent: ast.AST
    field: str
    place: int | None  # in a list of nodes
    node: ast.AST


def _sites(tree: ast.AST) -> Iterator[_Site]:
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            if isinstance(value, ast.AST):
                yield _Site(parent, field, None, value)
            elif isinstance(value, list):
                for place, node in enumerate(value):
                    if isinstance(node, ast.AST):
                        yield _Site(parent, field, place, node)


def _with(tree: ast.Module, site: _Site, nodes: Nodes) -> str:
    """Return the source with other nodes in one place; the tree stays as it was."""
    before = getattr(site.parent, site.field)
    after: object = nodes[0]
    if site.place is not None:
        after = [*before[: site.place], *nodes, *before[site.place + 1 :]]
    setattr(site.parent, site.field, after)
    try:
        return ast.unparse(tree)
    finally:
        setattr(site.parent, site.field, before)


def _parameters(tree: ast.Module) -> tuple[str, ...]:
    return tuple(
        it.arg for it in ast.walk(tree) if isinstance(it, ast.arg) and it.arg != "self"
    )


def _variants(
    node: ast.AST, parameters: tuple[str, ...], slots: tuple[str, ...]
) -> Iterator[Nodes]:
    for kind in _OPERATORS.get(type(node), ()):
        yield [kind()]
    if isinstance(node, ast.Constant):
        for value in _other_values(node.value):
            yield [ast.Constant(value)]
    elif isinstance(node, ast.stmt):
        yield from _other_statements(node, parameters, slots)
    elif isinstance(node, ast.expr):
        for expression in _other_expressions(node, slots):
            yield [expression]
    elif isinstance(node, ast.comprehension) and node.ifs:
        yield [ast.comprehension(node.target, node.iter, [], 0)]


def _other_values(value: object) -> list[str | int]:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value - 1]
    return [value + "x", value[1:]] if isinstance(value, str) and value else []


def _other_statements(
    node: ast.stmt, parameters: tuple[str, ...], slots: tuple[str, ...]
) -> Iterator[Nodes]:
    if isinstance(node, ast.Return):
        for name in parameters:
            yield [ast.Return(ast.Name(name, ast.Load()))]
        for name in slots:
            yield [ast.Return(_slot(name))]
    elif not isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef):
        yield [ast.Pass()]
        if isinstance(node, ast.Assign | ast.AugAssign | ast.Expr):
            yield [node, node]
    if isinstance(node, ast.If):
        yield [ast.If(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)]
        yield list(node.body)


def _other_expressions(node: ast.expr, slots: tuple[str, ...]) -> Iterator[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, _MATTERS_IN_ORDER):
        yield ast.BinOp(node.right, node.op, node.left)
        yield node.left
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.IfExp):
        yield ast.IfExp(node.test, node.orelse, node.body)
    elif isinstance(node, ast.Call):
        yield from _other_calls(node)
    elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        yield node.value
        part = ast.Slice(node.slice.upper, node.slice.lower, node.slice.step)
        yield ast.Subscript(node.value, part, ast.Load())
    elif _is_slot(node) and isinstance(node, ast.Attribute) and node.attr in slots:
        for name in slots:
            if name != node.attr:
                yield ast.Attribute(node.value, name, node.ctx)
    if isinstance(getattr(node, "ctx", None), ast.Load):
        yield from _nearly(node, slots)


def _nearly(node: ast.expr, slots: tuple[str, ...]) -> Iterator[ast.expr]:
    """Yield a value that is off by one: a number by 1, a text or list by an end."""
    is_value = isinstance(node, ast.Name) or (
        isinstance(node, ast.Attribute) and _is_slot(node) and node.attr in slots
    )
    if not is_value or (isinstance(node, ast.Name) and node.id == "self"):
        return
    one = ast.Constant(1)
    yield ast.BinOp(node, ast.Add(), one)
    yield ast.BinOp(node, ast.Sub(), one)
    yield ast.Subscript(node, ast.Slice(one, None, None), ast.Load())
    yield ast.Subscript(node, ast.Slice(None, ast.Constant(-1), None), ast.Load())


def _other_calls(node: ast.Call) -> Iterator[ast.expr]:
    function, args = node.func, node.args
    if len(args) == 2:
        yield ast.Call(function, [args[1], args[0]], node.keywords)
    if len(args) == 1 and isinstance(function, ast.Name):
        yield args[0]
    if node.keywords:
        yield ast.Call(function, args, node.keywords[:-1])
    if isinstance(function, ast.Name) and function.id in _FUNCTIONS:
        yield ast.Call(ast.Name(_FUNCTIONS[function.id], ast.Load()), args, node.keywords)
    if isinstance(function, ast.Attribute):
        if function.attr in _METHODS:
            other = ast.Attribute(function.value, _METHODS[function.attr], ast.Load())
            yield ast.Call(other, args, node.keywords)
        if not args:
            yield function.value
            yield ast.Call(function, [ast.Constant(0)], [])


def _is_slot(node: ast.expr) -> bool:
    if not isinstance(node, ast.Attribute):
        return False
    return isinstance(node.value, ast.Name) and node.value.id == "self"


def _slot(name: str) -> ast.Attribute:
    return ast.Attribute(ast.Name("self", ast.Load()), name, ast.Load())
