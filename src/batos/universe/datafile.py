"""The transactions in a `Data.fs`, read from the file alone.

It may belong to another process that writes to it all the while: a FileStorage only ever
appends, and marks a transaction as whole when it is. Nothing is unpickled here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path
from typing import IO

from ZODB.blob import BushyLayout, is_blob_record
from ZODB.FileStorage.FileStorage import packed_version
from ZODB.FileStorage.format import (
    TRANS_HDR_LEN,
    CorruptedError,
    FileStorageFormatter,
    TxnHeaderFromString,
)
from ZODB.utils import z64

from batos.universe.tails import check_tail

MAGIC_BYTES = 4
_LENGTH_BYTES = 8
_WHOLE = (" ", "u", "p")
_TRIES = 100


@dataclass(frozen=True)
class Whole:
    """A transaction that was written to its end."""

    start: int  # byte in the file
    end: int
    tid: bytes
    first_record: int  # byte in the file


@dataclass(frozen=True)
class Stored:
    """A record: one state of one object."""

    oid: bytes
    tid: bytes
    data: bytes | None  # None: its creation was undone

    @property
    def blob_file(self) -> str | None:
        """Where a blob's bytes lie, relative to the folder of blobs; None if it is none."""
        if not is_blob_record(self.data):
            return None
        return str(BushyLayout().getBlobFilePath(self.oid, self.tid))


class DataFile(FileStorageFormatter):  # type: ignore[misc]  # ZODB is untyped
    """A file of transactions, open for reading."""

    def __init__(self, file: IO[bytes] | RawIOBase) -> None:
        """Take an open file.

        Raises:
            CorruptedError: It does not begin as such a file does.
        """
        self._file = file
        file.seek(0)
        if file.read(MAGIC_BYTES) != packed_version:
            raise CorruptedError("it does not begin as a database file does")

    def transactions(self, start: int = MAGIC_BYTES) -> Iterator[Whole]:
        """Yield the whole transactions from a byte on, up to one that is not whole.

        Raises:
            CorruptedError: One is damaged.
        """
        size = self._file.seek(0, os.SEEK_END)
        last = z64
        while (found := self._transaction(start, size)) is not None:
            if found.tid <= last:
                raise CorruptedError(f"it is damaged at byte {start}: time runs backwards")
            yield found
            last, start = found.tid, found.end

    def _transaction(self, start: int, size: int) -> Whole | None:
        self._file.seek(start)
        header = self._file.read(TRANS_HDR_LEN)
        if len(header) < TRANS_HDR_LEN:
            return None
        try:
            facts = TxnHeaderFromString(header)
        except UnicodeDecodeError:
            raise CorruptedError(f"it is damaged at byte {start}: no such state") from None
        end = start + facts.tlen + _LENGTH_BYTES
        if facts.status == "c" or end > size:
            return None  # it is being written, or was when somebody was killed
        is_sound = facts.status in _WHOLE and facts.tlen >= facts.headerlen()
        if not is_sound or self._read_num(end - _LENGTH_BYTES) != facts.tlen:
            raise CorruptedError(f"it is damaged at byte {start}")
        return Whole(start, end, facts.tid, start + facts.headerlen())

    def details(self, transaction: Whole) -> bytes:
        """Return what a transaction says of itself beyond user and note, as a pickle.

        Raises:
            CorruptedError: It is damaged.
        """
        return bytes(self._read_txn_header(transaction.start).ext)

    def records(self, transaction: Whole) -> Iterator[Stored]:
        """Yield what a transaction stored.

        Raises:
            CorruptedError, POSKeyError: A record is damaged.
        """
        position, end = transaction.first_record, transaction.end - _LENGTH_BYTES
        while position < end:
            header = self._read_data_header(position)
            is_in_place = header.tloc == transaction.start and header.tid == transaction.tid
            if not is_in_place or position + header.recordlen() > end:
                raise CorruptedError(f"the record at byte {position} is damaged")
            if header.plen:
                data = self._file.read(header.plen)
            elif header.back:
                if header.back >= position:
                    raise CorruptedError(f"the record at byte {position} leads forwards")
                data, _tid = self._loadBackTxn(header.oid, header.back, False)
            else:
                data = None
            yield Stored(header.oid, transaction.tid, data)
            position += header.recordlen()


def whole_transactions(path: Path, start: int = MAGIC_BYTES) -> list[Whole]:
    """Return the whole transactions of a file that may be written to meanwhile.

    Raises:
        CorruptedError: It is damaged, and goes on behind that.
        OSError: It cannot be read.
    """
    found: list[Whole] = []
    for _ in range(_TRIES):
        with path.open("rb") as file:  # anew, so that nothing comes from a buffer
            more = list(DataFile(file).transactions(found[-1].end if found else start))
            found.extend(more)
            try:
                check_tail(file, found[-1].end if found else start, is_damaged=False)
            except CorruptedError:
                if more:  # what was seen behind has been written since
                    continue
                raise
        return found
    return found  # more than enough: it is written faster than it is read
