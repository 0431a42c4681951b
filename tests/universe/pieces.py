"""What a universe's file consists of, for tests that take it apart."""

from __future__ import annotations

from pathlib import Path


def kept(path: Path) -> bytes:
    """Return what was kept of a universe's torn end, and clear it away."""
    files = list(path.glob("Data.fs.tr*"))
    data = b"".join(file.read_bytes() for file in files)
    for file in files:
        file.unlink()
    return data


def ends_of(data: bytes) -> list[int]:
    """Return where the file's transactions end; it is whole."""
    ends = [len(data)]
    while ends[0] > 4:
        ends.insert(0, ends[0] - 8 - int.from_bytes(data[ends[0] - 8 : ends[0]], "big"))
    return ends[1:]
