"""Errors about universes: where they lie, who has them, what they hold."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import ClassVar

from batos.errors.root import BatosError

_READING = "`batos inspect`, `source`, `find`, `log`, `history`, `diff`"


@dataclass(eq=False)
class UniverseMissing(BatosError):
    """There is no universe at this place."""

    path: str
    is_taken: bool = False  # something else is there

    def __str__(self) -> str:
        if self.is_taken:
            return (
                f"There is no universe in {self.path}, but something else. Name the folder of a"
                " universe, or make one where nothing is: `batos -u FOLDER awaken`."
            )
        return (
            f"There is no universe at {self.path}."
            f" Make one: `batos -u {shlex.quote(self.path)} awaken`."
        )


@dataclass(eq=False)
class UniverseExists(BatosError):
    """Awakening would overwrite something."""

    path: str

    def __str__(self) -> str:
        return (
            f"{self.path} exists already and is left as it is."
            " If it is what you want, use it as it is; else choose a place where nothing is."
        )


@dataclass(eq=False)
class UniverseBusy(BatosError):
    """Another process owns the universe."""

    exit_code: ClassVar[int] = 5

    path: str
    holder: str = ""  # who holds the lock, as far as it is known
    is_born: bool = True  # else the other process is just making it

    def __str__(self) -> str:
        if not self.is_born:
            return (
                f"{self.path} is just being made by another process. Wait until that one ends,"
                " then use what it made."
            )
        return (
            f"{self.path} is in use by {self.holder}: one process at a time may change it."
            f" Wait until that one ends. What only reads works meanwhile: {_READING},"
            " `pending list`, `export`, `backup`, `verify`."
        )


@dataclass(eq=False)
class UniverseReadOnly(BatosError):
    """Something was to be changed in a universe that was opened to be read."""

    exit_code: ClassVar[int] = 5

    path: str

    def __str__(self) -> str:
        return (
            f"{self.path} was opened to be read."
            " Open it without `read_only` and `safe` to change it."
        )


@dataclass(eq=False)
class UniverseUnreadable(BatosError):
    """The files are there and do not hold a universe that can be read."""

    path: str
    why: str

    def __str__(self) -> str:
        return (
            f"{self.path} cannot be read: {self.why}. Nothing was changed."
            " Keep a copy of the folder, then restore a backup of it;"
            " `batos verify` says what is damaged."
        )


@dataclass(eq=False)
class UniverseDenied(BatosError):
    """The operating system does not let this process use the universe's files."""

    path: str
    why: str

    def __str__(self) -> str:
        return (
            f"{self.path} may not be used by this process: {self.why}. Nothing was changed."
            " Give it the right to write to the folder and all files in it; the right to read"
            f" is enough for {_READING}."
        )


@dataclass(eq=False)
class DiskFull(BatosError):
    """The disk, or what one may use of it, is full."""

    path: str
    doing: str  # what was not done

    def __str__(self) -> str:
        return (
            f"No space is left on the disk of {self.path}: {self.doing} was not done, and what"
            " was committed before is whole. Free some space, then do it again."
        )


@dataclass(eq=False)
class AddressRefused(BatosError, ValueError):
    """A URI does not say where a universe could lie."""

    exit_code: ClassVar[int] = 2

    address: str  # without a password
    why: str

    def __str__(self) -> str:
        return (
            f"The address {self.address} is refused: {self.why}. Use a folder, or a URI such as"
            " zeo://HOST:PORT, postgres://USER@HOST/DATABASE or sqlite:///PATH/OF/FOLDER."
        )


@dataclass(eq=False)
class StoreMissing(BatosError):
    """A URI needs a package that is not installed."""

    address: str
    extra: str  # the optional part of batos that brings it

    def __str__(self) -> str:
        return (
            f"{self.address} cannot be opened: what it needs is not installed."
            f" Bring it with `pip install 'batos[{self.extra}]'`."
        )


@dataclass(eq=False)
class UniverseUnreachable(BatosError):
    """The server that keeps the universe does not answer."""

    exit_code: ClassVar[int] = 8

    address: str
    why: str
    in_doubt: bool = False  # a change was being committed

    def __str__(self) -> str:
        doubt = (
            " A change was being committed: when the server is back, `batos log` shows whether"
            " it arrived."
        )
        return (
            f"{self.address} cannot be reached: {self.why}. Start its server, or correct the"
            f" address, and try again.{doubt if self.in_doubt else ''}"
        )


@dataclass(eq=False)
class NotInFolder(BatosError, ValueError):
    """What was asked for needs a universe's own files, and something else keeps them."""

    exit_code: ClassVar[int] = 2

    address: str
    keeper: str  # what keeps it
    instead: str  # what does the same there

    def __str__(self) -> str:
        return (
            f"Only a universe in a folder of its own can do this, and {self.address} is kept by"
            f" {self.keeper}. Nothing was changed. Instead: {self.instead}."
        )


@dataclass(eq=False)
class NoSuchObject(BatosError):
    """The universe's root has nothing of this name."""

    exit_code: ClassVar[int] = 2

    name: str
    known: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"There is no object {self.name!r} here. There are: {', '.join(self.known)}."


@dataclass(eq=False)
class NameRefused(BatosError, ValueError):
    """The root cannot give a name, or cannot give it up."""

    exit_code: ClassVar[int] = 2

    name: str
    why: str  # and what to do

    def __str__(self) -> str:
        return f"The name {self.name!r} is refused: {self.why}. Nothing was changed."


@dataclass(eq=False)
class NoSuchProposal(BatosError):
    """The journal has no proposal of this number."""

    exit_code: ClassVar[int] = 2

    proposal_id: int

    def __str__(self) -> str:
        return f"The journal has no proposal {self.proposal_id}. See `batos pending list`."


@dataclass(eq=False)
class DecisionRefused(BatosError):
    """A proposal is past the point at which this could be decided."""

    exit_code: ClassVar[int] = 2

    proposal_id: int
    state: str
    wanted: str

    def __str__(self) -> str:
        return (
            f"Proposal {self.proposal_id} is {self.state} and cannot become {self.wanted}."
            " `batos pending list` shows those that wait. One that was installed waits again"
            " when it was undone and its message is sent again."
        )


@dataclass(eq=False)
class SettingRefused(BatosError, ValueError):
    """A setting has a value that is not possible."""

    exit_code: ClassVar[int] = 2

    name: str
    value: str
    wanted: str

    def __str__(self) -> str:
        return f"The setting {self.name!r} is {self.value}; it must be {self.wanted}."
