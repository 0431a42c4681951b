"""What people type for values and examples, read without running any of it.

A value is a Python literal (`5`, `'text'`, `[1, 2]`), `@name` for an object of the
universe, or a bare word, which is text. A slot may also get a `Counter(0)` or a `Queue([])`.
An example reads

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

from batos.errors import ExamplesRefused, SlotRefused, ValueRefused
from batos.kernel.shared import Counter, Queue
from batos.synthesis.examples import ANYTHING, Example
from batos.universe.names import Named

_QUOTED = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\"""")


_SHARED = re.compile(r"\s*(?:batos\.)?(Counter|Queue)\s*\((.*)\)\s*", re.DOTALL)


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


def argument_of(text: str) -> object:
    """Return the argument of a message that somebody typed.

    Raises:
        ValueRefused: It is a counter or a queue, which only a slot can hold.
    """
    if (found := _SHARED.fullmatch(text)) is not None:
        why = f"a {found[1]} is no argument; `batos slot set` puts one into a slot"
        raise ValueRefused(text, why)
    return value_of(text)


def slot_value_of(text: str) -> object:
    """Return what somebody typed for a slot to hold.

    >>> slot_value_of("Counter(3)"), list(slot_value_of("Queue(['a', 'b'])"))
    (Counter(3), ['a', 'b'])

    Raises:
        ValueRefused: A counter is to count what is no number, or a queue to hold no list.
    """
    if (found := _SHARED.fullmatch(text)) is None:
        return value_of(text)
    kind, inner = found.groups()
    try:
        content = ast.literal_eval(inner.strip() or ("0" if kind == "Counter" else "[]"))
        if kind == "Queue" and not isinstance(content, list | tuple):
            raise TypeError(f"a queue holds the items of a list, not {content!r}")
        return Counter(content) if kind == "Counter" else Queue(content)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError) as error:
        why = f"{error}; write Counter(0) or Queue(['a', 'b']), and text in quotes"
        raise ValueRefused(text, why) from None


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
        slots[name] = slot_value_of(value)
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
