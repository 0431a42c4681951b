"""How the questions about a method are judged, once all answers are there.

A judge gets every try, and returns one entry for each that it could judge: None, or in words
what is wrong. What is sent is the business of `relations`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, cast

from batos.sandbox.jail import Outcome
from batos.synthesis.claims import kind_of
from batos.synthesis.examples import agrees
from batos.synthesis.relations import Asked, Try, after, at, call_of, came_to, is_number
from batos.synthesis.values import brief

Judgement = list[str | None]


def same_as_once(tries: Sequence[Try], _other: str) -> Judgement:
    """The second time changes nothing any more."""
    judged: Judgement = []
    for one in tries:
        (case, outcome) = one.then[0]
        if one.first.changes:
            same = _same_slots(one.first.after(), after(case, outcome))
        else:
            same = agrees(one.first.outcome.result, outcome.result)
        judged.append(None if same else f"{one.first.told()}, and again {came_to(outcome)}")
    return judged


def as_before(tries: Sequence[Try], other: str) -> Judgement:
    """What comes back is what went in."""
    judged: Judgement = []
    for one in tries:
        (case, outcome) = one.then[0]
        if one.first.changes:
            before = one.first.case.given
            left = after(case, outcome) or {}  # what came to be on the way may stay
            same = _same_slots(before, {name: left[name] for name in before if name in left})
        else:
            place = one.first.answered_place()
            went_in = None if place is None else at(one.first.case, place)
            same = outcome.error is None and agrees(went_in, outcome.result)
        next_ = other or "again"
        judged.append(None if same else f"{one.first.told()}, and {next_} {came_to(outcome)}")
    return judged


def one_way(tries: Sequence[Try], _other: str) -> Judgement:
    """As the number grows the answers never turn around."""
    judged: Judgement = []
    for one in tries:
        asked = [(one.first.case, one.first.outcome), *one.then]
        steps = [(c, _measure(o)) for c, o in asked if o.error is None]
        values = [value for _, value in steps if value is not None]
        if len(values) < 3:
            continue
        rises = any(b > a for a, b in pairwise(values))
        falls = any(b < a for a, b in pairwise(values))
        told = ", ".join(f"{call_of(c, one.first.selector)} = {brief(v)}" for c, v in steps)
        judged.append(told if rises and falls else None)
    return judged


def same_answer(tries: Sequence[Try], _other: str) -> Judgement:
    """Whatever was done to the inputs, the answer is the same, and so are the changes."""
    judged: Judgement = []
    for one in tries:
        first = one.first.outcome
        for case, outcome in one.then:
            same = outcome.error is None and agrees(first.result, outcome.result)
            same = same and (one.first.case != case or _same_changes(first, outcome))
            said = f"{one.first.told()}, but {call_of(case, one.first.selector)}"
            judged.append(None if same else f"{said} {came_to(outcome)}")
    return judged


def one_kind(tries: Sequence[Try], _other: str) -> Judgement:
    """All answers are of the kind of the first one."""
    if not tries:
        return []
    wanted = kind_of(tries[0].first.outcome.result)
    return of_kind(tries, wanted)


def of_kind(tries: Sequence[Try], wanted: str) -> Judgement:
    """All answers are of a kind."""
    return [
        None if kind_of(one.first.outcome.result) == wanted else one.first.told()
        for one in tries
    ]


def within_items(tries: Sequence[Try], _other: str) -> Judgement:
    """A number lies between the smallest and the largest of the items."""
    judged: Judgement = []
    for one in tries:
        result = one.first.outcome.result
        place = one.first.only_place(_has_numbers)
        if place is None or not is_number(result):
            continue
        items = cast("list[float]", at(one.first.case, place))
        room = 1e-9 * max(1, abs(min(items)), abs(max(items)))
        fits = min(items) - room <= cast("float", result) <= max(items) + room
        judged.append(None if fits else one.first.told())
    return judged


def no_change(tries: Sequence[Try], _other: str) -> Judgement:
    """Nothing is written."""
    return [one.first.told() if one.first.changes else None for one in tries]


def same_length(tries: Sequence[Try], _other: str) -> Judgement:
    """What comes out has as many items as what went in."""
    return _kept(tries, lambda value: isinstance(value, list | tuple | str), _length)


def same_total(tries: Sequence[Try], _other: str) -> Judgement:
    """What comes out has the sum of what went in; for numbers in slots, all of them do."""
    numbers = [
        one
        for one in tries
        if any(map(is_number, one.first.outcome.changes.values()))
        and _numbers_of(one.first.after()) is not None
    ]
    judged = _kept([one for one in tries if one not in numbers], _has_numbers, _sum)
    for one in numbers:
        before, left = _numbers_of(one.first.case.given), _numbers_of(one.first.after())
        judged.append(None if agrees(before, left) else one.first.told())
    return judged


def _kept(
    tries: Sequence[Try], fits: Callable[[object], bool], measure: Callable[[Any], object]
) -> Judgement:
    judged: Judgement = []
    for one in tries:
        for before, left in _befores(one.first, fits):
            same = fits(left) and agrees(measure(before), measure(left))
            judged.append(None if same else one.first.told())
    return judged


def _befores(asked: Asked, fits: Callable[[object], bool]) -> list[tuple[object, object]]:
    """Return values that went in, each with what it became: in its slot, or as the answer."""
    left = asked.after()
    if asked.changes:
        return [
            (asked.case.given[slot], value)
            for (_, slot), value in (asked.outcome.changes.items() if left else ())
            if fits(asked.case.given.get(slot))
        ]
    place = asked.only_place(fits)
    return [] if place is None else [(at(asked.case, place), asked.outcome.result)]


def _measure(outcome: Outcome) -> float | None:
    if is_number(outcome.result):
        return cast("float", outcome.result)
    changed = [value for value in outcome.changes.values() if is_number(value)]
    return cast("float", changed[0]) if len(changed) == 1 else None


def _numbers_of(slots: Mapping[str, object] | None) -> float | None:
    numbers = [value for value in (slots or {}).values() if is_number(value)]
    return sum(cast("list[float]", numbers)) if numbers else None


def _same_slots(one: Mapping[str, object] | None, two: Mapping[str, object] | None) -> bool:
    return one is not None and two is not None and agrees(dict(one), dict(two))


def _same_changes(one: Outcome, two: Outcome) -> bool:
    return agrees(dict(one.changes), dict(two.changes))


def _has_numbers(value: object) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(map(is_number, value))


def _length(value: Any) -> int:
    return len(value)


def _sum(value: Any) -> object:
    return sum(value)
