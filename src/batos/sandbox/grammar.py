# ruff: noqa: N802  (the methods are named for the nodes they visit)
"""What generated source may say: each node of its tree is passed, rewritten or refused.

A node that nobody thought of is refused (RestrictedPython's rule). Names and attributes
that begin with `_` are refused, so that nothing can shadow or reach a guard. What is left
is rewritten: reading, writing and growing go through the guards, and each loop turn and
function entry burns a step. What models write and RestrictedPython refuses is desugared:
`self.x += 1`, `d[k] += 1`, annotations, imports for annotations.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import TypeVar

from RestrictedPython.transformer import INSPECT_ATTRIBUTES, RestrictingNodeTransformer

from batos.sandbox.namespaces import NAMESPACES

_REFUSED = {
    "AsyncFor": "async is not allowed: write a plain loop",
    "AsyncFunctionDef": "async is not allowed: write a plain def",
    "AsyncWith": "async is not allowed",
    "Await": "await is not allowed: call the method directly",
    "ClassDef": "a class is not allowed: keep data in dicts, lists or slots",
    "Global": "global is not allowed: keep the value in a slot of self",
    "Match": "match is not allowed: write if and elif",
    "TemplateStr": "a t-string is not allowed: write an f-string",
    "TryStar": "except* is not allowed: write except",
    "With": "with is not allowed: a method has no files or locks",
    "Yield": "yield is not allowed: build a list and return it",
    "YieldFrom": "yield is not allowed: build a list and return it",
}
_GUARDED = {
    ast.Add: "_add_",
    ast.LShift: "_shl_",
    ast.Mod: "_mod_",
    ast.Mult: "_mul_",
    ast.Pow: "_pow_",
}
_GUARDED_IN_PLACE = {*_GUARDED, ast.BitOr, ast.BitXor}  # what can put items into a container
_CONVERSIONS = {-1: "", 97: "a", 114: "r", 115: "s"}
_VARIANTS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")  # two names that look the same
_FOR_ANNOTATIONS = frozenset({"__future__", "collections.abc", "typing"})


class Grammar(RestrictingNodeTransformer):
    """The rules, one `visit_` a kind of node; what is not here is RestrictedPython's."""

    def visit(self, node: ast.AST) -> ast.AST | Sequence[ast.AST] | None:
        reason = _REFUSED.get(type(node).__name__)
        if reason is not None:
            self.error(node, reason)
            return node
        visited: ast.AST | Sequence[ast.AST] | None = super().visit(node)
        return visited

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """Refuse what has no rule: a node of a newer Python."""
        self.error(node, f"{type(node).__name__} is not allowed")
        return node

    def error(self, node: ast.AST, info: str) -> None:
        self.errors.append(f"line {getattr(node, 'lineno', 1)}: {info}")

    def _expr(self, node: ast.expr) -> ast.expr:
        visited = self.visit(node)
        return visited if isinstance(visited, ast.expr) else node

    # --- names --------------------------------------------------------------------------

    def check_name(
        self, node: ast.AST, name: str | None, allow_magic_methods: bool = False
    ) -> None:
        if name is None or name == "_":
            return
        if name.startswith("_"):
            self.error(node, f"the name {name!r} begins with _: choose another")
        elif name in ("print", "printed"):
            self.error(node, f"the name {name!r} is taken: choose another")
        elif _VARIANTS.search(name):
            self.error(node, f"the name {name!a} has an invisible mark: choose another")

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if isinstance(node.ctx, ast.Load):
            self.used_names[node.id] = True
            if node.id == "print":
                return node
        self.check_name(node, node.id)
        return node

    def visit_Nonlocal(self, node: ast.Nonlocal) -> ast.AST:
        for name in node.names:
            self.check_name(node, name)
        return node

    def visit_Import(self, node: ast.Import) -> ast.AST:
        for alias in node.names:
            if alias.name not in NAMESPACES:
                self.error(node, _no_import(alias.name))
            self.check_name(node, alias.asname)
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        if is_for_annotations(node):
            return ast.copy_location(ast.Pass(), node)  # annotations are dropped as well
        namespace = None if node.level else NAMESPACES.get(node.module or "")
        for alias in node.names:
            if namespace is None:
                self.error(node, _no_import(node.module or "."))
            elif alias.name not in namespace.members:
                self.error(node, f"{node.module} has no {alias.name!r} here")
            self.check_name(node, alias.asname)
        return node

    # --- functions ----------------------------------------------------------------------

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        if node.decorator_list:
            self.error(node, "a decorator is not allowed: write the plain def")
        node.returns = None
        self.check_function_argument_names(node)
        self.check_name(node, node.name)
        node = self.node_contents_visit(node)
        first = 1 if ast.get_docstring(node, clean=False) is not None else 0
        node.body.insert(first, _burn(node))
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        self.check_function_argument_names(node)
        node = self.node_contents_visit(node)
        node.body = _at(ast.BoolOp(ast.And(), [_call("_burn_"), node.body]), node.body)
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        return self.node_contents_visit(node)  # *args need no guard: see the guards

    # --- loops --------------------------------------------------------------------------

    def visit_For(self, node: ast.For) -> ast.AST:
        return self._burning(node)

    def visit_While(self, node: ast.While) -> ast.AST:
        return self._burning(node)

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        if node.is_async:
            self.error(node.iter, "async is not allowed: write a plain loop")
        node = self.node_contents_visit(node)
        node.ifs.insert(0, _at(_call("_burn_"), node.iter))
        return node

    def _burning(self, node: ast.For | ast.While) -> ast.AST:
        visited: ast.For | ast.While = self.node_contents_visit(node)
        visited.body.insert(0, _burn(visited))
        return visited

    # --- try ----------------------------------------------------------------------------

    def visit_Try(self, node: ast.Try) -> ast.AST:
        for part in (inner for last in node.finalbody for inner in ast.walk(last)):
            if isinstance(part, ast.Return | ast.Break | ast.Continue):
                self.error(part, "a jump out of finally is not allowed: put it after the try")
            elif isinstance(part, ast.Try):  # each level would double the bytecode
                self.error(part, "try inside finally is not allowed: put it after the try")
        return self.node_contents_visit(node)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        if node.type is None:
            self.error(node, "a bare except is not allowed: name the exception")
        self.check_name(node, node.name)
        return self.node_contents_visit(node)

    # --- reading and writing ------------------------------------------------------------

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self._check_attribute(node)
        node = self.node_contents_visit(node)
        if isinstance(node.ctx, ast.Load):
            return _at(_call("_getattr_", node.value, ast.Constant(node.attr)), node)
        node.value = _at(_call("_slots_", node.value), node.value)
        return node

    def _check_attribute(self, node: ast.Attribute) -> None:
        if node.attr.startswith("_") or node.attr in INSPECT_ATTRIBUTES:
            self.error(node, f"the attribute {node.attr!r} is Python's own: it is out of reach")

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        return self.node_contents_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | Sequence[ast.AST] | None:
        plain = ast.Pass() if node.value is None else ast.Assign([node.target], node.value)
        return self.visit(_at(plain, node))

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        op = ast.Constant(type(node.op).__name__)
        target = node.target
        if isinstance(target, ast.Name):
            if type(node.op) not in _GUARDED_IN_PLACE or _is_harmless(
                node.op, None, node.value
            ):
                return self.node_contents_visit(node)
            self.check_name(target, target.id)
            old = ast.Name(target.id, ast.Load())
            new = _call("_change_", op, old, self._expr(node.value))
            return _at(ast.Assign([target], new), node)
        if isinstance(target, ast.Attribute):
            self._check_attribute(target)
            begin = _call(
                "_change_slot_", op, self._expr(target.value), ast.Constant(target.attr)
            )
        else:
            begin = _call(
                "_change_item_", op, self._expr(target.value), self._expr(target.slice)
            )
        return _at(ast.Expr(ast.Call(begin, [self._expr(node.value)], [])), node)

    # --- what can grow ------------------------------------------------------------------

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        harmless = _is_harmless(node.op, node.left, node.right)
        node = self.node_contents_visit(node)
        guard = _GUARDED.get(type(node.op))
        if guard is None or harmless:
            return node
        return _at(_call(guard, node.left, node.right), node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        return _at(_call("_join_", *(self._expr(part) for part in node.values)), node)

    def visit_FormattedValue(self, node: ast.FormattedValue) -> ast.AST:
        spec = self._expr(node.format_spec) if node.format_spec else ast.Constant("")
        conversion = ast.Constant(_CONVERSIONS[node.conversion])
        return _at(_call("_form_", self._expr(node.value), spec, conversion), node)


def is_for_annotations(node: ast.Import | ast.ImportFrom) -> bool:
    """Tell whether an import only brings names for annotations, which do nothing here."""
    return (
        isinstance(node, ast.ImportFrom) and node.module in _FOR_ANNOTATIONS and not node.level
    )


def _is_harmless(op: ast.operator, left: ast.expr | None, right: ast.expr) -> bool:
    """Tell whether a literal operand keeps the answer small, so that no guard is needed."""
    if isinstance(op, ast.Add):
        return _is_number(left) or _is_number(right)  # no text has a number added to it
    if isinstance(op, ast.Mod):
        return _is_number(left)
    return _is_float(left) or _is_float(right)


def _is_number(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def _is_float(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is float


def _no_import(name: str) -> str:
    known = ", ".join(sorted(NAMESPACES))
    return f"import of {name!r} is not allowed: there are {known}"


def _burn(at: ast.stmt) -> ast.Expr:
    return _at(ast.Expr(_call("_burn_")), at)


def _call(guard: str, *args: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(guard, ast.Load()), list(args), [])


_Node = TypeVar("_Node", bound=ast.AST)


def _at(node: _Node, place: ast.AST) -> _Node:
    """Return a new node, with the place in the source of the one that it stands for."""
    return ast.fix_missing_locations(ast.copy_location(node, place))
