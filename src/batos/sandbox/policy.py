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
import warnings
from collections.abc import Callable, Iterator, Sequence
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
# Letters by Unicode's book, and blank on every screen.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")
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
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # the compiler's, of `'\\d'` and `1()`: not for our user
        return _checked(source)


def _checked(source: str) -> Checked:
    tree = _parse(source)
    definition = _definition(tree)
    _import_what_is_used(definition)
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
    """Refuse what a reader would not see: what is approved is what stands on the screen."""
    for number, line in enumerate(source.replace("\r\n", "\n").split("\n"), start=1):
        for character in line:
            if character != "\t" and _is_invisible(character):
                escape = character.encode("unicode_escape").decode()
                raise SourceRefused(
                    (f"line {number}: an invisible character: write {escape} in its place",)
                )


def _is_invisible(character: str) -> bool:
    return character in _BLANK or unicodedata.category(character) in _INVISIBLE


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
    _insert(definition, imports)
    tree.body = [definition]
    return definition


def _import_what_is_used(definition: ast.FunctionDef) -> None:
    """Bring what models use without an import: `json.dumps(x)` alone has one meaning."""
    unbound = _first_lines(definition).keys() - _bound_names(definition)
    used = sorted(unbound & NAMESPACES.keys() - {definition.name})
    imports = [ast.Import([ast.alias(name)]) for name in used]
    place = definition.body[0]
    _insert(
        definition, [ast.fix_missing_locations(ast.copy_location(i, place)) for i in imports]
    )


def _insert(definition: ast.FunctionDef, statements: Sequence[ast.stmt]) -> None:
    first = 1 if ast.get_docstring(definition, clean=False) is not None else 0
    definition.body[first:first] = statements


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
        signed = isinstance(node.op, ast.USub | ast.UAdd)
        return signed and isinstance(node.operand, ast.Constant) and _is_number(node.operand)
    if isinstance(node, ast.Tuple):
        return all(map(_is_constant, node.elts))
    return isinstance(node, ast.Constant)


def _is_number(node: ast.Constant) -> bool:
    return type(node.value) in (int, float, complex)  # `-'x'` would fail at the definition


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
    if name.strip("_") == selector.strip("_"):
        return f"a method is no function: write self.{selector}(...)"
    for module, namespace in NAMESPACES.items():
        if name in namespace.members:
            return f"the name {name!r} is unknown here: write {module}.{name}"
    advice = _ADVICE.get(name, "define it, or read it as self." + name)
    return f"the name {name!r} is unknown here: {advice}"


def _first_lines(definition: ast.FunctionDef) -> dict[str, int]:
    """Return the line on which each name is read first."""
    lines: dict[str, int] = {}
    for node in ast.walk(definition):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            lines[node.id] = min(node.lineno, lines.get(node.id, node.lineno))
    return lines
