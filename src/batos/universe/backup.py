"""Back a universe up while it is being changed.

What is copied ends with a whole transaction, and with it come the blobs that it stored. The
universe is only read, as a file, so it makes no difference which process owns it. A pack in
the middle replaces that file; then the backup starts again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from zc.lockfile import LockError, LockFile
from ZODB.FileStorage.format import CorruptedError
from ZODB.POSException import POSError

from batos.errors import BackupFailed, FolderTaken, UniverseMissing, UniverseUnreadable
from batos.universe.backup_folder import (
    LAYOUT,
    LIST,
    BlobCopy,
    Generation,
    Piece,
    read_list,
    write_list,
)
from batos.universe.blobs import OnBytes, copy_file, sync, unseen
from batos.universe.cards import MARKS, Cards
from batos.universe.datafile import MAGIC_BYTES, DataFile, Whole, whole_transactions
from batos.universe.digests import sha256_of
from batos.universe.shapes import shape_of
from batos.universe.universe import is_universe

_TRIES = 5
_CHUNK_BYTES = 1 << 20
_LOCK = "backup.lock"


@dataclass(frozen=True)
class Backup:
    """What a backup added to its folder."""

    tid: str  # of the last transaction that is backed up
    transactions: int  # that are new in it
    bytes: int  # that were copied, blobs included
    blobs: int
    is_whole: bool  # everything was copied: it was the first, or the universe was packed


def back_up(universe: Path, folder: Path, on_bytes: OnBytes | None = None) -> Backup:
    """Bring a folder of backups up to date with a universe, whoever is writing to it.

    Args:
        universe: Its folder.
        folder: Where to; new, empty, or with earlier backups of it, which stay.
        on_bytes: Told how far the copies of blobs are.

    Raises:
        UniverseMissing: There is no universe.
        UniverseUnreadable: It is damaged.
        FolderTaken: The folder holds something else.
        BackupFailed: The disk is full, the folder is in use, or a mind's weights are not
            what its card says; earlier backups stay.
        Damaged: The folder's list of backups cannot be read.
    """
    if not is_universe(universe):
        raise UniverseMissing(str(universe.absolute()), is_taken=universe.exists())
    if folder.resolve().is_relative_to(universe.resolve()) or is_universe(folder):
        raise BackupFailed(str(folder), "it is a universe, or lies in one; choose another")
    if folder.is_dir() and not _is_for_backups(folder):
        raise FolderTaken(str(folder), "it holds something that is no backup")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = LockFile(str(folder / _LOCK))
    except LockError:
        raise BackupFailed(str(folder), "another backup is being written there") from None
    except OSError as error:
        raise BackupFailed(str(folder), _told(error)) from error
    try:
        return _back_up(universe, folder, on_bytes or unseen)
    except OSError as error:
        raise BackupFailed(str(folder), _told(error)) from error
    except (CorruptedError, POSError) as error:
        raise UniverseUnreadable(str(universe), str(error)) from error
    finally:
        lock.close()


def _is_for_backups(folder: Path) -> bool:
    """Tell whether nothing else lies there; a backup that was killed may have no list yet."""
    ours = {LIST, f".{LIST}.part", _LOCK, "data", "blobs"}
    return (folder / LIST).is_file() or ours.issuperset(one.name for one in folder.iterdir())


def _told(error: OSError) -> str:
    where = f" ({error.filename})" if error.filename else ""
    return f"{error.strerror or error}{where}"


class _Packed(Exception):
    """The universe's file was replaced while it was read."""


def _back_up(universe: Path, folder: Path, on_bytes: OnBytes) -> Backup:
    for _ in range(_TRIES):
        generations = read_list(folder)
        try:
            return _add_piece(universe, folder, generations, on_bytes)
        except _Packed:
            continue
    raise BackupFailed(str(folder), f"the universe was packed {_TRIES} times meanwhile")


