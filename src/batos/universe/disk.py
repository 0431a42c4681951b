"""What the operating system refuses, told as what a caller can act on."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from batos.errors import BatosError, DiskFull, UniverseDenied

_FULL = (errno.ENOSPC, errno.EDQUOT)
_DENIED = (errno.EACCES, errno.EPERM, errno.EROFS)


def refusal(error: BaseException, path: Path, doing: str) -> BatosError | None:
    """Return the error that says what to do about a disk that is full or not ours, if it is.

    Args:
        error: What was raised.
        path: The universe.
        doing: What was not done because of it.
    """
    number = error.errno if isinstance(error, OSError) else None
    if number in _FULL:
        return DiskFull(str(path), doing)
    if number in _DENIED:
        return UniverseDenied(str(path), str(error))
    return None


@contextmanager
def telling(path: Path, doing: str) -> Iterator[None]:
    """Tell a full disk, and one that is not ours, as such; see `refusal`."""
    try:
        yield
    except OSError as error:
        told = refusal(error, path, doing)
        if told is None:
            raise
        raise told from error
