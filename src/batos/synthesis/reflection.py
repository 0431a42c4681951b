"""What a writer must know of the receiver, as plain text; reading it sends no message."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Iterable

from batos.kernel.message import Message
from batos.kernel.uvm_object import UvmObject
from batos.kernel.values import plain
from batos.synthesis.examples import Example
from batos.synthesis.knowing import data_of, known_of, known_of_other
from batos.synthesis.values import Reflection, brief

_MAX_SLOTS = 12
_WITHHELD_FROM = 3  # of so many examples or more, the last is kept for the judge

_NOUNS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "flag"),
    ((int, float, complex), "amount"),
    (str, "text"),
    ((list, tuple, set, frozenset), "items"),
    (dict, "mapping"),
    (UvmObject, "other"),
)


def reflect_on(
    receiver: UvmObject,
    message: Message,
    examples: tuple[Example, ...],
    name_of: Callable[[UvmObject], str] = repr,
) -> Reflection:
    """Return what a writer of the missing method must know.

    Args:
        receiver: Who was sent the message.
        message: The message.
        examples: Everything that is known of what should come of it.
        name_of: What a person calls an object.
    """
    slots = data_of(receiver)
    held = ((name, plain(value)) for name, value in slots.items())
    others = {name: value for name, value in held if isinstance(value, UvmObject)}
    arguments = (*message.args, *message.keywords.values())
    shown = examples[:-1] if len(examples) >= _WITHHELD_FROM else examples
    parents = receiver.parents
    return Reflection(
        receiver=name_of(receiver),
        prototype=name_of(parents[0]) if parents else "nothing",
        selector=message.selector,
        parameters=_parameter_names(message, taken=slots.keys()),
        shapes=tuple(type(plain(value)).__name__ for value in arguments),
        slots={name: name if name in others else brief(it) for name, it in slots.items()},
        kinds=tuple(type(plain(value)).__name__ for value in slots.values()),
        understood=known_of(receiver, slots),
        others={name: known_of_other(other) for name, other in others.items()},
        shown=shown,
    )


def _parameter_names(message: Message, taken: Iterable[str]) -> tuple[str, ...]:
    """Name the arguments: by the selector's later keywords, or by what they are."""
    parts = message.selector.strip("_").split("_")
    by_keyword = parts[1:] if len(parts) == len(message.args) else []
    names: list[str] = []
    for position, value in enumerate(message.args):
        name = by_keyword[position - 1] if by_keyword and position else _noun(value)
        if keyword.iskeyword(name):  # move_from_, add_if_
            name = _noun(value)
        names.append(_unused(name, {*taken, *names, "self"}))
    return (*names, *message.keywords)


def _noun(value: object) -> str:
    matching = (noun for kind, noun in _NOUNS if isinstance(plain(value), kind))
    return next(matching, "value")


def _unused(name: str, taken: Iterable[str]) -> str:
    candidates = (name, *(f"{name}{number}" for number in range(2, 100)))
    return next(candidate for candidate in candidates if candidate not in set(taken))
