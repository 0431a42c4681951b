"""A method task: an object, a message that it does not understand, and what is wanted of it.

Where tasks come from is `curriculum`'s business, what is done with them `exam`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from batos.kernel.message import Message
from batos.kernel.method import Method
from batos.kernel.uvm_object import UvmObject, put
from batos.synthesis.examples import Example

Kind = Literal[
    "numbers", "strings", "lists", "dicts", "records", "machines", "dates", "ensembles"
]
KINDS: tuple[Kind, ...] = (
    *("numbers", "strings", "lists", "dicts"),
    *("records", "machines", "dates", "ensembles"),
)

Split = Literal["practice", "final"]
"""practice: to look at and to learn from. final: to be judged by, and unseen before."""


@dataclass(frozen=True)
class Companion:
    """Another object, which the receiver holds in a slot."""

    slots: Mapping[str, object]
    methods: tuple[str, ...] = ()  # sources


@dataclass(frozen=True)
class Task:
    """One message to one receiver, with examples of what should come of it."""

    name: str  # unique within a draw: family, seed and number
    family: str
    kind: Kind
    split: Split
    selector: str
    slots: Mapping[str, object]  # the receiver's data when the message comes
    args: tuple[object, ...]  # of the message
    reference: str  # source of a method that is right
    visible: tuple[Example, ...]  # what a person would show
    hidden: tuple[Example, ...]  # what only the judge knows
    methods: tuple[str, ...] = ()  # sources of what the receiver understands already
    companions: Mapping[str, Companion] = field(default_factory=dict)

    @property
    def message(self) -> Message:
        """What the receiver is sent."""
        return Message(self.selector, self.args)


def receiver_of(task: Task) -> UvmObject:
    """Return the task's receiver, new, in no database.

    Its methods lie in its prototype, as those of a clone do.
    """
    others = {
        name: _understanding(it.methods).clone(**it.slots)
        for name, it in task.companions.items()
    }
    return _understanding(task.methods).clone(**others, **task.slots)


def selector_of(source: str) -> str:
    """Return the selector that a method's source begins with."""
    return source.partition("def ")[2].partition("(")[0]


def _understanding(methods: tuple[str, ...]) -> UvmObject:
    prototype = UvmObject()
    for source in methods:
        put(prototype, selector_of(source), Method(source, {}))
    return prototype
