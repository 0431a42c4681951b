"""A folder that is built beside its place, and moved there when it is whole.

Whoever builds in it may be killed: the next one clears what was left. What is built is the
caller's business.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from zc.lockfile import LockError, LockFile

from batos.errors import UniverseBusy, UniverseExists
from batos.universe.blobs import sync
from batos.universe.disk import telling

_LOCK = "awakening.lock"
_OCCUPIED = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)


def build_beside(path: Path, doing: str, build: Callable[[Path], None]) -> None:
    """Let `build` fill a folder beside `path`, and move it there when it is whole.

    Args:
        path: Nothing may be there.
        doing: What it is, for errors: "the import".
        build: Is given the folder beside.

    Raises:
        UniverseExists: Something lies at `path`.
        UniverseBusy: Another process makes a universe there.
        DiskFull: There is no space for it; nothing is left behind.
    """
    path = path.absolute()
    if path.exists() or path.is_symlink():
        raise UniverseExists(str(path))
    with telling(path, doing):
        path.parent.mkdir(parents=True, exist_ok=True)
        cradle = path.with_name(f".{path.name}.awakening")
        lock = _claim(cradle, path)
        try:
            build(cradle)
            _publish(cradle, path)
        except BaseException:
            _discard(cradle)
            raise
        finally:
            lock.close()


def _claim(cradle: Path, path: Path) -> LockFile:
    """Return a lock on an empty folder; what a killed awakening left in it goes."""
    cradle.mkdir(mode=0o700, exist_ok=True)
    is_ours = (cradle / _LOCK).exists() or not any(cradle.iterdir())
    if cradle.is_symlink() or not is_ours:
        raise UniverseExists(str(cradle))
    try:
        lock = LockFile(str(cradle / _LOCK))
    except LockError:
        raise UniverseBusy(str(path), is_born=False) from None
    except OSError:  # not even its name fits on the disk
        _discard(cradle)
        raise
    _empty(cradle)
    return lock


def _empty(cradle: Path) -> None:
    for leftover in cradle.iterdir():
        if leftover.is_dir():
            shutil.rmtree(leftover)
        elif leftover.name != _LOCK:  # it stays to the last, and says whose folder this is
            leftover.unlink()


def _discard(cradle: Path) -> None:
    with suppress(OSError):  # the error that led here says more
        _empty(cradle)
        shutil.rmtree(cradle)


def _publish(cradle: Path, path: Path) -> None:
    for folder in (cradle / "blobs", cradle):
        sync(folder)
    try:
        cradle.rename(path)
    except OSError as error:
        if error.errno in _OCCUPIED:  # somebody was faster
            raise UniverseExists(str(path)) from error
        raise
    (path / _LOCK).unlink()
    sync(path.parent)
