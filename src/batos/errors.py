"""Every error a caller can act on, under one root.

Each error carries its facts as fields and says three things: what happened,
why, and what to do next. `exit_code` is what the command line ends with.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar


class BatosError(Exception):
    """The root. Catch it to catch everything that this package raises on purpose."""

    exit_code: ClassVar[int] = 1


# --- objects and messages ------------------------------------------------------------


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

    def __str__(self) -> str:
        return (
            f"A {self.kind} cannot be stored in {self.where}. Store numbers, text, bytes,"
            " dates, lists, tuples, sets, dicts or objects of this universe."
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


# --- generated source ------------------------------------------------------------------


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


# --- growing ---------------------------------------------------------------------------


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
class ExamplesRefused(BatosError, ValueError):
    """The examples cannot all be true, or cannot be read."""

    exit_code: ClassVar[int] = 2

    why: str

    def __str__(self) -> str:
        return f"The examples are refused: {self.why}. Nothing was tried."


# --- universes -------------------------------------------------------------------------


@dataclass(eq=False)
class UniverseMissing(BatosError):
    """There is no universe at this place."""

    path: str

    def __str__(self) -> str:
        return f"There is no universe at {self.path}. Make one: `batos -u {self.path} awaken`."


@dataclass(eq=False)
class UniverseExists(BatosError):
    """Awakening would overwrite something."""

    path: str

    def __str__(self) -> str:
        return (
            f"{self.path} exists already and is left as it is."
            " Open it, or choose another place with `-u`."
        )


@dataclass(eq=False)
class UniverseBusy(BatosError):
    """Another process owns the universe."""

    exit_code: ClassVar[int] = 5

    path: str
    holder: str  # who holds the lock, as far as it is known

    def __str__(self) -> str:
        return (
            f"{self.path} is in use by {self.holder}: one process at a time may change it."
            " Wait until that one ends; `batos inspect`, `source` and `log` read it meanwhile."
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
            " Give it the right to write to the folder and all files in it;"
            " `batos inspect`, `source` and `log` need only the right to read."
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
            " zeo://HOST:PORT, postgres://USER@HOST/DATABASE or sqlite:///FOLDER."
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

    def __str__(self) -> str:
        return (
            f"{self.address} cannot be reached: {self.why}. Start its server, or look at the"
            " address, and try again. If a change was being committed, `batos log` shows"
            " whether it arrived."
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
class UndoConflict(BatosError):
    """A transaction cannot be undone any more, or is not there."""

    exit_code: ClassVar[int] = 6

    tid: str
    why: str
    in_the_way: tuple[str, ...] = ()  # later transactions: tid and note, newest first

    def __str__(self) -> str:
        later = f" ({'; '.join(self.in_the_way)})" if self.in_the_way else ""
        return (
            f"Transaction {self.tid} cannot be undone: {self.why}{later}."
            " See `batos log`. `batos restore NAME TID` copies an old state of one object"
            " forward instead."
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

    def __str__(self) -> str:
        return (
            f"{self.name} cannot be restored: {self.why}. Nothing was changed."
            f" `batos history {self.name}` shows the states there are; `--slot` takes a part."
        )


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
class HistoryStays(BatosError):
    """This kind of database cannot give up a part of its history."""

    exit_code: ClassVar[int] = 6

    why: str

    def __str__(self) -> str:
        return f"The history cannot be packed here: {self.why}. Nothing was changed."


@dataclass(eq=False)
class SettingRefused(BatosError, ValueError):
    """A setting has a value that is not possible."""

    exit_code: ClassVar[int] = 2

    name: str
    value: str
    wanted: str

    def __str__(self) -> str:
        return f"The setting {self.name!r} is {self.value}; it must be {self.wanted}."


# --- bundles and backups ---------------------------------------------------------------


@dataclass(eq=False)
class NotExportable(BatosError):
    """A universe holds something that a bundle has no words for."""

    place: str
    why: str

    def __str__(self) -> str:
        return (
            f"{self.place} cannot be exported: {self.why}."
            " Change or remove it, or export other objects by name."
        )


@dataclass(eq=False)
class FolderTaken(BatosError):
    """Something would be written into a folder that holds something else."""

    exit_code: ClassVar[int] = 2

    path: str
    why: str

    def __str__(self) -> str:
        return (
            f"{self.path} is left as it is: {self.why}. Choose a folder that is empty or new."
        )


@dataclass(eq=False)
class BundleRefused(BatosError, ValueError):
    """A folder is no bundle, or says what has no meaning."""

    folder: str
    file: str
    why: str

    def __str__(self) -> str:
        return (
            f"The bundle {self.folder} is refused: {self.file}: {self.why}."
            " Nothing was imported. Export it again, or get it again from where it is from."
        )


@dataclass(frozen=True)
class Conflict:
    """A slot that a bundle and a universe have, not the same."""

    object: str
    slot: str
    here: str
    there: str  # in the bundle
    fixed: bool = False  # a primordial: it cannot become as it is in the bundle


@dataclass(eq=False)
class ImportConflict(BatosError):
    """Slots of a bundle differ from those of the same objects here."""

    conflicts: tuple[Conflict, ...]

    def __str__(self) -> str:
        shown = "; ".join(
            f"{it.object} {it.slot} is {it.here} here and {it.there} there"
            for it in self.conflicts[:3]
        )
        more = len(self.conflicts) - 3
        rest = f"; and {more} more" if more > 0 else ""
        if any(it.fixed for it in self.conflicts):
            next_ = "Primordials never change: import with `--ours` to leave them as they are"
        else:
            next_ = "Import with `--ours` to keep what is here, or `--theirs` to replace it"
        return (
            f"{len(self.conflicts)} slots differ: {shown}{rest}. Nothing was imported."
            f" {next_}; `--dry-run` shows them all."
        )


@dataclass(eq=False)
class BackupFailed(BatosError):
    """A backup could not be taken; those taken before are as they were."""

    folder: str
    why: str

    def __str__(self) -> str:
        return (
            f"No backup was made in {self.folder}: {self.why}."
            " Earlier backups there are as they were. Mend that, and back up again."
        )


@dataclass(eq=False)
class Damaged(BatosError):
    """A universe or a backup is not what it should be."""

    path: str
    problems: tuple[str, ...]

    def __str__(self) -> str:
        more = f"; and {len(self.problems) - 3} more" if len(self.problems) > 3 else ""
        return (
            f"{self.path} is damaged: {'; '.join(self.problems[:3])}{more}."
            " Nothing was changed. Recover an earlier backup beside it: `batos recover`."
        )


@dataclass(eq=False)
class BackupMissing(BatosError):
    """A folder holds no backup."""

    folder: str

    def __str__(self) -> str:
        return f"There is no backup in {self.folder}. Make one: `batos backup {self.folder}`."


@dataclass(eq=False)
class NoSuchBackup(BatosError):
    """A backup does not reach back to a moment."""

    exit_code: ClassVar[int] = 2

    moment: str
    known: tuple[str, ...]  # the backups that there are, newest first

    def __str__(self) -> str:
        return (
            f"There is no backup of the moment {self.moment}."
            f" There are: {', '.join(self.known) or 'none'}."
        )


# --- minds -----------------------------------------------------------------------------


@dataclass(eq=False)
class MindMissing(BatosError):
    """Weights are needed that are not here."""

    exit_code: ClassVar[int] = 7

    mind: str
    why: str

    def __str__(self) -> str:
        return f"No weights for the mind {self.mind!r}: {self.why}."


@dataclass(eq=False)
class PullFailed(BatosError):
    """Weights could not be brought here; nothing half-done was kept as a mind."""

    exit_code: ClassVar[int] = 7

    mind: str
    why: str  # what went wrong and what to do about it

    def __str__(self) -> str:
        return f"Could not pull {self.mind!r}: {self.why}."


@dataclass(eq=False)
class PullInterrupted(PullFailed):
    """Somebody stopped a pull; what came so far is kept for the next one."""

    exit_code: ClassVar[int] = 130


@dataclass(eq=False)
class MindNameRefused(BatosError, ValueError):
    """A mind cannot be added under this name."""

    exit_code: ClassVar[int] = 2

    name: str
    why: str

    def __str__(self) -> str:
        return f"The name {self.name!r} is refused: {self.why}. Choose another with `--name`."


@dataclass(eq=False)
class WeightsRefused(BatosError, ValueError):
    """A file is not weights that the engine can read."""

    exit_code: ClassVar[int] = 7

    path: str
    why: str

    def __str__(self) -> str:
        return f"{self.path} is refused as weights: {self.why}. Use a complete .gguf file."


@dataclass(eq=False)
class WeightsDamaged(BatosError):
    """A universe's weights are not what they were when they came in."""

    exit_code: ClassVar[int] = 7

    path: str
    why: str

    def __str__(self) -> str:
        return (
            f"The weights in {self.path} are damaged: {self.why}. The objects are not"
            " concerned. Restore this file from a backup of the universe;"
            " `batos verify` says what else is damaged."
        )


@dataclass(eq=False)
class EngineFailed(BatosError):
    """The engine could not load, or could not complete a request."""

    exit_code: ClassVar[int] = 7

    why: str

    def __str__(self) -> str:
        return f"The mind could not think: {self.why}."
