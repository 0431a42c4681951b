"""Is everything there, and can all of it be read? Nothing is opened, changed or run.

Each record may name only the classes that a universe consists of; each reference must lead to
an object, each blob to its file, and in a backup each file must have its hash.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from ZODB.blob import Blob
from ZODB.FileStorage.format import CorruptedError
from ZODB.serialize import referencesf
from ZODB.utils import u64, z64

from batos.errors import BackupMissing, Damaged, UniverseMissing
from batos.kernel.mirror import mirror
from batos.kernel.uvm_object import UvmObject
from batos.kernel.values import plain
from batos.universe.backup_folder import LIST, Generation, Joined, read_list
from batos.universe.blobs import path_of
from batos.universe.datafile import MAGIC_BYTES, DataFile, Stored, Whole, whole_transactions
from batos.universe.digests import sha256_of
from batos.universe.records import check_loaded
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
        found.note(f"Data.fs: {error}")
        return
    with (path / "Data.fs").open("rb") as file:
        size = whole[-1].end
        _Check(DataFile(file), path / "blobs", found).all(whole, lambda at: show(at, size))
    found.bytes += size
    if not found.problems:
        _verify_minds(path, found)


def _verify_minds(path: Path, found: Verified) -> None:
    """Compare weights with the card that lies beside them: a blob has no digest of its own."""
    with (
        closing(open_universe(path, read_only=True)) as universe,
        universe.transaction() as root,
    ):
        for name, value in root.items():
            slots = mirror(value).slots() if isinstance(value, UvmObject) else {}
            blob, card = slots.get("model_blob"), plain(slots.get("card"))
            expected = card.get("sha256") if isinstance(card, dict) else None
            if isinstance(blob, Blob) and expected and sha256_of(path_of(blob)) != expected:
                found.note(f"the weights of {name} have another SHA-256 than their card says")


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
            found.note(f"generation {generation.number}: {error}")
            return
        end = whole[-1].end if whole else MAGIC_BYTES
        tids = {it.tid.hex() for it in whole}
        if end != generation.end or not all(it.tid in tids for it in generation.pieces):
            found.note(f"generation {generation.number} does not end as its list says")
        _Check(data, path / "blobs", found).all(whole, lambda at: show(at, generation.end))


class _Check:
    """One file of transactions, record by record."""

    def __init__(self, data: DataFile, blobs: Path, found: Verified) -> None:
        self._data = data
        self._blobs = blobs
        self._found = found
        self._refers: dict[bytes, list[bytes]] = {}  # each object as it is now

    def all(self, whole: list[Whole], show: Callable[[int], None]) -> None:
        """Check transactions, then where the objects lead as they are after the last."""
        for transaction in whole:
            self._found.transactions += 1
            for record in self._records(transaction):
                self._found.records += 1
                self._record(record)
            show(transaction.end)
        if z64 not in self._refers:
            self._found.note("there is no root")
        for oid, referred in self._refers.items():
            for other in referred:
                if other not in self._refers:
                    self._found.note(f"{_named(oid)} refers to {_named(other)}: it is missing")
        self._found.objects += len(self._refers)

    def _records(self, transaction: Whole) -> Iterator[Stored]:
        try:
            yield from self._data.records(transaction)
        except Exception as error:  # whatever a damaged record may raise
            self._found.note(f"transaction {transaction.tid.hex()}: {error}")

    def _record(self, record: Stored) -> None:
        if record.data is None:
            self._refers.pop(record.oid, None)
            return
        where = f"{_named(record.oid)} in transaction {record.tid.hex()}"
        try:
            check_loaded(record.data)
            self._refers[record.oid] = list(referencesf(record.data))
        except Exception as error:  # whatever a damaged pickle may raise
            self._refers[record.oid] = []
            self._found.note(f"{where}: {error}")
        blob_file = record.blob_file
        if blob_file is not None:
            self._found.blobs += 1
            if not (self._blobs / blob_file).is_file():
                self._found.note(f"{where}: its file blobs/{blob_file} is missing")


def _named(oid: bytes) -> str:
    return f"object {u64(oid):#x}"
