"""Errors about who may do what, and about methods that lost trust."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from batos.errors.objects import SlotRefused
from batos.errors.root import BatosError


@dataclass(eq=False)
class NotItsOwn(SlotRefused):
    """A method was to change what another object holds."""

    def __str__(self) -> str:
        return (
            f"A method changes what its own receiver holds: {self.slot} {self.why}."
            " Send that object a message whose method does it, such as other.setName_(value);"
            " or change a copy, such as list(items), and keep it in a slot of self."
        )


@dataclass(eq=False)
class NotPermitted(BatosError):
    """An object's permissions do not let a method do this."""

    receiver: str
    act: str  # grow, write, call
    why: str

    def __str__(self) -> str:
        return (
            f"{self.receiver} does not permit {self.act!r}: {self.why}. Nothing was changed."
            f" `batos permit NAME {self.act} yes` allows it."
        )


@dataclass(eq=False)
class PermissionRefused(BatosError, ValueError):
    """A permission cannot be like that."""

    exit_code: ClassVar[int] = 2

    why: str

    def __str__(self) -> str:
        return (
            f"The permission is refused: {self.why}. `grow` and `write` are yes, no or ask;"
            " `call` is yes or no, and no may have a keeper."
        )


@dataclass(eq=False)
class PersonNeeded(BatosError):
    """Something that only a person does was asked of a handle without that right."""

    act: str

    def __str__(self) -> str:
        return (
            f"Only a person may {self.act}, and this universe was opened without approval, as"
            " servers and models open it: it takes messages and lets itself be read."
            " Do it with the command `batos`, or through `batos.open` in a program of yours."
        )


@dataclass(eq=False)
class MethodQuarantined(BatosError):
    """A method of the mind's misbehaved, and does not run until a person has looked at it."""

    exit_code: ClassVar[int] = 3

    receiver: str
    selector: str
    strikes: tuple[str, ...]  # why, oldest first

    def __str__(self) -> str:
        place = f"{self.receiver}.{self.selector}"
        return (
            f"{place} is in quarantine: {'; '.join(self.strikes)}. Nothing was changed."
            f" `batos why {place}` tells more, `batos undo` brings back what was there before,"
            f" `batos quarantine release {place}` lets it run again, and `batos send --regrow`"
            " has another one written."
        )


@dataclass(eq=False)
class NotInQuarantine(BatosError):
    """A method was to be released that is not in quarantine."""

    exit_code: ClassVar[int] = 2

    place: str
    known: tuple[str, ...] = ()  # what is

    def __str__(self) -> str:
        there = f"There are: {', '.join(self.known)}." if self.known else "Nothing is."
        return f"{self.place} is not in quarantine. {there}"


@dataclass(eq=False)
class WriteQuotaExceeded(BatosError):
    """A message would have added more to the store than one message may."""

    limit_bytes: int

    def __str__(self) -> str:
        return (
            f"The message was undone: it would add more than {self.limit_bytes:,} bytes to the"
            " universe. Nothing was changed. Do it in several messages, or keep less."
        )
