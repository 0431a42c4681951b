"""What a cache folder remembers: names that were added, and files that were verified.

One small JSON file each, written under a temporary name and renamed, so that two
processes never tear each other's records. A record that is missing or unreadable costs
a hash or a `batos mind add`, never a wrong answer.
"""

from __future__ import annotations

import hashlib
import json
import os
import urllib.parse
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from batos.engines.download import Progress, sha256_of, unseen
from batos.engines.gguf import read_model


@dataclass(frozen=True)
class Added:
    """A mind that a person named, or pulled from a hub."""

    name: str
    path: str  # absolute
    sha256: str
    bytes: int
    source: str
    licence: str | None
    spec: str | None  # `org/repo:file.gguf`, where it can be pulled again


def write_added(cache: Path, added: Added) -> None:
    """Remember a name; one that was added before is replaced."""
    _write(_added_file(cache, added.name), asdict(added))


def read_added(cache: Path, name: str) -> Added | None:
    """Return what was added under this name."""
    return _as_added(_read(_added_file(cache, name)))


def all_added(cache: Path) -> list[Added]:
    """Return everything that was added, by name."""
    records = (_as_added(_read(file)) for file in sorted((cache / "added").glob("*.json")))
    return [added for added in records if added]


def verified_sha256(
    path: Path,
    cache: Path,
    progress: Progress = unseen,
    complete: Callable[[Path], object] = read_model,
) -> str:
    """Return the SHA-256 of a complete GGUF file, hashed only when it changed.

    Changed means: another size, or another time of modification in nanoseconds.

    Args:
        path: The file.
        cache: The folder that remembers.
        progress: Told how far it is.
        complete: Raises if a file that is new, or changed, is not complete.

    Raises:
        WeightsRefused: The file is not a complete GGUF of a model.
    """
    key = hashlib.sha256(os.fsencode(path)).hexdigest()[:32]
    record = cache / "verified" / f"{key}.json"
    seen = path.stat()
    facts: dict[str, object] = {"path": str(path), "bytes": seen.st_size}
    facts["mtime_ns"] = seen.st_mtime_ns
    known = _read(record)
    if known and facts.items() <= known.items():
        return str(known.get("sha256"))
    complete(path)
    sha256 = sha256_of(path, progress)
    if path.stat().st_mtime_ns == seen.st_mtime_ns:  # nobody wrote while it was read
        with suppress(OSError):  # a cache that cannot be written costs a hash each time
            _write(record, facts | {"sha256": sha256})
    return sha256


def _added_file(cache: Path, name: str) -> Path:
    return cache / "added" / f"{urllib.parse.quote(name, safe='')}.json"


def _as_added(record: Mapping[str, object] | None) -> Added | None:
    try:
        return Added(**record) if record else None  # type: ignore[arg-type]  # as it was written
    except TypeError:  # a record of another version of this program
        return None


def _read(file: Path) -> dict[str, object] | None:
    try:
        record = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def _write(file: Path, record: Mapping[str, object]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{uuid.uuid4().hex}.part")
    try:
        temporary.write_text(json.dumps(record, indent=1), "utf-8")
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)
