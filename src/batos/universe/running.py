"""The note of which method is running, kept where it outlives the process.

It lies in a file that is mapped into memory: to write it is to copy some bytes, and what was
written is there when the kernel has ended the process. Whoever opens the universe next reads
what dead processes have left. A note that is lost with the machine's power blames nobody.
"""

from __future__ import annotations

import fcntl
import logging
import mmap
import os
import re
import struct
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_log = logging.getLogger(__name__)

_FORM = struct.Struct("<?8s8sq?128s")  # runs, receiver, method, proposal, the mind's, selector
_REST = struct.Struct("<8sq?128s")  # what is the same each time that a method runs
NOTE_BYTES = _FORM.size
NOBODY = b"\0"  # in place of a note
_TRACE_AT = 4096  # what the watchdog writes begins here
_SIZE = 2 * _TRACE_AT
_LINE = re.compile(rb'File "<method [^"]*", line (\d+) in (\w+)')


@dataclass(frozen=True)
class Ended:
    """A method in the middle of which its process ended."""

    receiver: bytes  # oid
    method: bytes  # oid
    proposal: int
    is_the_minds: bool
    selector: str
    by_watchdog: bool  # else by anything: a person's kill, a lack of memory
    where: str  # the line that ran, if that is known


def note_of(method: bytes, proposal: int, is_the_minds: bool, selector: str) -> bytes:
    """Return what is written of a method while it runs, but for its receiver."""
    return _REST.pack(method, proposal, is_the_minds, selector.encode()[: 128 - 1])


class RunningNote:
    """This process's note: 1, the receiver's oid, and a `note_of`; or `NOBODY`.

    Only the thread that runs methods writes it, at the beginning of `memory`.
    """

    def __init__(self, folder: Path | None) -> None:
        """Choose the folder, None for no file; the file is made when it is first needed."""
        self._folder = folder
        self._file: BinaryIO | None = None
        self.memory: mmap.mmap | None = None

    def read(self) -> bytes:
        """Return what was said last."""
        return NOBODY if self.memory is None else self.memory[:NOTE_BYTES]

    def trace_file(self) -> BinaryIO | None:
        """Return the file, at the place where a watchdog may write what ran."""
        if self.memory is None:
            self.made()
        return self._file

    def close(self) -> None:
        """Take the file away."""
        if self._file is not None:
            Path(self._file.name).unlink(missing_ok=True)
            self._file.close()
        self._file, self.memory = None, None

    def made(self) -> mmap.mmap:
        """Make the file; from then on `memory` is there."""
        self.memory = self._mapped()
        return self.memory

    def _mapped(self) -> mmap.mmap:
        if self._folder is None:
            return mmap.mmap(-1, _SIZE)
        try:
            self._folder.mkdir(exist_ok=True)
            descriptor, path = tempfile.mkstemp(prefix="running-", dir=self._folder)
            os.close(descriptor)
            self._file = Path(path).open("r+b", buffering=0)  # noqa: SIM115  kept open
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # while we live
            self._file.truncate(_SIZE)
            self._file.seek(_TRACE_AT)
            return mmap.mmap(self._file.fileno(), _SIZE)
        except OSError as error:
            _log.warning("no note is kept of which method runs: %s", error)
            return mmap.mmap(-1, _SIZE)  # memory that nobody else will see


def left_behind(folder: Path) -> Iterator[Ended]:
    """Yield the methods that dead processes were running, and take their notes away."""
    for path in sorted(folder.glob("running-*")):
        try:
            with path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                written = file.read(_SIZE)
                path.unlink(missing_ok=True)
        except OSError:
            continue  # its process lives, or it is gone
        ended = _read(written)
        if ended is not None:
            yield ended


def _read(written: bytes) -> Ended | None:
    if len(written) < _FORM.size:
        return None
    runs, receiver, method, proposal, is_the_minds, selector = _FORM.unpack_from(written)
    if not runs:
        return None
    trace = written[_TRACE_AT:].rstrip(b"\0")
    line = _LINE.search(trace)
    where = f"line {int(line[1])} of {line[2].decode()}" if line else ""
    name = selector.rstrip(b"\0").decode(errors="replace")
    return Ended(receiver, method, proposal, is_the_minds, name, bool(trace), where)
