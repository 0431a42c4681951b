"""What the questions about a method send next: inputs that are made of its first answers.

How what comes back is judged is left to `judgements`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, cast

from batos.sandbox.jail import REMOVED, Case, Outcome
from batos.synthesis.claims import kind_of
from batos.synthesis.examples import agrees
from batos.synthesis.values import brief

Reads = frozenset[str]
Place = tuple[str, Any]  # "args" and a position, "keywords" or "given" and a name


@dataclass(frozen=True)
class Asked:
    """One way to send a message, and what came of it."""

    case: Case
    outcome: Outcome
    reads: Reads  # names of slots that the method's source speaks of
    selector: str
    rng: Random = field(default_factory=lambda: Random(0))  # noqa: S311  no secret
    arity: int = 0  # of the method that is sent next

    def prepared(self, rng: Random, arity: int) -> Asked:
        """Return it with what the next question needs."""
        return replace(self, rng=rng, arity=arity)

    @property
    def changes(self) -> bool:
        """Whether the receiver or another object changed."""
        return bool(self.outcome.changes)

    def after(self) -> dict[str, object] | None:
        """Return the receiver's data afterwards; None if that is not all that changed."""
        return after(self.case, self.outcome)

    def places(self, fits: Callable[[object], bool]) -> list[Place]:
        """Return where a fitting value goes in: among the arguments, else among the slots."""
        arguments: list[Place] = [("args", n) for n, v in enumerate(self.case.args) if fits(v)]
        arguments += [("keywords", name) for name, v in self.case.keywords.items() if fits(v)]
        slots: list[Place] = [
            ("given", name)
            for name, value in self.case.given.items()
            if fits(value) and name in self.reads
        ]
        return arguments or slots

    def only_place(self, fits: Callable[[object], bool]) -> Place | None:
        """Return the place, if there is no doubt which one is meant."""
        places = self.places(fits)
        return places[0] if len(places) == 1 else None

    def answered_place(self) -> Place | None:
        """Return where a value of the answer's kind goes in, if there is no doubt."""
        return self.only_place(lambda value: kind_of(value) == kind_of(self.outcome.result))

    def told(self) -> str:
        """Return the call and its answer in words."""
        return f"{call_of(self.case, self.selector)} {came_to(self.outcome)}"


@dataclass(frozen=True)
class Try:
    """An answer, and what came of what was sent next."""

    first: Asked
    then: tuple[tuple[Case, Outcome], ...]


# --- what is sent next ---------------------------------------------------------------------


def nothing_more(_asked: Asked) -> list[Case]:
    """The first answer says enough."""
    return []


def the_same(asked: Asked) -> list[Case]:
    """Send the same to the same."""
    return [asked.case]


def sent_again(asked: Asked) -> list[Case]:
    """Send it to what it left; where it changed nothing, what it answered goes in."""
    left = asked.after()
    if left is None:
        return []
    if asked.changes:
        return [replace(asked.case, given=left)]
    place = asked.answered_place()
    return [] if place is None else [_with(asked.case, place, asked.outcome.result)]


def sent_to_opposite(asked: Asked) -> list[Case]:
    """Send the other message to what this one left, or with what it answered."""
    left = asked.after()
    if left is None:
        return []
    if asked.changes:
        arguments = asked.case.args if asked.arity == len(asked.case.args) else ()
        return [Case(arguments, {}, left)] if asked.arity == len(arguments) else []
    place = asked.answered_place()
    if place is None:
        return []
    changed = _with(asked.case, place, asked.outcome.result)
    return [changed] if asked.arity == len(asked.case.args) + len(asked.case.keywords) else []


def with_larger(asked: Asked) -> list[Case]:
    """Send it with larger numbers in the one place that holds one."""
    place = asked.only_place(is_number)
    if place is None:
        return []
    value = cast("float", at(asked.case, place))
    larger = (value + 1, value + 2, value + 7, value + max(10, abs(value)))
    return [_with(asked.case, place, number) for number in larger]


def with_shuffled(asked: Asked) -> list[Case]:
    """Send it with the items of the one list in other orders."""
    place = asked.only_place(lambda value: isinstance(value, list | tuple))
    if place is None:
        return []
    items = cast("Sequence[object]", at(asked.case, place))
    shuffled = [*items]
    asked.rng.shuffle(shuffled)
    orders = [list(reversed(items)), shuffled]
    return [
        _with(asked.case, place, type(items)(order))  # type: ignore[call-arg]
        for order in orders
        if not agrees(list(items), order)
    ]


# --- what judges use, too ------------------------------------------------------------------


def after(case: Case, outcome: Outcome) -> dict[str, object] | None:
    """Return the receiver's data after a case; None if it failed or changed more than that."""
    if outcome.error is not None:
        return None
    whole = dict(case.given)
    for (label, slot), value in outcome.changes.items():
        if label != "self" or value is REMOVED:
            return None
        whole[slot] = value
    return whole


def call_of(case: Case, selector: str) -> str:
    """Return a way to send the message, in words."""
    said = [brief(value) for value in case.args]
    said += [f"{name}={brief(value)}" for name, value in case.keywords.items()]
    held = ", ".join(f"{name} = {brief(value)}" for name, value in case.given.items())
    return f"{selector}({', '.join(said)})" + (f" with {held}" if held else "")


def at(case: Case, place: Place) -> object:
    return getattr(case, place[0])[place[1]]


def _with(case: Case, place: Place, value: object) -> Case:
    """Return a case with another value in a place."""
    field_, key = place
    if field_ == "args":
        return replace(case, args=(*case.args[:key], value, *case.args[key + 1 :]))
    if field_ == "keywords":
        return replace(case, keywords={**case.keywords, key: value})
    return replace(case, given={**case.given, key: value})


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def came_to(outcome: Outcome) -> str:
    if outcome.error is not None:
        return f"raises {outcome.error}"
    changed = ", ".join(
        f"{slot} = {brief(value)}" for (_, slot), value in outcome.changes.items()
    )
    return f"answers {brief(outcome.result)}" + (f" and leaves {changed}" if changed else "")
