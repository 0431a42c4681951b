"""Methods one small edit away from what the mind wrote.

A small model is often nearly right: another constant, another slot, one call too many. To try
such an edit costs milliseconds in the jail, to think again costs seconds. Execution judges
them as it judges everything; nothing here knows what is expected.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, zip_longest
from typing import TypeGuard, cast

from batos.synthesis.examples import Example

Constant = int | str

_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod)
_COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)
_OPPOSITES = {ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And}
_FOLDS = ("max", "min", "sum", "len", "sorted", "any", "all")
_CONSTANTS = 8
_AROUND = ("sorted", "len", "sum", "list", "str", "abs")


def edits_of(source: str, slots: Sequence[str], constants: Sequence[Constant]) -> Iterator[str]:
    """Yield the sources one edit away from a method, each once.

    Args:
        source: The method.
        slots: Data slots that it may read instead of another value.
        constants: Values that it may hold instead of another one.
    """
    seen = {source}
    for edited in _edits(source, slots, constants):
        if edited not in seen:
            seen.add(edited)
            yield edited


def in_turns(series: Sequence[Iterator[str]], limit: int) -> list[str]:
    """Return what several series yield, one of each by turns, each text once."""
    turns = (text for turn in zip_longest(*series) for text in turn if text is not None)
    return list(islice(dict.fromkeys(turns), limit))


def constants_in(examples: Iterable[Example]) -> tuple[Constant, ...]:
    """Return the texts and whole numbers that go into examples, as they come.

    What comes out is left out: a method that says an answer by heart would agree with it.
    """
    found: dict[Constant, None] = {}
    for example in examples:
        for value in (*example.args, *example.given.values()):
            if type(value) in (int, str):
                found[cast("Constant", value)] = None
    return tuple(found)[:_CONSTANTS]


def _edits(source: str, slots: Sequence[str], constants: Sequence[Constant]) -> Iterator[str]:
    tree = ast.parse(source)
    function = tree.body[0]
    assert isinstance(function, ast.FunctionDef)  # noqa: S101  `reading` lets nothing else by
    values: list[ast.expr] = [_name(argument.arg) for argument in function.args.args[1:]]
    values += [_slot(name) for name in slots]
    values += [_name(name) for name in _own_variables(function)]
    yield from _without_a_statement(tree)
    for node in ast.walk(function):
        for field, index, part in _parts(node):
            for new in _instead_of(node, field, part, values, constants):
                _put(node, field, index, new)
                yield ast.unparse(ast.fix_missing_locations(tree))
            _put(node, field, index, part)


def _own_variables(function: ast.FunctionDef) -> Iterable[str]:
    names = (node for node in ast.walk(function) if isinstance(node, ast.Name))
    return dict.fromkeys(name.id for name in names if isinstance(name.ctx, ast.Store))


def _without_a_statement(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and len(body) > 1:
            for index, statement in enumerate(list(body)):
                del body[index]
                yield ast.unparse(tree)
                body.insert(index, statement)


def _parts(node: ast.AST) -> Iterator[tuple[str, int, ast.AST]]:
    """Yield what a node consists of, with its place; a field holds one part, or a list."""
    if isinstance(node, ast.JoinedStr):  # of f"..." only the values in it may be others
        return
    for field, held in ast.iter_fields(node):
        for index, part in enumerate(list(held) if isinstance(held, list) else [held]):
            if isinstance(part, ast.AST) and field != "format_spec":
                yield field, index, part


def _put(node: ast.AST, field: str, index: int, part: ast.AST) -> None:
    held = getattr(node, field)
    if isinstance(held, list):
        held[index] = part
    else:
        setattr(node, field, part)


def _instead_of(
    node: ast.AST,
    field: str,
    part: ast.AST,
    values: Sequence[ast.expr],
    constants: Sequence[Constant],
) -> Iterator[ast.AST]:
    """Yield what may stand in the place of a part of a node, the likeliest first."""
    if isinstance(part, ast.operator):
        yield from (kind() for kind in _ARITHMETIC if not isinstance(part, kind))
    elif isinstance(part, ast.cmpop | ast.boolop):
        yield from _other_tests(part)
    elif isinstance(node, ast.Call) and field == "func":
        yield from _other_functions(part)
    elif _is_value(part):
        yield from _other_values(part, values, constants)
        if isinstance(node, ast.Return) or field == "iter":
            yield from (_called(name, part) for name in _AROUND)
            yield ast.UnaryOp(ast.Not(), part)


def _other_tests(part: ast.cmpop | ast.boolop) -> Iterator[ast.AST]:
    if type(part) in _OPPOSITES:
        yield _OPPOSITES[type(part)]()
    else:
        yield from (kind() for kind in _COMPARISONS if not isinstance(part, kind))


def _other_functions(part: ast.AST) -> Iterator[ast.expr]:
    if isinstance(part, ast.Name) and part.id in _FOLDS:
        yield from (_name(name) for name in _FOLDS if name != part.id)


def _is_value(part: ast.AST) -> TypeGuard[ast.expr]:
    """Tell whether a part is read; `self` alone is none that another could replace."""
    is_read = isinstance(getattr(part, "ctx", None), ast.Load | None)
    is_whole = not isinstance(part, ast.Slice | ast.Starred | ast.FormattedValue)
    is_self = isinstance(part, ast.Name) and part.id == "self"
    return isinstance(part, ast.expr) and is_read and is_whole and not is_self


def _other_values(
    part: ast.expr, values: Sequence[ast.expr], constants: Sequence[Constant]
) -> Iterator[ast.expr]:
    if isinstance(part, ast.Constant):
        yield from _other_constants(part, constants)
    if isinstance(part, ast.Name | ast.Attribute | ast.Constant):
        yield from values
    inside = _parts(part)
    yield from (inner for field, _, inner in inside if field != "func" and _is_value(inner))


def _other_constants(part: ast.Constant, constants: Sequence[Constant]) -> Iterator[ast.expr]:
    value = part.value
    near: list[bool | float] = []
    if isinstance(value, bool):
        near = [not value]
    elif isinstance(value, int | float):
        near = [value + 1, value - 1, -value]
    kin = (other for other in constants if isinstance(other, str) == isinstance(value, str))
    yield from (ast.Constant(other) for other in (*near, *kin) if other != value)


def _called(name: str, part: ast.expr) -> ast.expr:
    return ast.Call(_name(name), [part], [])


def _slot(name: str) -> ast.expr:
    return ast.Attribute(_name("self"), name, ast.Load())


def _name(name: str) -> ast.expr:
    return ast.Name(name, ast.Load())
