"""A universe from its backups: byte for byte as it was, or not at all."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from batos.errors import BackupMissing, Damaged, NoSuchBackup
from batos.universe.backup_folder import LAYOUT, BlobCopy, Generation, Piece, read_list
from batos.universe.blobs import OnBytes, copy_file, sync, unseen
from batos.universe.cradle import build_beside
from batos.universe.digests import sha256_of

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Recovered:
    """What was made from a backup."""

    tid: str  # of its last transaction
    bytes: int
    blobs: int


def recover(
    folder: Path, target: Path, tid: str | None = None, on_bytes: OnBytes | None = None
) -> Recovered:
    """Make the universe again that was backed up.

    Args:
        folder: The folder of backups.
        target: Where the universe will lie; nothing may be there.
        tid: The last transaction of a backup; None stands for the newest one.
        on_bytes: Told how far the copies of blobs are.

    Raises:
        BackupMissing: There is none in the folder.
        NoSuchBackup: None ends with this transaction.
        Damaged: A file in it is not what was backed up.
        UniverseExists: Something lies at `target`.
        OSError: The disk is full; nothing is left behind.
    """
    generation, last = _chosen(folder, tid)
    pieces = generation.pieces[: generation.pieces.index(last) + 1]
    blobs = {blob.file: blob for piece in pieces for blob in piece.blobs}

    def build(cradle: Path) -> None:
        with (cradle / "Data.fs").open("xb") as file:
            for piece in pieces:
                _append(generation.file(folder, piece.start), piece, file)
            file.flush()
            os.fsync(file.fileno())
        (cradle / "blobs").mkdir(mode=0o700)
        if (folder / "blobs" / LAYOUT).exists():
            copy_file(folder / "blobs" / LAYOUT, cradle / "blobs" / LAYOUT, unseen)
        for blob in blobs.values():
            _copy_blob(folder, blob, cradle, on_bytes or unseen)
        for inner, _folders, _files in os.walk(cradle):
            sync(Path(inner))

    build_beside(target, "the recovery", build)
    return Recovered(last.tid, last.end, len(blobs))


def _chosen(folder: Path, tid: str | None) -> tuple[Generation, Piece]:
    backups = [(it, piece) for it in read_list(folder) for piece in it.pieces]
    if not backups:
        raise BackupMissing(str(folder))
    if tid is None:
        return backups[-1]
    for generation, piece in reversed(backups):
        if piece.tid == tid:
            return generation, piece
    raise NoSuchBackup(tid, tuple(piece.tid for _, piece in reversed(backups)))


def _copy_blob(folder: Path, blob: BlobCopy, cradle: Path, on_bytes: OnBytes) -> None:
    source, copy = folder / "blobs" / blob.file, cradle / "blobs" / blob.file
    copy.parent.mkdir(parents=True, exist_ok=True)
    try:
        copy_file(source, copy, on_bytes, mode=0o400)
    except FileNotFoundError:
        raise Damaged(str(folder), (f"blobs/{blob.file} is missing",)) from None
    if sha256_of(copy) != blob.sha256:
        raise Damaged(str(folder), (f"blobs/{blob.file} has another SHA-256",))


def _append(source: Path, piece: Piece, file: IO[bytes]) -> None:
    digest = hashlib.sha256()
    try:
        with source.open("rb") as stored:
            while chunk := stored.read(_CHUNK_BYTES):
                digest.update(chunk)
                file.write(chunk)
    except FileNotFoundError:
        raise Damaged(str(source.parent), (f"{source.name} is missing",)) from None
    if digest.hexdigest() != piece.sha256:
        raise Damaged(str(source.parent), (f"{source.name} has another SHA-256",))
