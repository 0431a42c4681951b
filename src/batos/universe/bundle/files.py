"""The files of a bundle as bytes and as JSON: plain, as long as they are said to be, and whole.

What they say is left to `reading`.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from batos.errors import BundleRefused
from batos.universe.bundle.atoms import NotPortable

_MOST_BYTES = 256 << 20  # of a file of text


class Files:
    """The files of one folder; `_files` has what its manifest says of each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: Mapping[str, Mapping[str, Any]] = {}

    def refuse(self, file: str, key: str, why: str) -> NoReturn:
        """Say what is wrong, and where."""
        raise BundleRefused(str(self._folder), file, f"{key}: {why}" if key else why)

    @contextmanager
    def told(self, file: str, key: str) -> Iterator[None]:
        """Say in which file it stands that something has no meaning."""
        try:
            yield
        except NotPortable as error:
            self.refuse(file, key, str(error))

    def _checked(self, file: str) -> bytes:
        facts = self._files[file]
        content = self._bytes(file, facts["bytes"])
        if hashlib.sha256(content).hexdigest() != facts["sha256"]:
            self.refuse(file, "", "its SHA-256 is not the one that the manifest has")
        return content

    def _bytes(self, file: str, size: int | None = None) -> bytes:
        handle = self._opened(file, size)
        with os.fdopen(handle, "rb") as opened:
            content = opened.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            self.refuse(file, "", f"it is longer than {_MOST_BYTES:,} bytes")
        return content

    def _opened(self, file: str, size: int | None) -> int:
        """Open a plain file; no link is followed on the way to it."""
        path = self._folder / file
        try:
            for folder in Path(file).parents[:-1]:
                if (self._folder / folder).is_symlink():
                    self.refuse(file, "", "it lies behind a link")
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            self.refuse(file, "", f"it cannot be read: {error.strerror}")
        facts = os.fstat(handle)
        is_plain = stat.S_ISREG(facts.st_mode)
        if not is_plain or size not in (None, facts.st_size):
            os.close(handle)
            self.refuse(file, "", "its size differs" if is_plain else "it is no plain file")
        return handle

    def _json(self, file: str, content: bytes) -> dict[str, Any]:
        try:
            text = content.decode()
        except UnicodeDecodeError:
            self.refuse(file, "", "it is not UTF-8 text")
        parsed = self._parsed(file, text)
        if not isinstance(parsed, dict):
            self.refuse(file, "", "a mapping is wanted")
        return parsed

    def _parsed(self, file: str, text: str) -> Any:
        try:
            return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            self.refuse(file, "", f"it is not JSON that can be read: {error}")

    def _check_keys(
        self, file: str, text: Mapping[str, Any], needed: set[str], known: set[str]
    ) -> None:
        for key in sorted(set(text) - known):
            self.refuse(file, key, "this key is unknown")
        for key in sorted(needed - set(text)):
            self.refuse(file, key, "it is missing")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands there twice")
    return found


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is written as $float")
