"""Errors about bundles and backups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from batos.errors.root import BatosError


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
        count = len(self.conflicts)
        differ = "1 slot differs" if count == 1 else f"{count} slots differ"
        return (
            f"{differ}: {shown}{rest}. Nothing was imported."
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
        return (
            f"There is no backup in {self.folder}."
            " Name the folder that `batos backup FOLDER` wrote to."
        )


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
