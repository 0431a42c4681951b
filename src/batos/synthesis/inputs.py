"""Inputs like those that a message and its examples show: what a method is questioned with.

Each value is drawn after those that were seen in its place, by a seed: the same question is
asked with the same inputs. What should come of them is nobody's business here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from batos.kernel.delegation import PARENT_MARK, ancestry
from batos.kernel.message import Message
from batos.kernel.uvm_object import UvmObject
from batos.kernel.values import Mergeable, plain
from batos.sandbox.jail import Case
from batos.synthesis.examples import Example

_MOST = 16  # cases of one question: a few milliseconds in the jail
_MAX_SLOTS = 12
_PROBES, _PROBE_SEED = 8, 7
_DRAWN: tuple[type, ...] = (bool, int, float, str, list, tuple, dict, set)


def case_of(example: Example, message: Message) -> Case:
    """Return an example's inputs as a way to send the message."""
    positional = len(message.args)
    keywords = dict(zip(message.keywords, example.args[positional:], strict=True))
    return Case(example.args[:positional], keywords, dict(example.given))


def similar_cases(
    receiver: UvmObject,
    message: Message,
    examples: Sequence[Example],
    seed: int,
    most: int = _MOST,
) -> list[Case]:
    """Return the inputs of the examples and of the message, and others like them.

    Each names all data that the receiver answers with, so that nothing of it is left open.
    """
    rng, slots = Random(seed), _data(receiver)  # noqa: S311  repeatable, and no secret
    shown = [case_of(example, message) for example in examples]
    shown.append(Case(message.args, dict(message.keywords)))
    whole = [
        Case(
            tuple(plain(value) for value in case.args),
            {name: plain(value) for name, value in case.keywords.items()},
            {**slots, **{name: plain(value) for name, value in case.given.items()}},
        )
        for case in shown[:most]
    ]
    drawn = [_like(whole, rng) for _ in range(most - len(whole))]
    return whole + drawn


def probes_for(
    receiver: UvmObject, message: Message, examples: Sequence[Example]
) -> list[Case]:
    """Return a few inputs like the examples', to tell methods apart that agree on these."""
    known = len(examples) + 1  # and the message's own
    return similar_cases(receiver, message, examples, _PROBE_SEED, known + _PROBES)[known:]


def _data(receiver: UvmObject) -> dict[str, object]:
    """Return the data that the receiver answers with, so far as it can be drawn again."""
    found: dict[str, object] = {}
    for holder in ancestry(receiver):
        if holder._sealed:
            continue
        for name, value in holder._slots.items():
            is_data = not name.endswith(PARENT_MARK) and not isinstance(value, Mergeable)
            if is_data and isinstance(plain(value), _DRAWN):
                found.setdefault(name, plain(value))
    return dict(list(found.items())[:_MAX_SLOTS])


def _like(cases: Sequence[Case], rng: Random) -> Case:
    one = cases[0]
    return Case(
        tuple(
            _value([case.args[place] for case in cases], rng) for place in range(len(one.args))
        ),
        {name: _value([case.keywords[name] for case in cases], rng) for name in one.keywords},
        {
            name: _value([case.given[name] for case in cases if name in case.given], rng)
            for name in dict.fromkeys(name for case in cases for name in case.given)
        },
    )


def _value(seen: Sequence[Any], rng: Random) -> object:
    """Return a value like those seen in a place; one of them where nothing is known of it."""
    model = rng.choice(seen)
    draw = _DRAWS.get(type(model))
    alike = [value for value in seen if type(value) is type(model)]
    return model if draw is None else draw(alike, rng)


def _bounds(seen: Sequence[float]) -> tuple[float, float]:
    """Return a range around numbers; one without a negative stays without."""
    low, high = min(seen), max(seen)
    room = max(5, high - low)
    return (low - room if low < 0 else max(0, low - room)), high + room


def _int(seen: Sequence[int], rng: Random) -> int:
    low, high = _bounds(seen)
    return rng.randint(int(low), int(high))


def _float(seen: Sequence[float], rng: Random) -> float:
    return round(rng.uniform(*_bounds(seen)), 2)


def _text(seen: Sequence[str], rng: Random) -> str:
    letters = "".join(seen) or "ab"
    longest = max(map(len, seen))
    return "".join(rng.choice(letters) for _ in range(rng.randint(0, longest + 2)))


def _items(seen: Sequence[Sequence[object]], rng: Random) -> list[object]:
    pool = [item for items in seen for item in items]
    if not pool:
        return []
    many = rng.randint(0, max(map(len, seen)) + 2)
    # some are taken from those seen, so that an item may come up twice
    return [rng.choice(pool) if rng.random() < 0.5 else _value(pool, rng) for _ in range(many)]


def _tuple(seen: Sequence[tuple[object, ...]], rng: Random) -> tuple[object, ...]:
    if len({len(items) for items in seen}) == 1:  # a record: each place has its own kind
        return tuple(_value(place, rng) for place in zip(*seen, strict=True))
    return tuple(_items(seen, rng))


def _dict(seen: Sequence[Mapping[object, object]], rng: Random) -> dict[object, object]:
    held = {key: [one[key] for one in seen if key in one] for one in seen for key in one}
    is_record = all(one.keys() == held.keys() for one in seen) and len(seen) > 1
    keys = list(held) if is_record else [key for key in held if rng.random() < 0.7]
    return {key: _value(held[key], rng) for key in keys}


_DRAWS: Mapping[type, Callable[[Any, Random], object]] = {
    bool: lambda _seen, rng: rng.random() < 0.5,
    int: _int,
    float: _float,
    str: _text,
    list: _items,
    tuple: _tuple,
    dict: _dict,
    set: lambda seen, rng: set(_items([sorted(items, key=repr) for items in seen], rng)),
}
