"""Errors about objects, messages and what lies in slots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from batos.errors.root import BatosError


@dataclass(eq=False)
class MessageNotUnderstood(BatosError, AttributeError):
    """Neither the receiver nor its parents have a slot for the selector."""

    exit_code: ClassVar[int] = 3

    receiver: str
    selector: str
    similar: tuple[str, ...] = ()  # what it does understand, closest first

    def __str__(self) -> str:
        hint = f" It does understand {', '.join(self.similar)}." if self.similar else ""
        return (
            f"{self.receiver} does not understand {self.selector!r}.{hint}"
            " Define the method, or let the mind write it (mode 'ask' or 'auto')."
        )


@dataclass(eq=False)
class MethodFailed(BatosError):
    """A method that an object has raised an error of its own."""

    receiver: str
    selector: str
    why: str  # the error's type and text

    def __str__(self) -> str:
        return (
            f"{self.receiver} {self.selector} failed: {self.why}. Nothing was changed."
            f" `batos source {self.receiver} {self.selector}` shows the method."
        )


@dataclass(eq=False)
class PrimitiveFailed(MethodFailed):
    """Behaviour that batos brings along could do nothing with what it was sent."""

    def __str__(self) -> str:
        return (
            f"{self.receiver} {self.selector} failed: {self.why}. Nothing was changed. Correct"
            f" the arguments: {self.selector!r} is a part of batos and has no source here."
        )


@dataclass(eq=False)
class ArgumentsRefused(BatosError, TypeError):
    """A selector that leads to data was sent with arguments."""

    exit_code: ClassVar[int] = 2

    receiver: str
    selector: str

    def __str__(self) -> str:
        return (
            f"{self.receiver} {self.selector} is data and takes no arguments. Send it without"
            f" to read it; `batos send {self.receiver} setSlot_value_ {self.selector} VALUE`"
            " writes it."
        )


@dataclass(eq=False)
class SlotRefused(BatosError, ValueError):
    """A slot may not have this name, or may not be changed by whoever asked."""

    exit_code: ClassVar[int] = 2

    slot: str
    why: str

    def __str__(self) -> str:
        return f"The slot {self.slot!r} is refused: {self.why}."


@dataclass(eq=False)
class ValueRefused(BatosError, ValueError):
    """What was typed for a value is none that could be meant there."""

    exit_code: ClassVar[int] = 2

    text: str
    why: str  # and what to write

    def __str__(self) -> str:
        return f"The value {self.text!r} is refused: {self.why}. Nothing was changed."


@dataclass(eq=False)
class NoSuchMethod(BatosError):
    """A selector leads to nothing, or to something that has no source."""

    exit_code: ClassVar[int] = 2

    selector: str
    known: tuple[str, ...] = ()  # the methods that there are

    def __str__(self) -> str:
        there = f"There are: {', '.join(self.known)}." if self.known else "There is none here."
        return f"There is no method with source behind {self.selector!r}. {there}"


@dataclass(eq=False)
class NotStorable(BatosError, TypeError):
    """A value cannot last in a slot."""

    exit_code: ClassVar[int] = 2

    kind: str  # the type's name
    where: str
    why: str = ""

    def __str__(self) -> str:
        why = f": {self.why}" if self.why else ""
        return (
            f"A {self.kind} cannot be stored in {self.where}{why}. Store numbers, text, bytes,"
            " dates, lists, tuples, sets, dicts, a `batos.Counter`, a `batos.Queue` or objects"
            " of this universe."
        )


@dataclass(eq=False)
class QueueEmpty(BatosError, IndexError):
    """An item was to be taken from a queue that has none."""

    def __str__(self) -> str:
        return (
            "The queue is empty: there is no item to take."
            " Ask for its length first, or say what to answer instead: `queue.take(None)`."
        )


@dataclass(eq=False)
class DeliveryFailed(BatosError):
    """A message met a conflict in every try."""

    receiver: str
    selector: str
    tries: int

    def __str__(self) -> str:
        return (
            f"{self.receiver} {self.selector} was given up after {self.tries} tries: each time"
            " another transaction changed the same objects first. Nothing was changed. Send it"
            " again, and keep what many change at once in a `batos.Counter` or `batos.Queue`."
        )


@dataclass(eq=False)
class MessageIdRefused(BatosError, ValueError):
    """A message cannot be sent under this id."""

    exit_code: ClassVar[int] = 2

    message_id: str
    why: str

    def __str__(self) -> str:
        return (
            f"The message id {self.message_id!r} is refused: {self.why}. Nothing was changed."
            " Give each message an id of its own, and the same id only to send it again."
        )


@dataclass(eq=False)
class ExtraMissing(BatosError):
    """A primitive has a name here and nothing that implements it."""

    primitive: str

    def __str__(self) -> str:
        return (
            f"{self.primitive!r} is not here yet: this version of batos, or the way in which"
            " the universe was opened, brings nothing that does it. See `batos doctor`."
        )


@dataclass(eq=False)
class NothingRuns(BatosError):
    """A method was to run in a universe that was opened to be looked at."""

    def __str__(self) -> str:
        return (
            "Nothing runs here: the universe was opened to be looked at. Open it without"
            " `safe` to run its methods."
        )


@dataclass(eq=False)
class OutsideUniverse(BatosError):
    """An object without a universe was asked to run a method."""

    receiver: str

    def __str__(self) -> str:
        return (
            f"{self.receiver} belongs to no universe, so nothing can run its methods."
            " Clone it from an object of an open universe."
        )


@dataclass(eq=False)
class TransactionOver(BatosError):
    """An object was used after the transaction that it was loaded in."""

    receiver: str

    def __str__(self) -> str:
        return (
            f"{self.receiver} belongs to a transaction that is over."
            " Open another one, and take the object from its root again."
        )
