"""What people type for values and examples, read without running any of it.

A value is a Python literal (`5`, `'text'`, `[1, 2]`), `@name` for an object of the
universe, or a bare word, which is text. An example reads

    [slots before |] arguments => [result] [| slots after]

as in `10 => 110`, `=> 'house'` or `balance=5 | 10 => 15 | balance=15`.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from batos.errors import ExamplesRefused, SlotRefused
from batos.synthesis.examples import ANYTHING, Example
from batos.universe.names import Named

_QUOTED = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\"""")


def value_of(text: str) -> object:
    """Return the value that somebody typed.

    >>> value_of("[1, 2]"), value_of("house"), value_of("@account")
    ([1, 2], 'house', Named(name='account'))
    """
    if text.startswith("@") and text[1:].isidentifier():
        return Named(text[1:])
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return text


def slots_of(pairs: Iterable[str]) -> dict[str, object]:
    """Return slots from `name=value` words.

    Raises:
        SlotRefused: One of them is no such pair.
    """
    slots = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise SlotRefused(pair, "write name=value")
        slots[name] = value_of(value)
    return slots


def example_of(text: str) -> Example:
    """Return the example that somebody typed, in the form above or as a JSON object.

    >>> example_of("balance=5 | 10 => 15 | balance=15")
    Example(args=(10,), result=15, given={'balance': 5}, after={'balance': 15})

    Raises:
        ExamplesRefused: It cannot be read; the message shows the form.
    """
    try:
        if text.lstrip().startswith("{"):
            return _from_json(json.loads(text))
        given, arguments, result, left = _parts(text)
        return Example(
            ast.literal_eval(f"({arguments},)") if arguments.strip() else (),
            ast.literal_eval(result.strip()) if result.strip() else ANYTHING,
            _keywords(given),
            _keywords(left),
        )
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError) as error:
        raise ExamplesRefused(
            f"{text!r} cannot be read ({error}); write 'arguments => result', or"
            " 'slot=1 | arguments => result | slot=2', texts in quotes, or JSON:"
            ' {"args": [1], "result": 2}'
        ) from None


def examples_from(file: Path) -> list[Example]:
    """Return the examples in a file, one a line; empty lines and # lines do not count.

    Raises:
        ExamplesRefused: The file, or a line of it, cannot be read.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise ExamplesRefused(f"{file} cannot be read ({error})") from None
    return [example_of(line) for line in lines if line.strip() and line.strip()[0] != "#"]


def _parts(text: str) -> tuple[str, str, str, str]:
    """Return slots before, arguments, result and slots after; marks in texts do not count."""
    bare = _QUOTED.sub(lambda found: "_" * len(found[0]), text)
    arrow = bare.find("=>")
    if arrow < 0:
        raise ValueError("there is no =>")
    first = bare.rfind("|", 0, arrow)
    last = bare.find("|", arrow)
    if last < 0:
        last = len(text)
    return (
        text[: max(first, 0)],
        text[first + 1 : arrow],
        text[arrow + 2 : last],
        text[last + 1 :],
    )


def _keywords(text: str) -> dict[str, object]:
    call = ast.parse(f"f({text.strip()})", mode="eval").body
    if not isinstance(call, ast.Call) or call.args or any(k.arg is None for k in call.keywords):
        raise ValueError(f"{text.strip()!r} is not of the form slot=value")
    return {str(word.arg): ast.literal_eval(word.value) for word in call.keywords}


def _from_json(data: Mapping[str, Any]) -> Example:
    unknown = data.keys() - {"args", "result", "given", "after"}
    if unknown:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    args, given, after = data.get("args", []), data.get("given", {}), data.get("after", {})
    if not isinstance(args, list):
        raise TypeError("args must be a list")
    if not (isinstance(given, dict) and isinstance(after, dict)):
        raise TypeError("given and after must be slots and their values")
    return Example(tuple(args), data.get("result", ANYTHING), given, after)
