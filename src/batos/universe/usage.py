"""What a method does with a selector, read from its source.

The source is parsed and never run. It counts what the gate lets a method say: `x.name`,
`x.name(...)`, and a call that is given the name as a constant. A name that a method only
puts together while it runs is not found.
"""

from __future__ import annotations

import ast

_TAKE_A_NAME = {"getattr": "reads", "hasattr": "reads", "setattr": "writes"}
_SET_SLOT = "setSlot_value_"
_HOW = ("sends", "reads", "writes")


def uses(source: str, selector: str) -> tuple[str, ...]:
    """Return whether the source sends, reads or writes a selector: any of these words.

    Of source that is no Python nothing is known: the answer is empty, as it never runs.
    """
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    found: set[str] = set()
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    augmented = {id(node.target) for node in nodes if isinstance(node, ast.AugAssign)}
    for node in nodes:
        if isinstance(node, ast.Attribute) and node.attr == selector:
            found.add(_attribute_use(node, id(node) in called))
            if id(node) in augmented:  # `x.name += 1`
                found.add("reads")
        elif isinstance(node, ast.Call):
            found.update(_call_use(node, selector))
    return tuple(how for how in _HOW if how in found)


def _attribute_use(node: ast.Attribute, is_called: bool) -> str:
    if not isinstance(node.ctx, ast.Load):
        return "writes"
    return "sends" if is_called else "reads"


def _call_use(node: ast.Call, selector: str) -> set[str]:
    """Return how a call uses a selector that it is given as a constant."""
    match node:
        case ast.Call(func=ast.Name(id=name), args=[_, ast.Constant(value=given), *_]):
            how = _TAKE_A_NAME.get(name)
            return {how} if how is not None and given == selector else set()
        case ast.Call(func=ast.Attribute(attr=name), args=[ast.Constant(value=given), *_]):
            return {"writes"} if name == _SET_SLOT and given == selector else set()
    return set()
