"""The file under a universe: a FileStorage that trusts no pickle and loses no byte.

ZODB's own loads whatever class a file names (in its index, in what a transaction says of
itself, while it merges two changes), takes records that it could not load again, cuts a
file off at the first damage, and leaves a blob's bytes in memory when their transaction is
on the disk already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from struct import unpack
from typing import IO

from ZODB.FileStorage import FileStorage
from ZODB.FileStorage.FileStorage import Record, UndoSearch, read_index
from ZODB.FileStorage.format import TRANS_HDR, TRANS_HDR_LEN, CorruptedError, TxnHeader
from ZODB.fsIndex import fsIndex
from ZODB.POSException import POSKeyError
from ZODB.serialize import referencesf
from ZODB.utils import u64, z64

from batos.universe.blobs import sync
from batos.universe.records import check_details, check_loaded, check_stored, is_plain_file

_MAGIC_BYTES = 4
_LENGTH_BYTES = 8  # a transaction's length stands before it and, once more, behind it
_WHOLE = (b" ", b"u", b"p")  # the states of a transaction that was written to its end


class UniverseStorage(FileStorage):  # type: ignore[misc]  # ZODB is untyped
    """A FileStorage for files that may come from elsewhere, or from a crash."""

    def __init__(self, file: Path, read_only: bool, create: bool, blob_dir: Path) -> None:
        """Open the file; see `FileStorage`. One that cannot be opened is let go of."""
        try:
            super().__init__(
                str(file), read_only=read_only, create=create, blob_dir=str(blob_dir)
            )
        except BaseException:
            for name in ("_file", "_tfile", "_lock_file"):
                if (opened := getattr(self, name, None)) is not None:
                    opened.close()
            raise

    def store(
        self, oid: bytes, oldserial: bytes, data: bytes, version: str, transaction: object
    ) -> None:
        """Take a record into a transaction.

        Raises:
            NotStorable: It could not be loaded again.
        """
        check_stored(data)
        super().store(oid, oldserial, data, version, transaction)

    def undoLog(  # noqa: N802  ZODB's name
        self,
        first: int = 0,
        last: int = -20,
        filter: Callable[[Mapping[str, object]], bool] | None = None,  # noqa: A002
    ) -> list[Mapping[str, object]]:
        """Return the transactions from `first` to `last`, newest first.

        Raises:
            UniverseUnreadable: One says more of itself than data.
        """
        with self._lock:
            count = first - last if last < 0 else last
            search = _Search(self._file, self._pos, first, count, filter)
            while not search.finished():
                search.search()
            found: list[Mapping[str, object]] = search.results
            return found

    def in_use(self, tid: bytes) -> bool:
        """Tell whether something else refers by now to an object that was created in `tid`.

        What `tid` itself created or changed does not count: undoing takes it back, or
        refuses to.
        """
        created: set[bytes] = set()
        changed: set[bytes] = set()
        with closing(self.iterator(tid)) as transactions:
            for transaction in transactions:
                for record in transaction:
                    if transaction.tid == tid:
                        existed = self._existed(record.oid, tid)
                        (changed if existed else created).add(record.oid)
                        continue
                    counts = record.oid not in changed | created and self._is_current(record)
                    if counts and _refers(record.data, created):
                        return True
        return False

    def _existed(self, oid: bytes, tid: bytes) -> bool:
        try:
            return self.loadBefore(oid, tid) is not None
        except POSKeyError:  # its creation was undone
            return False

    def _is_current(self, record: Record) -> bool:
        try:
            return bool(self.getTid(record.oid) == record.tid)
        except POSKeyError:
            return False

    def _read_txn_header(self, pos: int, tid: bytes | None = None) -> TxnHeader:
        header = super()._read_txn_header(pos, tid)
        check_details(header.ext)
        return header

    def tryToResolveConflict(  # noqa: N802  ZODB's name
        self,
        oid: bytes,
        committedSerial: bytes,  # noqa: N803
        oldSerial: bytes,  # noqa: N803
        newpickle: bytes,
        committedData: bytes = b"",  # noqa: N803
    ) -> bytes:
        """Merge two changes of one object; it loads all three of its states."""
        check_loaded(newpickle)
        check_loaded(committedData or self.loadSerial(oid, committedSerial))
        check_loaded(self.loadSerial(oid, oldSerial))
        merged: bytes = super().tryToResolveConflict(
            oid, committedSerial, oldSerial, newpickle, committedData
        )
        return merged

    def _restore_index(self) -> tuple[fsIndex, int, bytes]:
        """Return where the records lie, up to where the file is whole.

        Raises:
            CorruptedError: The file goes on behind a damage; it is left as it is.
        """
        restored = None
        if is_plain_file(Path(f"{self._file_name}.index")):
            restored = super()._restore_index()
        index, start, tid = restored or (fsIndex(), _MAGIC_BYTES, z64)
        end, _oid, tid = read_index(
            self._file, self._file_name, index, {}, ltid=tid, start=start, read_only=True
        )
        if not self._is_read_only:
            check_tail(self._file, end)
        return index, end, tid

    def _blob_storeblob(self, oid: bytes, serial: bytes, blobfilename: str) -> None:
        super()._blob_storeblob(oid, serial, blobfilename)
        stored = Path(self.fshelper.getBlobFilename(oid, serial))
        sync(stored)
        for folder in stored.parents:
            sync(folder)
            if folder == Path(self.fshelper.base_dir):
                break


class _Search(UndoSearch):  # type: ignore[misc]  # ZODB is untyped
    def _readnext(self) -> Mapping[str, object] | None:
        self.file.seek(self.pos - _LENGTH_BYTES)
        self.file.seek(self.pos - _LENGTH_BYTES - u64(self.file.read(_LENGTH_BYTES)))
        header = self.file.read(TRANS_HDR_LEN)
        _tid, _length, _state, user_bytes, note_bytes, details_bytes = unpack(TRANS_HDR, header)
        self.file.seek(user_bytes + note_bytes, 1)
        check_details(self.file.read(details_bytes))
        found: Mapping[str, object] | None = super()._readnext()
        return found


def _refers(data: bytes | None, created: set[bytes]) -> bool:
    return data is not None and not created.isdisjoint(referencesf(data))


def check_tail(file: IO[bytes], end: int) -> None:
    """Allow a tail that a killed commit has left; it is the last thing in its file."""
    size = file.seek(0, 2)
    if end == size:
        return
    if end == _MAGIC_BYTES:
        raise CorruptedError("it holds no whole transaction")
    file.seek(size - _LENGTH_BYTES)
    length = u64(file.read(_LENGTH_BYTES))
    start = size - _LENGTH_BYTES - length
    if start <= end or length < TRANS_HDR_LEN:
        return
    file.seek(start)
    _tid, stated, state, *_ = unpack(TRANS_HDR, file.read(TRANS_HDR_LEN))
    if stated == length and state in _WHOLE:
        raise CorruptedError(f"it is damaged at byte {end}, and goes on behind that")