def _add_piece(
    universe: Path, folder: Path, generations: list[Generation], on_bytes: OnBytes
) -> Backup:
    source = universe / "Data.fs"
    with source.open("rb") as file:
        is_whole = not generations or not _is_continued(file.fileno(), generations[-1])
        if is_whole:
            generations.append(Generation(len(generations) + 1))
        generation = generations[-1]
        start = generation.end
        found = _guarded(source, file.fileno(), start)
        if not found:
            last = generation.pieces[-1].tid
            return Backup(last, 0, 0, 0, is_whole=False)
        end = found[-1].end
        target = generation.file(folder, start)
        target.parent.mkdir(parents=True, exist_ok=True)
        sha256 = _copy_range(file.fileno(), start, end, target)
        claims = _blob_files(DataFile(file), found)
        try:
            blobs = _copy_blobs(universe, folder, claims, generations, on_bytes)
        except FileNotFoundError as error:  # a pack removes blobs, too
            _check_same(source, file.fileno())
            raise CorruptedError(f"a file of weights is missing: {error.filename}") from error
        _check_same(source, file.fileno())
    tid = found[-1].tid.hex()
    generation.pieces.append(Piece(start, end - start, sha256, tid, blobs))
    _sync_up(target.parent, folder)
    write_list(folder, generations)
    copied = end - start + sum(blob.bytes for blob in blobs)
    return Backup(tid, len(found), copied, len(blobs), is_whole)


def _is_continued(source: int, generation: Generation) -> bool:
    """Tell whether a file still begins with what was backed up: read, not believed."""
    for piece in generation.pieces:
        digest = hashlib.sha256()
        for chunk in _chunks(source, piece.start, piece.end):
            digest.update(chunk)
        if digest.hexdigest() != piece.sha256:
            return False
    return True


def _guarded(source: Path, handle: int, start: int) -> list[Whole]:
    """Return the new transactions of a file, unless another one took its place."""
    try:
        found = whole_transactions(source, max(start, MAGIC_BYTES))
    except CorruptedError:
        _check_same(source, handle)
        raise
    _check_same(source, handle)
    if not found and not start:
        raise CorruptedError("it holds no whole transaction")
    return found


def _check_same(source: Path, handle: int) -> None:
    there, here = source.stat(), os.fstat(handle)
    if (there.st_dev, there.st_ino) != (here.st_dev, here.st_ino):
        raise _Packed


def _chunks(handle: int, start: int, end: int) -> Iterable[bytes]:
    while start < end:
        chunk = os.pread(handle, min(_CHUNK_BYTES, end - start), start)
        if not chunk:
            return
        start += len(chunk)
        yield chunk


def _copy_range(source: int, start: int, end: int, target: Path) -> str:
    """Copy some bytes of a file into one of their own; return their SHA-256."""
    beside = target.with_name(f".{target.name}.part")
    digest = hashlib.sha256()
    try:
        with beside.open("wb") as file:
            for chunk in _chunks(source, start, end):
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    return digest.hexdigest()


def _blob_files(data: DataFile, found: list[Whole]) -> dict[str, str]:
    """Return where the blobs lie that some transactions stored, and their hashes if known."""
    files: dict[str, bytes] = {}
    cards = Cards()
    for record in (record for whole in found for record in data.records(whole)):
        if record.blob_file is not None:
            files[record.blob_file] = record.oid
        elif record.data and any(mark in record.data for mark in MARKS):
            with suppress(Exception):  # damaged, in any way: `verify` says so
                cards.see(record.oid, shape_of(record.data))
    claims = cards.claims()
    newest = {oid: name for name, oid in files.items()}  # a card is of what lies beside it
    return {
        name: claims[oid].sha256 if oid in claims and newest[oid] == name else ""
        for name, oid in files.items()
    }


def _copy_blobs(
    universe: Path,
    folder: Path,
    claims: dict[str, str],
    generations: list[Generation],
    on_bytes: OnBytes,
) -> tuple[BlobCopy, ...]:
    known = {it.file: it for generation in generations for it in generation.blobs()}
    (folder / "blobs").mkdir(exist_ok=True)
    layout = universe / "blobs" / LAYOUT
    if claims and layout.exists():
        copy_file(layout, folder / "blobs" / LAYOUT, unseen)
    for name, claim in claims.items():
        if name not in known:  # a blob is never changed, so what is listed stays as it is
            target = folder / "blobs" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            copy_file(universe / "blobs" / name, target, on_bytes, mode=0o444)
            copy = BlobCopy(name, target.stat().st_size, sha256_of(target))
            if claim and copy.sha256 != claim:
                target.unlink()
                raise BackupFailed(str(folder), _damaged(universe / "blobs" / name, claim))
            _sync_up(target.parent, folder)
            known[name] = copy
    return tuple(known[name] for name in claims)


def _damaged(file: Path, sha256: str) -> str:
    return (
        f"the weights in {file} are damaged: their mind's card says SHA-256 {sha256}."
        " Put a file with that hash in its place, from an earlier backup or a pulled mind"
    )


def _sync_up(inner: Path, folder: Path) -> None:
    """Bring the names on the way from a folder's inside to it to the disk."""
    for part in (inner, *inner.parents):
        sync(part)
        if part == folder:
            return
