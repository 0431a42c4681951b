"""Weights in, paths out; nothing is ever copied twice or held in memory.

A committed blob is an ordinary file that an engine maps from where it lies. ZODB's
`consumeFile` takes the file it is given away from its owner, so it is given a copy.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from ZODB.blob import Blob
from ZODB.Connection import Connection

from batos.universe.disk import telling

OnBytes = Callable[[int, int], None]  # bytes done, bytes in all

_CHUNK_BYTES = 64 << 20
_NOT_BETWEEN_THESE = (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)


def unseen(_done: int, _all: int) -> None:
    """Show no progress."""


def import_weights(
    connection: Connection,
    source: Path,
    on_bytes: OnBytes,
    check: Callable[[Path], None] = lambda _staged: None,
) -> Blob:
    """Return a new blob with the file's bytes; the file itself is left untouched.

    The bytes go kernel to kernel (and are shared on file systems that can), once.

    Args:
        connection: Of the database that the blob will belong to.
        source: The file.
        on_bytes: Told how far the copy is.
        check: Looks at the copy, which nobody else writes to, and raises what it likes.

    Raises:
        DiskFull: There is no space for it; nothing of it is left.
        OSError: The source cannot be read.
    """
    blob = Blob()
    connection.add(blob)  # else the blob would stage its bytes in $TMPDIR: one more copy
    folder = Path(connection.db().storage.temporaryDirectory())
    with telling(folder.parents[1], f"the import of {source}"):
        blob.consumeFile(_staged(source, folder, on_bytes, check))
    return blob


def _staged(
    source: Path, folder: Path, on_bytes: OnBytes, check: Callable[[Path], None]
) -> str:
    """Return a copy of the file, on the disk."""
    handle, staged = tempfile.mkstemp(prefix="BUC", dir=folder)
    try:
        _copy(source, handle, on_bytes)
        os.fsync(handle)
        check(Path(staged))
    except BaseException:
        Path(staged).unlink()
        raise
    finally:
        os.close(handle)
    return staged


def copy_file(source: Path, target: Path, on_bytes: OnBytes, mode: int = 0o644) -> None:
    """Copy a file in the same way, whole or not at all; what was at `target` is replaced.

    Raises:
        OSError: The source cannot be read, or the disk is full; nothing is left behind.
    """
    beside = target.with_name(f".{target.name}.part")
    beside.unlink(missing_ok=True)
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        _copy(source, handle, on_bytes)
        os.fsync(handle)
        beside.replace(target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)


def _copy(source: Path, target: int, on_bytes: OnBytes) -> None:
    with source.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        done = 0
        while done < size:
            copied = _copy_some(file.fileno(), target)
            if copied == 0:
                raise OSError(f"{source} became shorter while it was read")
            done += copied
            on_bytes(done, size)


def _copy_some(source: int, target: int) -> int:
    try:
        return os.copy_file_range(source, target, _CHUNK_BYTES)
    except OSError as error:  # from one file system to another it may not be possible
        if error.errno not in _NOT_BETWEEN_THESE:
            raise
        return os.sendfile(target, source, None, _CHUNK_BYTES)


def path_of(blob: Blob) -> Path:
    """Return where the committed bytes of a blob lie; read it, never write to it."""
    return Path(blob.committed())


def sweep(blob_dir: Path) -> None:
    """Remove what an import that was killed has left behind."""
    for staged in (blob_dir / "tmp").glob("BUC*"):
        staged.unlink()


def sync_in(base: Path, path: Path) -> None:
    """Bring a file to the disk, and its name, and those of the folders that lead to it."""
    sync(path)
    for folder in path.parents:
        sync(folder)
        if folder == base:
            break


def sync(path: Path) -> None:
    """Bring a file, or a folder's list of names, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
