"""The files of a pack: what a killed one left is put right when the universe opens.

ZODB writes the packed file beside the old one, moves the old one away and the new one in,
and then removes the blobs that nothing refers to any more. Between the two moves there is
no `Data.fs`; after them there are blobs too many. What a pack is for is `pack`'s business;
this is about a folder of files only.
"""

from __future__ import annotations

from pathlib import Path

from zc.lockfile import LockError, LockFile


def take_back(path: Path) -> None:
    """Put the old file in its place again, if a pack was killed when it had moved it away.

    Nothing had been removed by then, so the universe is as it was before.
    """
    file, old = path / "Data.fs", path / "Data.fs.old"
    if file.exists() or not old.exists():
        return
    try:
        lock = LockFile(str(path / "Data.fs.lock"))
    except LockError:
        return  # the pack is still at work: whoever opens the file will see that it is busy
    try:
        if not file.exists():
            old.rename(file)
            (path / "Data.fs.pack").unlink(missing_ok=True)
            (path / "blobs" / ".removed").unlink(missing_ok=True)
    finally:
        lock.close()


def is_half_done(folder: Path) -> bool:
    """Tell whether a pack was killed when its file was in place and blobs were left over."""
    removing = (folder / "blobs" / ".removed").exists()
    is_placed = not (folder / "Data.fs.pack").exists()
    return removing and is_placed and (folder / "Data.fs.old").exists()


def sweep_packs(folder: Path) -> None:
    """Remove what a pack has left behind; the caller holds the universe's lock."""
    unfinished, removed = folder / "Data.fs.pack", folder / "blobs" / ".removed"
    if unfinished.exists() or removed.exists():
        (folder / "Data.fs.old").unlink(missing_ok=True)
    unfinished.unlink(missing_ok=True)
    removed.unlink(missing_ok=True)
