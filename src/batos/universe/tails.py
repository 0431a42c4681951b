"""The end of a database file that a killed commit, or a crash, has left unfinished.

Nobody was told that such a commit is done, so the database begins before it. Its bytes are
kept beside the file all the same: what looks like half a commit may be half of a copy.
"""

from __future__ import annotations

import logging
import os
import re
from mmap import ACCESS_READ, mmap
from pathlib import Path
from struct import unpack
from typing import IO

from ZODB.FileStorage.format import TRANS_HDR, TRANS_HDR_LEN, CorruptedError
from ZODB.utils import p64, u64

from batos.universe.blobs import sync

MAGIC_BYTES = 4  # a file begins with them, also one without transactions
LENGTH_BYTES = 8  # a transaction's length stands before it and, once more, behind it
TID_BYTES = 8
# How a transaction that was written to its end goes on behind its tid: length and state.
_LIKELY = re.compile(rb"\0\0.{6}[ up]", re.DOTALL)
_CHUNK_BYTES = 1 << 20

_log = logging.getLogger(__name__)


def check_tail(file: IO[bytes], end: int, is_damaged: bool) -> None:
    """Allow a tail that a killed commit has left; it is the last thing in its file.

    Args:
        file: The file.
        end: Where its last whole transaction ends.
        is_damaged: Whether a transaction begins there that contradicts itself. A crash
            leaves that only where the end was never written, and reads as zeros.

    Raises:
        CorruptedError: The tail is something else.
    """
    size = file.seek(0, os.SEEK_END)
    if end == size:
        return
    if end == MAGIC_BYTES:
        raise CorruptedError("it holds no whole transaction")
    file.seek(size - LENGTH_BYTES)
    if is_damaged and any(file.read()):
        raise CorruptedError(f"it is damaged at byte {end}")
    with mmap(file.fileno(), size, access=ACCESS_READ) as content:
        at, used = end, _used(content, end)
        while (likely := _LIKELY.search(content, at + TID_BYTES, used)) is not None:
            at = likely.start() - TID_BYTES
            if _is_whole(content, at):
                raise CorruptedError(f"it is damaged at byte {end}, and goes on at {at}")
            at += 1


def _used(content: mmap, end: int) -> int:
    """Return where nothing but zeros follows, about: searching them takes long."""
    used = len(content)
    while used > end and not content[max(end, used - _CHUNK_BYTES) : used].strip(b"\0"):
        used = max(end, used - _CHUNK_BYTES)
    return used


def _is_whole(content: mmap, start: int) -> bool:
    header = content[start : start + TRANS_HDR_LEN]
    if len(header) < TRANS_HDR_LEN:
        return False
    _tid, length, _state, *texts = unpack(TRANS_HDR, header)
    end = start + length
    stated = content[end : end + LENGTH_BYTES]
    return bool(length >= TRANS_HDR_LEN + sum(texts) and stated == p64(length))


def last_tid(file: IO[bytes], end: int) -> bytes:
    """Return the transaction that ends at `end`, or zeros if there is none."""
    if end == MAGIC_BYTES:
        return bytes(TID_BYTES)
    file.seek(end - LENGTH_BYTES)
    file.seek(end - LENGTH_BYTES - u64(file.read(LENGTH_BYTES)))
    return file.read(TID_BYTES)


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
