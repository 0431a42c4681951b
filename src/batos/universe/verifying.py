"""Is everything there, and can all of it be read? Nothing is opened, changed or run.

Each record may name only the classes that a universe consists of, and must have the shape of
its own (`shapes`); each reference must lead to an object, each blob to its file, and in a
backup each file must have its hash.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from ZODB.FileStorage.format import CorruptedError
from ZODB.POSException import POSError
from ZODB.serialize import referencesf
from ZODB.utils import u64, z64

from batos.errors import (
    BackupMissing,
    BatosError,
    Damaged,
    UniverseDenied,
    UniverseMissing,
    UniverseUnreadable,
)
from batos.universe.backup_folder import LIST, Generation, Joined, read_list
from batos.universe.cards import Cards
from batos.universe.datafile import MAGIC_BYTES, DataFile, Stored, Whole, whole_transactions
from batos.universe.digests import sha256_of
from batos.universe.records import check_details
from batos.universe.shapes import Shape, names_of, problems_of, shape_of
from batos.universe.unfinished import unfinished
from batos.universe.universe import is_universe, open_universe

_MOST_PROBLEMS = 100


@dataclass
class Verified:
    """What was looked at, and what is wrong with it."""

    transactions: int = 0
    records: int = 0
    objects: int = 0
    blobs: int = 0
    bytes: int = 0
    problems: list[str] = field(default_factory=list)
    unfinished: int = 0  # objects that were to be forgotten, and still lie in the file

    def note(self, problem: str) -> None:
        """Keep a problem, if there are not very many already."""
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(problem)


def verify(path: Path, on_bytes: Callable[[int, int], None] | None = None) -> Verified:
    """Check a universe, or a folder of backups, to its last byte.

    A universe may be in use meanwhile: what is whole when the check begins is checked.

    Args:
        path: The folder.
        on_bytes: Told how far it is.

    Raises:
        UniverseMissing: There is neither.
        Damaged: With the problems.
        OSError: A file cannot be read.
    """
    show = on_bytes or (lambda _done, _all: None)
    found = Verified()
    if is_universe(path):
        _verify_universe(path, found, show)
    elif (path / LIST).is_file():
        _verify_backups(path, found, show)
    else:
        raise UniverseMissing(str(path.absolute()), is_taken=path.exists())
    if found.problems:
        raise Damaged(str(path), tuple(found.problems))
    return found


def _verify_universe(path: Path, found: Verified, show: Callable[[int, int], None]) -> None:
    try:
        whole = whole_transactions(path / "Data.fs")
        if not whole:
            raise CorruptedError("it holds no whole transaction")
    except CorruptedError as error:
        found.note(f"Data.fs: {_told(error)}")
        return
    with (path / "Data.fs").open("rb") as file:
        size = whole[-1].end
        check = _Check(DataFile(file), path / "blobs", found)
        check.all(whole, lambda at: show(at, size))
    found.bytes += size
    for name, (holder, sha256) in check.claims().items():
        if (path / "blobs" / name).is_file() and sha256_of(path / "blobs" / name) != sha256:
            found.note(_not_as_the_card(holder))
    if not found.problems:
        try:
            _verify_opening(path, found)
        except UniverseDenied:
            raise
        except (BatosError, POSError) as error:
            found.note(_told(error))


def _verify_opening(path: Path, found: Verified) -> None:
    """See that it opens, and whether something in it waits to be finished."""
    with closing(open_universe(path, read_only=True)) as universe:
        found.unfinished = len(unfinished(universe))


def _not_as_the_card(holder: str) -> str:
    return f"the weights of {holder} have another SHA-256 than their card says"


def _verify_backups(path: Path, found: Verified, show: Callable[[int, int], None]) -> None:
    generations = read_list(path)
    if not generations:
        raise BackupMissing(str(path))
    for generation in generations:
        if _verify_pieces(path, generation, found):
            _verify_generation(path, generation, found, show)
    blobs = {blob.file: blob for it in generations for blob in it.blobs()}
    for blob in blobs.values():
        file = path / "blobs" / blob.file
        if not file.is_file() or file.stat().st_size != blob.bytes:
            found.note(f"blobs/{blob.file} is missing, or not as long as it was")
        elif sha256_of(file) != blob.sha256:
            found.note(f"blobs/{blob.file} has another SHA-256")
        found.bytes += blob.bytes


def _verify_pieces(path: Path, generation: Generation, found: Verified) -> bool:
    before = len(found.problems)
    for piece in generation.pieces:
        file = generation.file(path, piece.start)
        name = file.relative_to(path)
        if not file.is_file() or file.stat().st_size != piece.bytes:
            found.note(f"{name} is missing, or not as long as it was")
        elif sha256_of(file) != piece.sha256:
            found.note(f"{name} has another SHA-256")
        found.bytes += piece.bytes
    return len(found.problems) == before


def _verify_generation(
    path: Path, generation: Generation, found: Verified, show: Callable[[int, int], None]
) -> None:
    with Joined(path, generation) as joined:
        try:
            data = DataFile(joined)
            whole = list(data.transactions())
        except CorruptedError as error:
            found.note(f"generation {generation.number}: {_told(error)}")
            return
        end = whole[-1].end if whole else MAGIC_BYTES
        tids = {it.tid.hex() for it in whole}
        if end != generation.end or not all(it.tid in tids for it in generation.pieces):
            found.note(f"generation {generation.number} does not end as its list says")
        check = _Check(data, path / "blobs", found)
        check.all(whole, lambda at: show(at, generation.end))
    hashes = {blob.file: blob.sha256 for blob in generation.blobs()}
    for name, (holder, sha256) in check.claims().items():
        if hashes.get(name, sha256) != sha256:
            found.note(f"generation {generation.number}: {_not_as_the_card(holder)}")


class _Check:
    """One file of transactions, record by record."""

    def __init__(self, data: DataFile, blobs: Path, found: Verified) -> None:
        self._data = data
        self._blobs = blobs
        self._found = found
        self._refers: dict[bytes, list[bytes]] = {}  # each object as it is now
        self._root = Shape(None, None)  # as it is now
        self._cards = Cards()
        self._blob_files: dict[bytes, str] = {}  # each blob's, as it is now
        self._problems: list[tuple[bytes, str]] = []  # what is wrong with which object

    def all(self, whole: list[Whole], show: Callable[[int], None]) -> None:
        """Check transactions, then where the objects lead as they are after the last."""
        for transaction in whole:
            self._found.transactions += 1
            for record in self._records(transaction):
                self._found.records += 1
                self._record(record)
            show(transaction.end)
        names = names_of(self._root)
        for oid, problem in self._problems:
            self._found.note(f"{_named(oid, names)}{problem}")
        if z64 not in self._refers:
            self._found.note("there is no root")
        for oid, referred in self._refers.items():
            for other in referred:
                if other not in self._refers:
                    named = _named(oid, names), _named(other, names)
                    self._found.note(f"{named[0]} refers to {named[1]}: it is missing")
        self._found.objects += len(self._refers)

    def claims(self) -> dict[str, tuple[str, str]]:
        """Return which files must have which hash, and who says so."""
        names = names_of(self._root)
        return {
            self._blob_files[oid]: (
                names.get(claim.holder, _named(claim.holder, {})),
                claim.sha256,
            )
            for oid, claim in self._cards.claims().items()
            if oid in self._blob_files
        }

    def _records(self, transaction: Whole) -> Iterator[Stored]:
        try:
            check_details(self._data.details(transaction))
            yield from self._data.records(transaction)
        except Exception as error:  # whatever a damaged record may raise
            self._found.note(f"transaction {transaction.tid.hex()}: {_told(error)}")

    def _record(self, record: Stored) -> None:
        if record.data is None:
            self._refers.pop(record.oid, None)
            return
        where = f" in transaction {record.tid.hex()}"
        self._refers[record.oid] = []
        try:
            shape = shape_of(record.data)
            self._cards.see(record.oid, shape)
            if record.oid == z64:
                self._root = shape
            for problem in problems_of(shape, is_root=record.oid == z64):
                self._note(record.oid, f"{where}: {problem}")
            referred = list(referencesf(record.data))
            self._refers[record.oid] = [oid for oid in referred if len(oid) == len(z64)]
            if len(self._refers[record.oid]) < len(referred):
                self._note(record.oid, f"{where}: it refers to what can be no object")
        except Exception as error:  # whatever a damaged pickle may raise
            self._note(record.oid, f"{where}: {_told(error)}")
        blob_file = record.blob_file
        if blob_file is not None:
            self._found.blobs += 1
            self._blob_files[record.oid] = blob_file
            if not (self._blobs / blob_file).is_file():
                self._note(record.oid, f"{where}: its file blobs/{blob_file} is missing")

    def _note(self, oid: bytes, problem: str) -> None:
        if len(self._problems) < _MOST_PROBLEMS:
            self._problems.append((oid, problem))


def _named(oid: bytes, names: Mapping[bytes, str]) -> str:
    name = f", {names[oid]}" if oid in names else ""
    return f"object {u64(oid):#x}{name}" if oid != z64 else "the root"


def _told(error: Exception) -> str:
    """Return what an error says; some that a damage raises say nothing."""
    if isinstance(error, UniverseUnreadable):
        return error.why
    if isinstance(error, BatosError | CorruptedError) and str(error):
        return str(error)
    return f"it cannot be read ({error!r})"
