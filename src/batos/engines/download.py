"""Bytes from an address into a file, going on where an earlier attempt stopped.

What arrives is kept under a name that ends in `.part`; only `place` gives a file its own
name, after its caller has checked what is in it. Where an address comes from, and which
hash is the right one, is left to the callers.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import http.client
import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from batos.errors import PullFailed

CHUNK_BYTES = 1 << 18
SILENCE_S = 30  # of a server, after which a connection counts as broken
FRUITLESS_ATTEMPTS = 4  # in a row that brought nothing, before it is given up
DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Progress(Protocol):
    """Is told how far a step is; `total_bytes` is 0 where nobody knows."""

    def __call__(self, done_bytes: int, total_bytes: int) -> None: ...


def unseen(done_bytes: int, total_bytes: int) -> None:
    """Show nothing: the progress of those who do not look."""


@dataclass(frozen=True)
class Address:
    """Where a file can be had over HTTP."""

    url: str = field(repr=False)  # may carry a signature
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class AddressUnusable(Exception):
    """Nothing came from the address; there may be another way to the file."""


def fetch(address: Address, part: Path, mind: str, progress: Progress) -> None:
    """Bring the whole file at `address` into `part`, from where `part` ends.

    Raises:
        AddressUnusable: The server refused, or could not be reached at all.
        PullFailed: The connection broke, and kept breaking; `part` keeps what came.
    """
    fruitless = 0
    came = False
    while True:
        before = _size(part)
        try:
            if _go_on(address, part, mind, progress):
                return
            broke = "it ended early"
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, OSError) and error.errno in DISK_FULL:
                raise
            broke = _in_words(error)
        came = came or _size(part) > before
        if not came:
            raise AddressUnusable(broke)
        fruitless = 0 if _size(part) > before else fruitless + 1
        if fruitless == FRUITLESS_ATTEMPTS:
            raise PullFailed(
                mind,
                f"the connection broke after {_size(part) / 1e6:.1f} MB ({broke}); they are"
                " kept, and the next pull goes on from there",
            )
        time.sleep(0.25 * 2**fruitless)


def _go_on(address: Address, part: Path, mind: str, progress: Progress) -> bool:
    """Ask once for what is missing; return whether the file is whole now."""
    have = _size(part)
    try:
        response = _open(address, have)
    except urllib.error.HTTPError as error:
        if error.code != 416 or not have:
            raise
        if error.headers.get("Content-Range") == f"bytes */{have}":
            return True  # nothing is missing
        part.unlink()  # it is longer than the file: not a piece of it
        response = _open(address, 0)
    with response:
        resumed = response.status == 206 and have > 0
        done = have if resumed else 0
        length = int(response.headers.get("Content-Length") or 0)
        total = done + length if length else 0
        _refuse_small_disk(part, length, mind)
        with part.open("ab" if resumed else "wb") as out:
            while chunk := response.read1(CHUNK_BYTES):
                out.write(chunk)
                done += len(chunk)
                progress(done, total)
    return done == total or not total


def _open(address: Address, start: int) -> http.client.HTTPResponse:
    if not address.url.startswith(("http://", "https://")):
        raise AddressUnusable("it is no web address")
    request = urllib.request.Request(address.url)  # noqa: S310  (checked above)
    for name, value in address.headers.items():
        # A token is for the host that was asked, not for one that it redirects to.
        request.add_unredirected_header(name, value)
    request.add_header("Accept-Encoding", "identity")
    if start:
        request.add_header("Range", f"bytes={start}-")
    response: http.client.HTTPResponse = urllib.request.urlopen(  # noqa: S310  (checked above)
        request, timeout=SILENCE_S
    )
    return response


def _refuse_small_disk(part: Path, needed_bytes: int, mind: str) -> None:
    free = shutil.disk_usage(part.parent).free
    if needed_bytes > free:
        raise PullFailed(
            mind,
            f"the disk of {part.parent} has {free / 1e6:.1f} MB left and"
            f" {needed_bytes / 1e6:.1f} MB are still to come; free some and pull again",
        )


def _in_words(error: Exception) -> str:
    reason = getattr(error, "reason", None) or error
    words = reason.strerror if isinstance(reason, OSError) and reason.strerror else str(reason)
    return f"HTTP {error.code}" if isinstance(error, urllib.error.HTTPError) else words


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def sha256_of(path: Path, progress: Progress = unseen) -> str:
    """Return the SHA-256 of a file in hexadecimal, read once in small pieces."""
    digest = hashlib.sha256()
    total = path.stat().st_size
    done = 0
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(CHUNK_BYTES * 4):
            digest.update(chunk)
            done += len(chunk)
            progress(done, total)
    return digest.hexdigest()


def place(temporary: Path, final: Path) -> None:
    """Give a finished file its name, so that it is there whole or not at all."""
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    temporary.replace(final)
    folder = os.open(final.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; a second process waits here until the first is done."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # let go by the system if the process dies
        yield
