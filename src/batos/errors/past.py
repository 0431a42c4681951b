"""Errors about what was, and what is to be gone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from batos.errors.root import BatosError


@dataclass(eq=False)
class UndoConflict(BatosError):
    """A transaction cannot be undone any more, or is not there."""

    exit_code: ClassVar[int] = 6

    tid: str
    why: str
    in_the_way: tuple[str, ...] = ()  # later transactions: tid and note, newest first
    is_overtaken: bool = False  # by later ones: then there is a state to go back to

    def __str__(self) -> str:
        later = f" ({'; '.join(self.in_the_way)})" if self.in_the_way else ""
        next_ = "`batos log` shows the transactions that can be"
        if self.is_overtaken:
            next_ = (
                "See `batos log`. `batos restore NAME TID` copies an old state of one object"
            )
            next_ += " forward instead"
        return f"Transaction {self.tid} cannot be undone: {self.why}{later}. {next_}."


@dataclass(eq=False)
class NoHistory(BatosError):
    """A universe keeps no past that could be looked at or brought back."""

    exit_code: ClassVar[int] = 6

    address: str

    def __str__(self) -> str:
        return (
            f"{self.address} keeps no history: there is no log of it and nothing to go back to."
            " Change it by hand, with `batos slot set` and `define`; a universe that was"
            " awakened without keep_history=0 has a past."
        )


@dataclass(eq=False)
class NoSuchMoment(BatosError, ValueError):
    """A moment cannot be read, or the history does not reach back to it."""

    exit_code: ClassVar[int] = 6

    when: str
    why: str

    def __str__(self) -> str:
        return (
            f"There is no moment {self.when!r} to look at: {self.why}."
            " Take one that `batos log --all` shows."
        )


@dataclass(eq=False)
class PastReadOnly(BatosError):
    """Something was to be changed in the past."""

    exit_code: ClassVar[int] = 6

    def __str__(self) -> str:
        return (
            "The past can be read and not changed: this object is as it was."
            " Change the object of today, or bring the old state back with `batos restore`."
        )


@dataclass(eq=False)
class RestoreRefused(BatosError):
    """An old state cannot be brought back."""

    exit_code: ClassVar[int] = 6

    name: str
    why: str
    has_past: bool = True  # there is a moment at which it was there

    def __str__(self) -> str:
        next_ = f"`batos history {self.name}` shows the states there are; `--slot` takes a part"
        if not self.has_past:
            next_ = "The history knows no such object; `batos log` shows what it does know"
        return f"{self.name} cannot be restored: {self.why}. Nothing was changed. {next_}."


@dataclass(eq=False)
class ForgetRefused(BatosError):
    """An object cannot be forgotten as things are."""

    exit_code: ClassVar[int] = 6

    name: str
    why: str
    referrers: tuple[str, ...] = ()  # who still refers to it: object and slot

    def __str__(self) -> str:
        who = f" ({', '.join(self.referrers)})" if self.referrers else ""
        remedy = " `--cut` removes these references first." if self.referrers else ""
        return f"{self.name} is not forgotten: {self.why}{who}.{remedy} Nothing was changed."


@dataclass(eq=False)
class ForgettingUnfinished(BatosError):
    """An object is out of the present, and its old states still lie in the files."""

    name: str
    why: str

    def __str__(self) -> str:
        return (
            f"{self.name} is gone from the present, but its past still lies in the files:"
            f" {self.why} Mend that, then finish it with `batos forget --finish`."
        )


@dataclass(eq=False)
class ConsentNeeded(BatosError):
    """Something would end for good, and nobody was there to be asked."""

    exit_code: ClassVar[int] = 2

    what: str  # as a sentence

    def __str__(self) -> str:
        return f"{self.what} Nothing was changed. If that is meant, say so with `--yes`."


@dataclass(eq=False)
class HistoryStays(BatosError):
    """This kind of database cannot give up a part of its history."""

    exit_code: ClassVar[int] = 6

    why: str

    def __str__(self) -> str:
        return f"The history cannot be packed here: {self.why}. Nothing was changed."
