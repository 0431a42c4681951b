"""The end of a database file that a killed commit, or a crash, has left unfinished.

Nobody was told that such a commit is done, so the database begins before it. Its bytes are
kept beside the file all the same: what looks like half a commit may be half of a copy.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from struct import unpack
from typing import IO

from ZODB.FileStorage.format import TRANS_HDR, TRANS_HDR_LEN, CorruptedError
from ZODB.utils import u64

from batos.universe.blobs import sync

MAGIC_BYTES = 4  # a file begins with them, also one without transactions
LENGTH_BYTES = 8  # a transaction's length stands before it and, once more, behind it
_WHOLE = (b" ", b"u", b"p")  # the states of a transaction that was written to its end
_CHUNK_BYTES = 16 << 20

_log = logging.getLogger(__name__)


def check_tail(file: IO[bytes], end: int) -> None:
    """Allow a tail that a killed commit has left; it is the last thing in its file.

    Raises:
        CorruptedError: The file goes on behind a damage, or is nothing but a tail.
    """
    size = file.seek(0, os.SEEK_END)
    if end == size:
        return
    if end == MAGIC_BYTES:
        raise CorruptedError("it holds no whole transaction")
    file.seek(size - LENGTH_BYTES)
    length = u64(file.read(LENGTH_BYTES))
    start = size - LENGTH_BYTES - length
    if start <= end or length < TRANS_HDR_LEN:
        return
    file.seek(start)
    _tid, stated, state, *_ = unpack(TRANS_HDR, file.read(TRANS_HDR_LEN))
    if stated == length and state in _WHOLE:
        raise CorruptedError(f"it is damaged at byte {end}, and goes on behind that")


def set_aside(file: IO[bytes], path: Path, end: int) -> None:
    """Cut off what lies behind `end`, when it is safe on the disk in a file of its own.

    Raises:
        OSError: It cannot be kept; then nothing is cut off.
    """
    size = file.seek(0, os.SEEK_END)
    if end == size:
        return
    kept = _free_name(path)
    try:
        _copy_from(file, end, kept)
    except BaseException:
        kept.unlink(missing_ok=True)
        raise
    file.seek(end)
    file.truncate()
    _log.warning(
        "%s ended in a commit that was not finished: %d bytes at %d, now kept in %s."
        " What was committed before is whole. Remove that file if nothing is missing.",
        *(path, size - end, end, kept.name),
    )


def kept_tails(folder: Path) -> list[Path]:
    """Return the files in which unfinished commits of a universe were kept."""
    return sorted(folder.glob("Data.fs.tr*"))


def _free_name(path: Path) -> Path:
    number = 0
    while (kept := Path(f"{path}.tr{number}")).exists():
        number += 1
    return kept


def _copy_from(file: IO[bytes], start: int, target: Path) -> None:
    file.seek(start)
    with target.open("xb") as kept:
        while chunk := file.read(_CHUNK_BYTES):
            kept.write(chunk)
        kept.flush()
        os.fsync(kept.fileno())
    sync(target.parent)
