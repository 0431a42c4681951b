"""The language gate: source in, a guarded function out, or every reason why not.

Source is one `def`, which may have imports before it. Nothing in it runs before the
function is called: what Python would run at the definition are defaults, and those must be
constants. The grammar decides what the source may say, the guards what it may reach, the
meter what it may cost. This keeps a method honest; it is no wall around the process.
"""

from __future__ import annotations

import ast
import textwrap
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType

from RestrictedPython.compile import compile_restricted_exec

from batos.errors import SourceRefused
from batos.sandbox.containers import lasting
from batos.sandbox.grammar import Grammar, is_for_annotations
from batos.sandbox.guards import BUILTINS
from batos.sandbox.meter import METER, METHOD_FILE
from batos.sandbox.namespaces import NAMESPACES

POLICY_VERSION = 2  # with a new one, stored source is checked and compiled again

_MAX_CHARACTERS = 8_000
_MAX_NODES = 1_500
_MAX_DEPTH = 50
_MAX_REASONS = 10
_INVISIBLE = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_ADVICE = {
    "dir": "ask hasattr(obj, name)",
    "eval": "use int, float or json.loads",
    "id": "compare with `is`",
    "input": "take the value as a parameter",
    "open": "a method has no files: take the text as a parameter",
    "super": "send the message to another object",
    "type": "use isinstance",
    "vars": "use hasattr and getattr",
}


@dataclass(frozen=True)
class Checked:
    """Source that the gate lets pass."""

    name: str  # the selector
    parameters: tuple[str, ...]  # without self; * and ** as they are written
    code: CodeType  # of a module whose only statement is the def


def check(source: str) -> Checked:
    """Return the source, checked and compiled; nothing of it runs.

    Raises:
        SourceRefused: With the reasons, as far as they can be told at once.
    """
    tree = _parse(source)
    definition = _definition(tree)
    reasons = [*_shape_reasons(definition)]
    bound, first_lines = _bound_names(definition), _first_lines(definition)
    try:
        result = compile_restricted_exec(
            tree, f"{METHOD_FILE}{definition.name}>", policy=Grammar
        )
    except Exception as error:  # whatever the rules trip over is refused
        line = getattr(error, "lineno", None) or definition.lineno
        raise SourceRefused((f"line {line}: {getattr(error, 'msg', error)}",)) from None
    reasons.extend(result.errors)
    reasons.extend(
        f"line {first_lines.get(name, 1)}: {_unknown(name, definition.name)}"
        for name in result.used_names
        if name not in bound and name not in BUILTINS and not name.startswith("_")
    )
    if reasons or result.code is None:
        raise SourceRefused(tuple(dict.fromkeys(reasons))[:_MAX_REASONS])
    return Checked(definition.name, _parameters(definition.args), result.code)


def compile_method(source: str) -> Callable[..., object]:
    """Return the function that the source defines, guarded and metered.

    Its answer as the outermost call is data or an object, in the form of a slot's value.

    Raises:
        SourceRefused: With the reasons.
    """
    return _compiled(POLICY_VERSION, source)


@lru_cache(maxsize=4096)
def _compiled(_version: int, source: str) -> Callable[..., object]:
    checked = check(source)
    defined: dict[str, Callable[..., object]] = {}
    exec(checked.code, METER.scope, defined)  # noqa: S102  one def with constant defaults
    where = f"the answer of {checked.name!r}"
    return METER.metered(defined[checked.name], lambda answer: lasting(answer, where))


# --- the text ------------------------------------------------------------------------------


