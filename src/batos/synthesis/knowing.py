"""What a receiver has and understands, and what the objects in its slots do.

Its methods are told as functions that a new one may call. Its slots become parameters, as
everywhere in what the mind is shown (see `writing`).
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import TypeGuard

from batos.kernel.delegation import PARENT_MARK, ancestry
from batos.kernel.method import Method, is_behaviour
from batos.kernel.uvm_object import UvmObject
from batos.kernel.values import ATOMS, plain
from batos.synthesis.values import Known

_MAX_SLOTS = 12
_MAX_LINES = 8  # of a method that is shown; of longer ones only the name is known


def known_of(receiver: UvmObject, slots: Iterable[str]) -> tuple[Known, ...]:
    """Return what a receiver and its ancestors understand, by selector.

    The primordial ones are left out: all objects share them.

    Args:
        receiver: Whose methods they are.
        slots: The data slots that the writer is shown.
    """
    behaviour: dict[str, object] = {}
    for holder in _beings(receiver):
        for name, value in holder._slots.items():
            if is_behaviour(value):
                behaviour.setdefault(name, value)
    data = frozenset(slots)
    return tuple(_known(selector, behaviour[selector], data) for selector in sorted(behaviour))


def known_of_other(other: UvmObject) -> tuple[Known, ...]:
    """Return what an object in a slot has: its data, then its methods."""
    data = data_of(other)
    methods = (replace(known, function="") for known in known_of(other, ()))
    return (*(Known(name, name, is_data=True) for name in data), *methods)


def data_of(receiver: UvmObject) -> dict[str, object]:
    """Return the data that a receiver answers with, its own first."""
    data: dict[str, object] = {}
    for holder in _beings(receiver):
        for name, value in holder._slots.items():
            if not name.endswith(PARENT_MARK) and _is_data(value):
                data.setdefault(name, value)
    return dict(list(data.items())[:_MAX_SLOTS])


def _beings(receiver: UvmObject) -> Iterable[UvmObject]:
    """The receiver and its ancestors, without the primordial ones, which all share."""
    return (holder for holder in ancestry(receiver) if not holder._sealed)


def _is_data(value: object) -> bool:
    data = plain(value)
    containers = (list, tuple, dict, set, frozenset)
    return type(data) in ATOMS or type(data) in containers or isinstance(data, UvmObject)


def _known(selector: str, behaviour: object, slots: frozenset[str]) -> Known:
    name = selector.strip("_")
    if not isinstance(behaviour, Method):
        return Known(selector, name)
    try:
        function = ast.parse(behaviour.source).body[0]
    except SyntaxError:  # a person's, older than this Python
        return Known(selector, name)
    if not isinstance(function, ast.FunctionDef):
        return Known(selector, name)
    parameters = tuple(argument.arg for argument in function.args.args[1:])
    return Known(selector, name, parameters, _told(function, name, parameters, slots))


def _told(
    function: ast.FunctionDef, name: str, parameters: tuple[str, ...], slots: frozenset[str]
) -> str:
    """Return a method as a function of plain values, or nothing if it cannot be told so."""
    read = dict.fromkeys(
        node.attr for node in ast.walk(function) if _is_of_self(node) and node.attr in slots
    )
    if read.keys() & set(parameters):
        return ""
    body = [_PlainValues(read).visit(node) for node in function.body]
    names = [*read, *parameters]
    text = ast.unparse(ast.Module(body, []))
    if len(text.splitlines()) > _MAX_LINES or "self" in text:
        return ""
    lines = "\n".join(f"    {line}" for line in text.splitlines())
    return f"def {name}({', '.join(names)}):\n{lines}"


def _is_of_self(node: ast.AST) -> TypeGuard[ast.Attribute]:
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    )


class _PlainValues(ast.NodeTransformer):
    """Turns `self.balance` into `balance`, and a send to `self` into a call."""

    def __init__(self, slots: Collection[str]) -> None:
        self._slots = slots

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if _is_of_self(node.func):
            node.func = ast.Name(node.func.attr.strip("_"), ast.Load())
        return self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if _is_of_self(node) and node.attr in self._slots:
            return ast.Name(node.attr, node.ctx)
        return self.generic_visit(node)
