"""What a send brings along in case its message is not understood."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from batos.errors import BatosError
from batos.kernel.message import Message
from batos.kernel.method import Method
from batos.kernel.uvm_object import UvmObject
from batos.synthesis.examples import Example
from batos.synthesis.trial import Trials
from batos.universe.audit import Act, Action
from batos.universe.journal import Journal, Proposal

Mode = Literal["off", "ask", "auto"]
"""off: a miss is an error. ask: a person approves. auto: what stands is installed."""

Stage = Literal[
    "reflect", "propose", "try", "edit", "repair", "check", "choose", "abstain", "install"
]


@dataclass(frozen=True)
class Step:
    """Something that happened on the way to a method, for whoever watches."""

    stage: Stage
    text: str


@dataclass(frozen=True)
class Asking:
    """How a message may be answered that nobody understands."""

    mode: Mode = "ask"
    samples: int = 8  # of each thought
    seed: int | None = None  # None: one that follows from the question
    temperature: float = 0.6
    approve: Callable[[Proposal], bool] | None = None  # None: nobody is there to be asked
    confirm: Callable[[str], bool] | None = None  # whether an example is meant; None: the same
    watch: Callable[[Step], None] = lambda _step: None


@dataclass(frozen=True)
class Growth:
    """How far a growth may go, and with what.

    One belongs to one attempt at one send; `grown`, `installed` and `failed` collect what
    came of it.
    """

    asking: Asking
    journal: Journal
    jail: Callable[[], Trials]  # started when first needed
    require_walls: Callable[[], None]  # raises WallsNeeded
    user: str
    name_of: Callable[[UvmObject], str]  # what a person calls an object
    about: tuple[str, str] = ("", "")  # receiver and selector that the examples speak of
    examples: tuple[Example, ...] = ()
    grown: list[Proposal] = field(default_factory=list)
    installed: list[str] = field(default_factory=list)  # the same, in words for the log
    placed: list[tuple[UvmObject, str, Method]] = field(default_factory=list)  # in any way
    failed: list[BatosError] = field(default_factory=list)  # inside a method, which may hide it

    def examples_for(self, receiver: UvmObject, message: Message) -> tuple[Example, ...]:
        """Return what is known of a message: a method may send others on its way."""
        about = (self.name_of(receiver), message.selector)
        return self.examples if about == self.about else ()

    def saw_method(self, receiver: UvmObject, selector: str, method: object) -> None:
        """Remember a method that a mirror put into a slot, for the audit."""
        if isinstance(method, Method):
            self.placed.append((receiver, selector, method))

    def acts(self) -> list[Act]:
        """Return what was done to methods in another way than by growing."""
        grown = {proposal.id for proposal in self.grown}
        return [
            Act(_action(method), self.name_of(receiver), selector, method)
            for receiver, selector, method in self.placed
            if method.provenance.get("proposal") not in grown
        ]

    def tell(self, stage: Stage, text: str) -> None:
        """Tell whoever watches."""
        self.asking.watch(Step(stage, text))


def _action(method: Method) -> Action:
    if "promoted_from" in method.provenance:
        return "promoted"
    return "copied" if "proposal" in method.provenance else "defined"
