# ruff: noqa: E501  (words, many on a line)
"""Programs at random: out of a grammar that leans to the attack surface, and by mutation."""

from __future__ import annotations

import ast
import copy
import random

from hypothesis import strategies as st
from tests.sandbox.test_attacks import ATTACKS
from tests.sandbox.test_idioms import IDIOMS
from tests.sandbox.written import WRITTEN

NAMES = (
    *("self", "x", "y", "f", "g", "str", "int", "list", "dict", "set", "tuple", "map", "zip"),
    *(
        "filter",
        "enumerate",
        "sorted",
        "sum",
        "max",
        "iter",
        "next",
        "getattr",
        "setattr",
        "len",
    ),
    *("hasattr", "isinstance", "range", "slice", "repr", "format", "print", "pow", "reversed"),
    *("re", "json", "math", "random", "itertools", "functools", "operator", "collections"),
    *(
        "datetime",
        "textwrap",
        "statistics",
        "ValueError",
        "Exception",
        "_getattr_",
        "__builtins__",
    ),
)
ATTRIBUTES = (
    *("n", "items", "d", "tags", "pair", "text", "hits", "queue", "blob", "vault", "gold", "card"),
    *("greet", "twice", "forever", "clone", "parents", "setSlot_value_", "infer_", "nothing"),
    *("append", "extend", "insert", "pop", "update", "setdefault", "keys", "values", "copy", "add"),
    *("join", "replace", "translate", "encode", "decode", "format", "ljust", "split", "lower"),
    *("args", "put", "change", "count", "sort", "compile", "sub", "findall", "dumps", "loads"),
    *("chain", "product", "accumulate", "partial", "reduce", "itemgetter", "cmp_to_key", "choices"),
    *("to_bytes", "strftime", "wrap", "mean", "factorial", "from_iterable", "default_factory"),
    *("obj", "data", "mapping"),
)  # fmt: skip
CONSTANTS = (
    *(
        0,
        1,
        2,
        -1,
        7,
        10**6,
        10**10,
        0.5,
        float("inf"),
        "",
        "a",
        "ab" * 5,
        "__class__",
        "_slots",
    ),
    *("parent*", "greet", "n", "{0.__class__}", "%s", "%99999d", "(a+)+$", r"\1", None, True),
    *(b"x", "gold", "utf-8", "idna"),
)


# --- a grammar ----------------------------------------------------------------------------


def expressions() -> st.SearchStrategy[str]:
    name = st.sampled_from(NAMES)
    atom = st.sampled_from(CONSTANTS).map(repr).map(lambda text: text.replace("inf", "1e999"))
    leaf = st.one_of(name, atom, st.sampled_from(ATTRIBUTES).map("self.{}".format))

    def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        some = st.lists(inner, max_size=3)
        return st.one_of(
            st.tuples(inner, st.sampled_from(ATTRIBUTES)).map("({0[0]}).{0[1]}".format),
            st.tuples(inner, some).map(lambda p: f"({p[0]})({', '.join(p[1])})"),
            st.tuples(name, some).map(lambda p: f"{p[0]}({', '.join(p[1])})"),
            st.tuples(inner, inner).map("({0[0]})[{0[1]}]".format),
            st.tuples(inner, st.sampled_from(("+", "*", "**", "%", "|", "<<", "-", "//")), inner)
            .map("({0[0]}) {0[1]} ({0[2]})".format),
            st.tuples(inner, st.sampled_from(("<", "==", "in", "is", "and", "or")), inner)
            .map("({0[0]}) {0[1]} ({0[2]})".format),
            some.map(lambda p: f"[{', '.join(p)}]"),
            some.map(lambda p: f"({', '.join(p)},)" if p else "()"),
            st.tuples(inner, inner).map("{{{0[0]}: {0[1]}}}".format),
            st.tuples(inner, inner).map("[{0[0]} for x in {0[1]}]".format),
            st.tuples(inner, inner).map("({0[0]} for x in {0[1]})".format),
            st.tuples(inner, inner).map("(lambda x, y=1: {0[0]})({0[1]})".format),
            inner.map("(lambda x: {})".format),
            inner.map("(y := {})".format),
            inner.map("*{}".format),
            inner.map(lambda text: "f'{" + text.replace("'", '"') + "!r:>9}'"),
            st.tuples(inner, inner, inner).map("({0[0]}) if ({0[1]}) else ({0[2]})".format),
        )  # fmt: skip

    return st.recursive(leaf, grown, max_leaves=6)


