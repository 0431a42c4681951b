"""Errors about methods that are written, tried and grown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from batos.errors.root import BatosError


@dataclass(eq=False)
class SourceRefused(BatosError):
    """The language gate refused a method's source."""

    exit_code: ClassVar[int] = 3

    reasons: tuple[str, ...]  # each names its line where it has one

    def __str__(self) -> str:
        return f"The source is refused: {'; '.join(self.reasons)}."


@dataclass(eq=False)
class BudgetSpent(BatosError):
    """A method used up what one message may cost, and was stopped."""

    budget: str  # "steps" or "time"
    limit: str  # how much there was, with its unit

    def __str__(self) -> str:
        return (
            f"The method was stopped: its budget of {self.budget} is spent ({self.limit}),"
            " nested messages included. Give it less to do, or mend the loop that does not end."
        )


@dataclass(eq=False)
class WallsNeeded(BatosError):
    """A proposal would run in a process that has no walls around it."""

    why: str

    def __str__(self) -> str:
        return (
            f"Growing in mode 'auto' needs a walled process: {self.why}."
            " Use mode 'ask', or open the universe with trust='unwalled' and accept that a"
            " generated method then runs with your own rights."
        )


@dataclass(eq=False)
class WallsUnavailable(BatosError):
    """A process cannot be confined: the system lacks it, or its universe is on a server."""

    why: str

    def __str__(self) -> str:
        return f"No walls here: {self.why}. Methods grow in mode 'ask' only."


@dataclass(eq=False)
class ClosureTooLarge(BatosError):
    """An object reaches too much for a copy of it to be tried on."""

    exit_code: ClassVar[int] = 3

    receiver: str
    why: str

    def __str__(self) -> str:
        return (
            f"No method can be tried on a copy of {self.receiver}: {self.why}."
            " Send the message to an object that refers to less, or define the method yourself."
        )


@dataclass(eq=False)
class ChildDied(BatosError):
    """A helper process ended before it answered."""

    child: str
    why: str

    def __str__(self) -> str:
        return f"The {self.child} process ended before it answered: {self.why}. Try again."


@dataclass(eq=False)
class GrowthFailed(BatosError):
    """No proposal stood: the system abstains and nothing was changed."""

    exit_code: ClassVar[int] = 3

    receiver: str
    selector: str
    why: str
    proposal_id: int | None = None

    def __str__(self) -> str:
        return (
            f"The mind found no method {self.selector!r} for {self.receiver} that stands:"
            f" {self.why}. Nothing was changed. Give other examples, more samples (`-n`),"
            " or define the method yourself."
        )


@dataclass(eq=False)
class ApprovalNeeded(BatosError):
    """A proposal stands and waits for a person."""

    exit_code: ClassVar[int] = 4

    receiver: str
    selector: str
    proposal_id: int
    source: str = field(default="", repr=False)

    def __str__(self) -> str:
        return (
            f"Proposal {self.proposal_id} for {self.receiver} {self.selector} waits for you."
            f" Read it with `batos pending show {self.proposal_id}`, then"
            f" `batos pending approve {self.proposal_id}` or `reject`, and send again,"
            " with or without examples."
        )


@dataclass(eq=False)
class ExamRefused(BatosError):
    """A file cannot take the papers of an exam."""

    exit_code: ClassVar[int] = 2

    path: str
    why: str

    def __str__(self) -> str:
        return (
            f"{self.path} cannot go on as this exam: {self.why}. It was not changed."
            " Name another file, or repeat the options that it was begun with."
        )


@dataclass(eq=False)
class ExamplesRefused(BatosError, ValueError):
    """The examples cannot all be true, or cannot be read."""

    exit_code: ClassVar[int] = 2

    why: str

    def __str__(self) -> str:
        return f"The examples are refused: {self.why}. Nothing was tried."


@dataclass(eq=False)
class EditRefused(BatosError):
    """A person's edit of a proposal does not stand."""

    exit_code: ClassVar[int] = 3

    proposal_id: int
    why: str

    def __str__(self) -> str:
        return (
            f"The edit of proposal {self.proposal_id} does not stand: {self.why}. Nothing was"
            " recorded. Mend it, or use `batos define` for a method that no example judges."
        )


@dataclass(eq=False)
class PromotionRefused(BatosError):
    """A method cannot move to a prototype."""

    exit_code: ClassVar[int] = 3

    selector: str
    prototype: str
    why: str
    who: tuple[str, ...] = ()  # the objects concerned, each with a reason if it has its own

    def __str__(self) -> str:
        who = f" ({'; '.join(self.who)})" if self.who else ""
        return (
            f"{self.selector!r} is not promoted to {self.prototype}: {self.why}{who}. Nothing"
            " was changed. `--to` names another prototype; `batos slot copy` gives it to one"
            " object."
        )
