"""What lies in a folder of backups: pieces of `Data.fs`, blobs, and a list of both.

    backup.json                  what there is, with sizes and hashes; written last, whole
    data/0001/0000000000000000.fs    the bytes from there on; never written to again
    blobs/0x00/.../0x03e8.blob       as in the universe

Pieces of one *generation*, put together, are the file at the moment of any of its backups.
A new one begins when the universe was packed: then its file is another one.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from persistent.TimeStamp import TimeStamp

from batos.errors import Damaged
from batos.universe.blobs import sync

LIST = "backup.json"
LAYOUT = ".layout"  # ZODB's, in a folder of blobs
_FORMAT = 1
_BLOB = re.compile(r"(0x[0-9a-f]{2}/){8}0x[0-9a-f]{16}\.blob")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class BlobCopy:
    """One file of weights in a backup."""

    file: str  # relative to `blobs`
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Piece:
    """What one backup added."""

    start: int
    bytes: int
    sha256: str
    tid: str  # of the last transaction in it
    blobs: tuple[BlobCopy, ...]

    @property
    def end(self) -> int:
        """The length of the file at this moment."""
        return self.start + self.bytes

    @property
    def time(self) -> dt.datetime:
        """When its last transaction was committed."""
        seconds = TimeStamp(bytes.fromhex(self.tid)).timeTime()
        return dt.datetime.fromtimestamp(seconds, dt.UTC)


@dataclass
class Generation:
    """Backups of one file that only grew."""

    number: int
    pieces: list[Piece] = field(default_factory=list)

    @property
    def end(self) -> int:
        """How much of the file there is."""
        return self.pieces[-1].end if self.pieces else 0

    def blobs(self) -> Iterator[BlobCopy]:
        """Yield every blob that its pieces stored."""
        for piece in self.pieces:
            yield from piece.blobs

    def file(self, folder: Path, start: int) -> Path:
        """Return where a piece lies."""
        return folder / "data" / f"{self.number:04}" / f"{start:016}.fs"


def read_list(folder: Path) -> list[Generation]:
    """Return what a folder of backups holds, nothing if there are none yet.

    Raises:
        Damaged: The list cannot be read.
    """
    try:
        text = json.loads((folder / LIST).read_bytes())
        if text["format"] != _FORMAT:
            raise ValueError(f"this version reads format {_FORMAT}")
        return [_generation(facts) for facts in text["generations"]]
    except FileNotFoundError:
        return []
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        why = f"{LIST} is not a list of backups: {error}"
        raise Damaged(str(folder), (why,)) from error


def _generation(facts: dict[str, Any]) -> Generation:
    generation = Generation(int(facts["number"]))
    for piece in facts["pieces"]:
        blobs = tuple(BlobCopy(**blob) for blob in piece["blobs"])
        read = Piece(**{**piece, "blobs": blobs})
        if read.start != generation.end or read.bytes < 1 or len(bytes.fromhex(read.tid)) != 8:
            raise ValueError(f"the piece at {read.start} does not follow the one before")
        for blob in blobs:
            if not _BLOB.fullmatch(blob.file) or not _SHA256.fullmatch(blob.sha256):
                raise ValueError(f"{blob.file!r} is no blob")
        generation.pieces.append(read)
    return generation


def write_list(folder: Path, generations: list[Generation]) -> None:
    """Write the list, whole or not at all."""
    text = {"format": _FORMAT, "generations": [asdict(it) for it in generations]}
    beside = folder / f".{LIST}.part"
    with beside.open("w") as file:
        json.dump(text, file, indent=1)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    beside.replace(folder / LIST)
    sync(folder)


class Joined(io.RawIOBase):
    """The pieces of a generation, read as the one file that they are."""

    def __init__(self, folder: Path, generation: Generation) -> None:
        self._folder = folder
        self._generation = generation
        self._position = 0
        self._open: tuple[Piece, Any] | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        from_ = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._generation.end}
        self._position = max(0, from_[whence] + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        piece, file = self._piece()
        if piece is None:
            return 0
        file.seek(self._position - piece.start)
        most = min(len(buffer), piece.end - self._position)
        count: int = file.readinto(memoryview(buffer)[:most])
        self._position += count
        return count

    def _piece(self) -> tuple[Piece | None, Any]:
        if self._open and self._open[0].start <= self._position < self._open[0].end:
            return self._open
        self._let_go()
        for piece in self._generation.pieces:
            if piece.start <= self._position < piece.end:
                file = self._generation.file(self._folder, piece.start).open("rb", buffering=0)
                self._open = piece, file
                return self._open
        return None, None

    def close(self) -> None:
        self._let_go()
        super().close()

    def _let_go(self) -> None:
        if self._open:
            self._open[1].close()
            self._open = None
