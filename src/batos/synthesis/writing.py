"""Ask the mind for methods: one prompt, many samples, each turned into a method's source.

A small model writes a function of plain values far better than a method (`LOG.md` has the
figures). So the prompt shows the receiver's slots as parameters, and what comes back is
turned: the name of a slot becomes that slot of `self`.
"""

from __future__ import annotations

import ast
import keyword
import textwrap
from collections.abc import Iterable

from batos.synthesis.values import Candidate, Failure, Reflection

STOP = ("\n\n\n", "\ndef", "\n#", "\nclass", ">>>", "```")

_LESSONS = """\
# Short, correct Python.

# double(size=4) == 8
# double(size=5) == 10
def double(size):
    return size * 2

# rename(name='Al', text='Bo') == 'Bo' and name == 'Bo'
# rename(name='Di', text='Ed') == 'Ed' and name == 'Ed'
def rename(name, text):
    name = text
    return name

# longer(items=['a', 'abc'], number=2) == ['abc']
# longer(items=['abcd', 'x'], number=1) == ['abcd']
def longer(items, number):
    return [item for item in items if len(item) > number]

# tick(hours=3, number=2) == 5 and hours == 5
# tick(hours=9, number=1) == 10 and hours == 10
def tick(hours, number):
    hours += number
    return hours

# title(name='bo', word='Sir') == 'Sir Bo'
# title(name='al', word='Dr') == 'Dr Al'
def title(name, word):
    return word + ' ' + name.title()

# isEmpty(names=[]) == True
# isEmpty(names=['x']) == False
def isEmpty(names):
    return len(names) == 0

# smallest(numbers=[3, 1, 2]) == 1
# smallest(numbers=[8, 9]) == 8
def smallest(numbers):
    return min(numbers)

"""


def prompt_for(reflection: Reflection, failure: Failure | None = None) -> str:
    """Return the text that the mind goes on from.

    It ends at the colon: a newline there would be merged with the indent that follows, and
    small models then write no usable code.
    """
    lines = [f"# {reflection.show(example)}" for example in reflection.shown]
    if failure is not None:
        body = "\n".join(failure.source.splitlines()[1:])
        lines += ["# Not like this:", *(f"# {line}" for line in body.splitlines())]
        lines.append(f"# because {failure.wrong}")
    return _LESSONS + "\n".join([*lines, _head(reflection)])


def candidates_from(texts: Iterable[str], reflection: Reflection) -> list[Candidate]:
    """Return the different methods among completions, in the order they came up first.

    What is no Python is left out.
    """
    samples: dict[str, int] = {}
    for text in texts:
        source = _method(text, reflection)
        if source is not None:
            samples[source] = samples.get(source, 0) + 1
    return [Candidate(source, count) for source, count in samples.items()]


def _head(reflection: Reflection) -> str:
    name = reflection.selector.strip("_")
    if keyword.iskeyword(name):
        name = reflection.selector
    return f"def {name}({', '.join([*reflection.slots, *reflection.parameters])}):"


def _method(text: str, reflection: Reflection) -> str | None:
    head = f"def {reflection.selector}({', '.join(['self', *reflection.parameters])}):\n"
    try:
        function = ast.parse(head + _body(text)).body[0]
    except (SyntaxError, ValueError, IndexError, RecursionError, MemoryError):
        return None
    if not isinstance(function, ast.FunctionDef):
        return None
    names = frozenset(reflection.slots) - _rebound(function)
    turn = _SlotsOfSelf(names, frozenset(reflection.understood))
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

    def __init__(self, slots: frozenset[str], methods: frozenset[str]) -> None:
        self._slots = slots
        self._methods = methods

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return _of_self(node) if node.id in self._slots else node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id in self._methods:
            node.func = _of_self(node.func)
        return node


def _of_self(node: ast.Name) -> ast.Attribute:
    return ast.Attribute(ast.Name("self", ast.Load()), node.id, node.ctx)