def targets() -> st.SearchStrategy[str]:
    slots = st.sampled_from(ATTRIBUTES)
    return st.one_of(
        st.sampled_from(("x", "y", "f", "_")),
        slots.map("self.{}".format),
        slots.map("self.vault.{}".format),
        slots.map("self.{}[0]".format),
        st.just("x, *self.items"),
        st.just("self.d['a']"),
        st.just("self.items[:]"),
    )


def statements() -> st.SearchStrategy[list[str]]:
    value = expressions()
    simple = st.one_of(
        value.map("return {}".format),
        value,
        st.tuples(targets(), value).map("{0[0]} = {0[1]}".format),
        st.tuples(targets(), st.sampled_from(["+", "*", "|", "-", "%", "**", "<<", "^"]), value)
        .map("{0[0]} {0[1]}= {0[2]}".format),
        targets().map("del {}".format),
        value.map("raise ValueError({})".format),
        st.sampled_from(sorted({"re", "json", "math", "itertools", "os", "operator"}))
        .map("import {}".format),
    ).map(lambda line: [line])  # fmt: skip

    def grown(inner: st.SearchStrategy[list[str]]) -> st.SearchStrategy[list[str]]:
        block = st.lists(inner, min_size=1, max_size=3).map(
            lambda parts: [f"    {line}" for part in parts for line in part]
        )
        return st.one_of(
            st.tuples(value, block).map(lambda p: [f"if {p[0]}:", *p[1]]),
            st.tuples(value, block).map(lambda p: [f"while {p[0]}:", *p[1]]),
            st.tuples(targets(), value, block).map(lambda p: [f"for {p[0]} in {p[1]}:", *p[2]]),
            st.tuples(block, block).map(
                lambda p: ["try:", *p[0], "except Exception as f:", *p[1]]
            ),
            st.tuples(block, block).map(lambda p: ["try:", *p[0], "finally:", *p[1]]),
            block.map(lambda body: ["def f(x=1, *y):", *body]),
        )

    return st.recursive(simple, grown, max_leaves=3)


@st.composite
def programs(draw: st.DrawFn) -> str:
    parts = draw(st.lists(statements(), min_size=1, max_size=3))
    first = "x, y, f, g = 1, [2], len, 'ab'"
    return "\n    ".join(
        ["def method(self):", first, *(line for part in parts for line in part)]
    )


# --- mutations ----------------------------------------------------------------------------


def _trees(sources: list[str]) -> list[ast.Module]:
    found = []
    for source in sources:
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        if sum(1 for _ in ast.walk(tree)) < 400:
            found.append(tree)
    return found


SEEDS = _trees(
    [attack.source for _, attack in ATTACKS]
    + [written.source for written in WRITTEN]
    + [idiom.source for idiom in IDIOMS]
)


def _fields(tree: ast.AST, kind: type) -> list[tuple[ast.AST, str, int | None]]:
    """Return the places in which a node of a kind stands."""
    places: list[tuple[ast.AST, str, int | None]] = []
    for node in ast.walk(tree):
        for name, value in ast.iter_fields(node):
            if isinstance(value, kind):
                places.append((node, name, None))
            elif isinstance(value, list):
                places += [(node, name, n) for n, v in enumerate(value) if isinstance(v, kind)]
    return places


def _put(place: tuple[ast.AST, str, int | None], node: object) -> None:
    owner, name, number = place
    if number is None:
        setattr(owner, name, node)
    else:
        getattr(owner, name)[number] = node


def _get(place: tuple[ast.AST, str, int | None]) -> object:
    owner, name, number = place
    value = getattr(owner, name)
    return value if number is None else value[number]


def mutated(seed: int) -> str:
    """Return one of the tables' methods with parts of others in it."""
    chance = random.Random(seed)
    tree = copy.deepcopy(chance.choice(SEEDS))
    for _ in range(chance.randint(1, 4)):
        kind = chance.choice((ast.expr, ast.expr, ast.stmt))
        here, there = _fields(tree, kind), _fields(chance.choice(SEEDS), kind)
        here = [place for place in here if not isinstance(place[0], ast.Module)]
        there = [place for place in there if not isinstance(_get(place), ast.FunctionDef)]
        if here and there:
            _put(chance.choice(here), copy.deepcopy(_get(chance.choice(there))))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node in tree.body:
            node.name = "method"
    try:
        return ast.unparse(ast.fix_missing_locations(tree))
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return "def method(self): pass"  # parts that fit nowhere
