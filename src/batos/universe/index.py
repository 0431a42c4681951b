"""The index file beside a database: where each record lies, so that opening reads no more.

It is a cache, and believed only if it is what was written. ZODB checks the last five of its
entries; one wrong bit in another would show an old state of an object as the present one.
So a digest is appended, which ZODB does not read.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from ZODB.fsIndex import fsIndex

from batos.universe.records import is_plain_file

_DIGEST_BYTES = hashlib.sha256().digest_size


def save_index(index: fsIndex, pos: int, path: Path) -> None:
    """Write an index for a file that is `pos` bytes long, all of it or nothing.

    Raises:
        OSError: It cannot be written; an older one stays.
    """
    draft = Path(f"{path}.index_tmp")
    try:
        index.save(pos, str(draft))
        digest = _digest(draft, draft.stat().st_size)
        with draft.open("ab") as file:
            file.write(digest)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def is_trusted(path: Path) -> bool:
    """Tell whether an index file is there, as it was written, and nothing but data."""
    try:
        content_bytes = path.stat().st_size - _DIGEST_BYTES
        with path.open("rb") as file:
            file.seek(max(content_bytes, 0))
            written = file.read()
        whole = content_bytes > 0 and _digest(path, content_bytes) == written
    except OSError:
        return False
    return whole and is_plain_file(path)


def _digest(path: Path, length: int) -> bytes:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while length > 0 and (chunk := file.read(min(length, 1 << 20))):
            digest.update(chunk)
            length -= len(chunk)
    return digest.digest()