def _parse(source: str) -> ast.Module:
    if type(source) is not str or len(source) > _MAX_CHARACTERS:
        raise SourceRefused((f"line 1: longer than {_MAX_CHARACTERS:,} characters",))
    _check_visible(source)
    try:
        tree = ast.parse(textwrap.dedent(source))
        nodes = sum(1 for _ in ast.walk(tree))
        depth = _depth(tree)
    except SyntaxError as error:
        raise SourceRefused((f"line {error.lineno or 1}: not Python: {error.msg}",)) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise SourceRefused((f"line 1: not Python that can be read: {error}",)) from None
    if nodes > _MAX_NODES:
        raise SourceRefused((f"line 1: {nodes:,} parts, more than {_MAX_NODES:,}",))
    if depth > _MAX_DEPTH:
        raise SourceRefused((f"line 1: nested {depth} deep, more than {_MAX_DEPTH}",))
    return tree


def _check_visible(source: str) -> None:
    for number, line in enumerate(source.split("\n"), start=1):
        for character in line:
            if character not in "\t\r" and unicodedata.category(character) in _INVISIBLE:
                escape = character.encode("unicode_escape").decode()
                raise SourceRefused(
                    (f"line {number}: an invisible character: write {escape} in its place",)
                )


def _depth(node: ast.AST) -> int:
    return 1 + max(map(_depth, ast.iter_child_nodes(node)), default=0)


# --- the definition ------------------------------------------------------------------------


def _definition(tree: ast.Module) -> ast.FunctionDef:
    """Return the one def of the module; imports before it are moved into it."""
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    others = [node for node in tree.body if node not in imports]
    if len(others) != 1 or not isinstance(others[0], ast.FunctionDef):
        line = next((node.lineno for node in others[1:]), 1)
        raise SourceRefused(
            (f"line {line}: write one def and nothing beside it, other functions inside it",)
        )
    definition = others[0]
    first = 1 if ast.get_docstring(definition, clean=False) is not None else 0
    definition.body[first:first] = imports
    tree.body = [definition]
    return definition


def _shape_reasons(definition: ast.FunctionDef) -> Iterator[str]:
    args = definition.args
    names = [arg.arg for arg in (*args.posonlyargs, *args.args)]
    if not names or names[0] != "self":
        yield f"line {definition.lineno}: the first parameter must be self"
    for default in (*args.defaults, *args.kw_defaults):
        if default is not None and not _is_constant(default):
            yield (
                f"line {default.lineno}: a default must be a constant: write None, and make"
                " the value inside"
            )


def _is_constant(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.operand, ast.Constant)
    if isinstance(node, ast.Tuple):
        return all(map(_is_constant, node.elts))
    return isinstance(node, ast.Constant)


def _parameters(args: ast.arguments) -> tuple[str, ...]:
    names = [arg.arg for arg in (*args.posonlyargs, *args.args)][1:]
    if args.vararg is not None:
        names.append(f"*{args.vararg.arg}")
    names.extend(arg.arg for arg in args.kwonlyargs)
    if args.kwarg is not None:
        names.append(f"**{args.kwarg.arg}")
    return tuple(names)


# --- names ---------------------------------------------------------------------------------


def _bound_names(definition: ast.FunctionDef) -> set[str]:
    """Return every name that the source gives a value, in whichever function."""
    names: set[str] = set()
    for node in ast.walk(definition):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.ExceptHandler) and node is not definition:
            names.add(node.name or "")
        elif isinstance(node, ast.Import | ast.ImportFrom) and not is_for_annotations(node):
            names.update(alias.asname or alias.name for alias in node.names)
    return names


def _unknown(name: str, selector: str) -> str:
    if name == selector:
        return f"a method is no function: write self.{name}(...)"
    if name in NAMESPACES:
        return f"the name {name!r} is unknown: write `import {name}` as the first line inside"
    advice = _ADVICE.get(name, "define it, or read it as self." + name)
    return f"the name {name!r} is unknown here: {advice}"


def _first_lines(definition: ast.FunctionDef) -> dict[str, int]:
    """Return the line on which each name is read first."""
    lines: dict[str, int] = {}
    for node in ast.walk(definition):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            lines[node.id] = min(node.lineno, lines.get(node.id, node.lineno))
    return lines
