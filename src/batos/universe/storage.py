"""The file under a universe: a FileStorage that trusts no pickle and loses no byte.

ZODB's own loads whatever class a file names (in its index, in what a transaction says of
itself, while it merges two changes), cuts a file off at the first damage, leaves a blob's
bytes in memory when their transaction is on the disk already, and cannot go on after a full
disk.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from io import BufferedRandom
from pathlib import Path
from struct import unpack
from typing import IO, cast

from ZODB.ConflictResolution import ConflictResolvingStorage
from ZODB.FileStorage import FileStorage
from ZODB.FileStorage.FileStorage import FileIterator, TempFormatter, UndoSearch, read_index
from ZODB.FileStorage.format import TRANS_HDR, TRANS_HDR_LEN, CorruptedError, TxnHeader
from ZODB.fsIndex import fsIndex
from ZODB.utils import u64, z64

from batos.universe.blobs import sync, sync_in
from batos.universe.index import is_trusted, save_index
from batos.universe.packs import is_half_done, sweep_packs
from batos.universe.records import check_details, check_loaded
from batos.universe.tails import LENGTH_BYTES, MAGIC_BYTES, check_tail, last_tid, set_aside

_WORTH_AN_INDEX_BYTES = 16 << 20  # read through in about a second
_LARGE_COMMIT_BYTES = 1 << 20

_log = logging.getLogger(__name__)


class CheckedMerge(ConflictResolvingStorage):  # type: ignore[misc]  # ZODB is untyped
    """A storage that merges two changes of one object only if their records may be loaded."""

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


class UniverseStorage(CheckedMerge, FileStorage):  # type: ignore[misc]  # ZODB is untyped
    """A FileStorage for files that may come from elsewhere, or from a crash."""

    _file: IO[bytes]
    _tfile: IO[bytes] | None
    _indexed_bytes = 0  # how much of the file the index file knows

    def __init__(self, file: Path, read_only: bool, create: bool, blob_dir: Path) -> None:
        """Open the file; see `FileStorage`. One that cannot be opened is let go of."""
        try:
            super().__init__(
                str(file),
                read_only=read_only,
                create=create,
                blob_dir=str(blob_dir),
                pack_keep_old=False,  # what a pack has ended would only take space twice
            )
            self._ltid = self._last_whole_tid  # ZODB takes it from a torn end, if there is one
            if not read_only:
                self._finish_pack()
            self._save_index_if_worth()
        except BaseException:
            for name in ("_file", "_tfile", "_lock_file"):
                if (opened := getattr(self, name, None)) is not None:
                    opened.close()
            raise

    # --- a disk that is full -------------------------------------------------------------
    # Python keeps bytes that did not fit, and writes them later, over what is there by then.

    def tpc_vote(self, transaction: object) -> object:
        """Write a transaction down; if that fails, the file is as it was before."""
        try:
            return super().tpc_vote(transaction)
        except OSError:
            with self._lock:
                _drop(self._file)
                self._file = Path(self._file_name).open("r+b")  # noqa: SIM115  kept open
                self._file.truncate(self._pos)
                self._files.flush()
            raise

    def _finish_finish(self, tid: bytes) -> None:
        super()._finish_finish(tid)
        self._save_index_if_worth()

    def _abort(self) -> None:
        super()._abort()
        self._blob_tpc_abort()  # blobs move to their place before the vote
        self._renew_temp()

    def _clear_temp(self) -> None:
        if self._tfile is not None and self._tfile.tell() > _LARGE_COMMIT_BYTES:
            self._renew_temp()
        super()._clear_temp()

    def _renew_temp(self) -> None:
        """Begin the file of the records to be committed anew; its space is free again."""
        if self._tfile is not None:
            _drop(self._tfile)
        self._tfile = Path(f"{self._file_name}.tmp").open("w+b")  # noqa: SIM115  kept open
        self._tfmt = TempFormatter(self._tfile)

    @staticmethod
    def packer(
        storage: UniverseStorage, referencesf: object, stop: bytes, gc: bool
    ) -> tuple[int, fsIndex] | None:
        """Write the packed file, and bring it to the disk before it takes the other's place."""
        packed: tuple[int, fsIndex] | None = None
        draft = Path(f"{storage._file_name}.pack")
        try:
            packed = FileStorage.packer(storage, referencesf, stop, gc)
            if packed is not None:
                sync(draft)
                storage._clear_index()  # it speaks of places in the old file
                sync(draft.parent)
        except BaseException:
            draft.unlink(missing_ok=True)
            if packed is not None:
                storage._commit_lock.release()  # `pack` does that only after a result
            raise
        return packed

    def pack(self, t: float, referencesf: object, gc: bool | None = None) -> None:
        """Remove what was not current at a time any more; see `FileStorage`."""
        try:
            super().pack(t, referencesf, gc)
        except OSError:  # the disk is full
            with suppress(OSError):
                self._finish_pack()
            raise
        sync(Path(self._file_name).parent)
        self.scrub()

    def _finish_pack(self) -> None:
        """Do the rest of a pack that ended too early, or take away what it left."""
        folder = Path(self._file_name).parent
        if is_half_done(folder):
            self._remove_blob_files_tagged_for_removal_during_pack()
        sweep_packs(folder)

    def scrub(self) -> None:
        """Empty the file beside the others in which the last transactions still lie."""
        with self._commit_lock, self._lock:  # else a commit could be under way in it
            self._renew_temp()

    # --- the past --------------------------------------------------------------------------

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

    def iterator(self, start: bytes | None = None, stop: bytes | None = None) -> FileIterator:
        """Return the transactions from `start` to `stop`, also while others commit."""
        return _Transactions(self._file_name, start, stop)

    def _read_txn_header(self, pos: int, tid: bytes | None = None) -> TxnHeader:
        header = super()._read_txn_header(pos, tid)
        check_details(header.ext)
        return header

    def _restore_index(self) -> tuple[fsIndex, int, bytes]:
        """Return where the records lie, up to where the file is whole.

        Raises:
            CorruptedError: The file goes on behind a damage; it is left as it is.
            OSError: What a killed commit has left cannot be kept aside.
        """
        index, start, tid = self._saved_index() or (fsIndex(), MAGIC_BYTES, z64)
        end = self._read_through(index, start, tid)
        if not self._is_read_only:
            set_aside(self._file, Path(self._file_name), end)
        self._indexed_bytes = start
        self._last_whole_tid = last_tid(self._file, end)
        return index, end, self._last_whole_tid

    def _read_through(self, index: fsIndex, start: int, tid: bytes) -> int:
        """Take what lies behind `start` into the index; return where the file is whole."""
        tried = -1
        while True:
            end, _oid, found = read_index(
                *(self._file, self._file_name, index, {}),
                ltid=tid,
                start=start,
                read_only=True,
                recover=True,
            )
            try:
                check_tail(self._file, end, is_damaged=found is None)
            except CorruptedError:
                if not self._is_read_only or end == tried:
                    raise
                tried = start = end  # its owner may have finished this commit meanwhile
            else:
                return int(end)

    def _saved_index(self) -> tuple[fsIndex, int, bytes] | None:
        if not is_trusted(self._index_path):
            return None
        try:
            return cast("tuple[fsIndex, int, bytes] | None", super()._restore_index())
        except Exception:  # it is whole, and belongs to another file: whatever is read there
            return None

    def _save_index(self) -> None:
        """Save the index if the disk has room for it: it is only a cache."""
        if self._is_read_only:
            return
        try:
            save_index(self._index, self._pos, self._index_path)
            self._indexed_bytes = self._pos
        except OSError as error:
            _log.info("no index is saved: %s", error)

    def _save_index_if_worth(self) -> None:
        """Save it now and then, so that little is to be read again after a kill."""
        if self._pos - self._indexed_bytes > _WORTH_AN_INDEX_BYTES:
            self._save_index()

    @property
    def _index_path(self) -> Path:
        return Path(f"{self._file_name}.index")

    def _blob_storeblob(self, oid: bytes, serial: bytes, blobfilename: str) -> None:
        super()._blob_storeblob(oid, serial, blobfilename)
        stored = Path(self.fshelper.getBlobFilename(oid, serial))
        sync_in(Path(self.fshelper.base_dir), stored)


class _Transactions(FileIterator):  # type: ignore[misc]  # ZODB is untyped
    def _skip_to_start(self, start: bytes) -> None:
        try:
            super()._skip_to_start(start)
        except (ValueError, AttributeError):  # it looked at the end in the middle of a commit
            self._scan_forward(MAGIC_BYTES, start)


class _Search(UndoSearch):  # type: ignore[misc]  # ZODB is untyped
    def _readnext(self) -> Mapping[str, object] | None:
        self.file.seek(self.pos - LENGTH_BYTES)
        self.file.seek(self.pos - LENGTH_BYTES - u64(self.file.read(LENGTH_BYTES)))
        header = self.file.read(TRANS_HDR_LEN)
        _tid, _length, _state, user_bytes, note_bytes, details_bytes = unpack(TRANS_HDR, header)
        self.file.seek(user_bytes + note_bytes, 1)
        check_details(self.file.read(details_bytes))
        found: Mapping[str, object] | None = super()._readnext()
        return found


def _drop(file: IO[bytes]) -> None:
    """Close a file without what was not written yet."""
    cast("BufferedRandom", file).raw.close()
    with suppress(ValueError, OSError):  # it would write it now
        file.close()
