"""What travels from one stage of a growth to the next: values, and no behaviour of a stage.

Reflection -> Candidate -> Tried -> Choice, or a Failure and once more from the start
"""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from dataclasses import dataclass

from batos.kernel.values import plain
from batos.sandbox.jail import Outcome
from batos.synthesis.examples import ANYTHING, Example

_brief = reprlib.Repr()
_brief.maxlist = _brief.maxtuple = _brief.maxset = _brief.maxdict = 8
_brief.maxstring = _brief.maxother = 80
_brief.maxlong = 40


def brief(value: object) -> str:
    """Return a value as Python writes it, the long ones shortened."""
    return _brief.repr(plain(value))


@dataclass(frozen=True)
class Known:
    """A method that the receiver understands already."""

    selector: str
    name: str  # as the writer may call it
    parameters: tuple[str, ...] = ()
    function: str = ""  # the method as a function of plain values, where it can be told so
    is_data: bool = False  # read, not called

    @property
    def call(self) -> str:
        """How it is used: a name, with parameters if it is a method."""
        return (
            self.selector if self.is_data else f"{self.selector}({', '.join(self.parameters)})"
        )


@dataclass(frozen=True)
class Reflection:
    """A message that was not understood, and what is known of its receiver."""

    receiver: str
    prototype: str
    selector: str
    parameters: tuple[str, ...]  # names for the arguments, in order
    shapes: tuple[str, ...]  # the arguments' types
    slots: Mapping[str, str]  # data that the receiver answers with, as Python writes it
    kinds: tuple[str, ...]  # the types of that data, in the same order
    understood: tuple[Known, ...]  # methods that a new one may call
    others: Mapping[str, tuple[Known, ...]]  # what objects in its slots understand, by slot
    shown: tuple[Example, ...]  # the examples that the writer may see

    def text(self) -> str:
        """Return all of it, for a person and for the journal."""
        call = ", ".join(map("{}: {}".format, self.parameters, self.shapes))
        lines = [f"{self.receiver}, a clone of {self.prototype}, was sent"]
        lines.append(f"  {self.selector}({call})")
        lines += [f"  has {name} = {value}" for name, value in self.slots.items()]
        lines += [f"  understands {known.selector}" for known in self.understood]
        lines += [f"  its {line}" for line in self.others_told()]
        lines += [f"  example {self.show(example)}" for example in self.shown]
        return "\n".join(lines)

    def others_told(self) -> list[str]:
        """Return a line for each object in a slot: what it has."""
        return [
            f"{slot} has {', '.join(item.call for item in known)}"
            for slot, known in self.others.items()
            if known
        ]

    def outline(self) -> str:
        """Return what makes two questions the same one: shapes and names, but no values.

        While the mind thinks, others go on changing the receiver; and its siblings differ
        from it in nothing but their values.
        """
        parts = (self.prototype, self.selector, self.parameters, self.shapes)
        known = tuple(known.selector for known in self.understood)
        return repr((*parts, tuple(self.slots), self.kinds, known, *self.others_told()))

    def show(self, example: Example) -> str:
        """Return an example as a line in Python's words."""
        name = self.selector.strip("_")
        given = {slot: brief(value) for slot, value in example.given.items()}
        arguments = dict(zip(self.parameters, map(brief, example.args), strict=False))
        values = {**self.slots, **given, **arguments}
        line = f"{name}({', '.join(f'{key}={value}' for key, value in values.items())})"
        if example.result is not ANYTHING:
            line += f" == {brief(example.result)}"
        return line + "".join(
            f" and {slot} == {brief(value)}" for slot, value in example.after.items()
        )


@dataclass(frozen=True)
class Candidate:
    """A method that the mind wrote, and how many of its samples say the same."""

    source: str
    samples: int


@dataclass(frozen=True)
class Tried:
    """What one candidate did."""

    candidate: Candidate
    wrong: tuple[str | None, ...]  # for each example: None where it agrees, else how it fails
    answer: Outcome | None  # to the message itself; None where the gate refused the source
    flaw: str | None  # why it cannot answer the message at all
    behaviour: str  # in words; equal for candidates that did the same in every case

    @property
    def passed(self) -> int:
        """How many examples it agrees with."""
        return sum(wrong is None for wrong in self.wrong)

    @property
    def stands(self) -> bool:
        """Whether it answers the message and agrees with every example."""
        return self.flaw is None and self.passed == len(self.wrong)

    @property
    def verdict(self) -> str:
        """What the jail said of it, in a line."""
        if self.flaw is not None:
            return self.flaw
        first_wrong = next(filter(None, self.wrong), None)
        if first_wrong is not None:
            return f"{self.passed} of {len(self.wrong)} examples: {first_wrong}"
        if self.wrong:
            return f"all {len(self.wrong)} examples agree"
        return f"answers {self.behaviour}"


@dataclass(frozen=True)
class Choice:
    """The candidate that stands, if one does, and why."""

    best: Tried | None
    verdict: str


@dataclass(frozen=True)
class Failure:
    """A method that came close, and where it went wrong: what a repair starts from."""

    source: str
    wrong: str
