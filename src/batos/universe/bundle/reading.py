"""A folder that says it is a bundle: read, and checked before anything of it is used.

Whoever wrote it may have meant harm. Nothing in it is unpickled or run, no link is followed,
every file is as long as the manifest says and has the hash that it says, and what has no
meaning here is refused with the file that says it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from batos.errors import BundleRefused, SourceRefused
from batos.kernel.method import Method
from batos.sandbox.policy import check
from batos.universe.bundle import entries
from batos.universe.bundle.atoms import NotPortable
from batos.universe.bundle.graph import ObjectText
from batos.universe.bundle.layout import (
    FILE,
    FOLDERS,
    FORMAT,
    MANIFEST,
    ROOT,
    SHA256,
    method_parts,
    object_file,
)
from batos.universe.digests import sha256_of

_MOST_BYTES = 256 << 20  # of a file of text
_MANIFEST_KEYS = {"format", "batos", "names", "expects", "objects", "weights", "files"}


@dataclass(frozen=True)
class Bundle:
    """What a folder says, checked as far as that is possible without a universe."""

    folder: Path
    names: tuple[str, ...] | None  # what was asked for; None if it was all of a universe
    expects: Mapping[str, str]  # primordials that the target must have: here -> in the root
    objects: Mapping[str, ObjectText]  # in the order of their birth
    root: ObjectText
    methods: Mapping[str, Method]  # by file
    entries: Mapping[int, Mapping[str, Any]]  # of the journal, by number
    weights: Mapping[str, Path | None]  # by SHA-256; None: they are only named


def read_bundle(folder: Path) -> Bundle:
    """Return what a bundle says; weights are only measured, not read.

    Raises:
        BundleRefused: It is none, or it is damaged, or it says what means nothing.
    """
    reader = _Reader(folder)
    manifest = reader.manifest()
    reader.check_nothing_else()
    objects = {name: reader.object_text(object_file(name)) for name in manifest["objects"]}
    if {object_file(name) for name in objects} != set(reader.files_in("objects", ".json")):
        reader.refuse(MANIFEST, "objects", "it does not list the files of the objects")
    return Bundle(
        folder,
        None if manifest["names"] is None else tuple(manifest["names"]),
        manifest["expects"],
        objects,
        reader.object_text(ROOT),
        {file: reader.method(file) for file in reader.files_in("objects", ".py")},
        dict(reader.entry(file) for file in reader.files_in("journal", ".json")),
        reader.weights(manifest["weights"]),
    )


class _Reader:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: Mapping[str, Mapping[str, Any]] = {}

    def refuse(self, file: str, key: str, why: str) -> NoReturn:
        """Say what is wrong, and where."""
        raise BundleRefused(str(self._folder), file, f"{key}: {why}" if key else why)

    # --- the manifest ----------------------------------------------------------------

    def manifest(self) -> dict[str, Any]:
        """Return the manifest, and keep which files there are."""
        refuse = partial(self.refuse, MANIFEST)
        manifest = self._json(MANIFEST, self._bytes(MANIFEST))
        if manifest.get("format") != FORMAT:
            refuse("format", f"this version of batos reads format {FORMAT}")
        if "unfinished" in manifest:
            refuse("unfinished", "its export was broken off; export it again")
        self._check_keys(MANIFEST, manifest, _MANIFEST_KEYS, _MANIFEST_KEYS)
        if manifest["names"] is not None and not _are_texts(manifest["names"]):
            refuse("names", "a list of names, or null, is wanted")
        if not _are_texts(manifest["objects"]):
            refuse("objects", "a list of names, each once, is wanted")
        expects = manifest["expects"]
        if not isinstance(expects, dict) or not _are_texts(list(expects.values())):
            refuse("expects", "a mapping of names to names is wanted")
        if set(expects) & set(manifest["objects"]):
            refuse("expects", "it holds what it says the target must have")
        self._check_files(manifest["files"])
        for name in manifest["objects"]:
            if object_file(name) not in manifest["files"]:
                refuse("objects", f"there is no file of {name!r}")
        if ROOT not in manifest["files"]:
            refuse("files", f"{ROOT} is missing")
        self._files = manifest["files"]
        return manifest

    def _check_files(self, files: object) -> None:
        if not isinstance(files, dict):
            self.refuse(MANIFEST, "files", "a mapping is wanted")
        for name, facts in files.items():
            if not FILE.fullmatch(name):
                self.refuse(MANIFEST, "files", f"{name!r} is no file of a bundle")
            self._check_facts(name, facts, {"bytes", "sha256"})
        if len({name.casefold() for name in files}) != len(files):
            self.refuse(MANIFEST, "files", "two names differ in case only")

    def _check_facts(self, name: str, facts: object, keys: set[str]) -> None:
        if not isinstance(facts, dict) or set(facts) != keys:
            self.refuse(MANIFEST, name, f"{', '.join(sorted(keys))} are wanted")
        if type(facts["bytes"]) is not int or facts["bytes"] < 0:
            self.refuse(MANIFEST, name, "bytes is no number of bytes")
        if not isinstance(facts.get("sha256", "0" * 64), str) or not SHA256.fullmatch(
            facts.get("sha256", "0" * 64)
        ):
            self.refuse(MANIFEST, name, "sha256 is no SHA-256")

    def check_nothing_else(self) -> None:
        """Refuse files in the bundle's folders that the manifest does not name."""
        for inner in FOLDERS:
            for path in sorted((self._folder / inner).rglob("*")):
                name = str(path.relative_to(self._folder))
                if path.is_symlink():
                    self.refuse(name, "", "it is a link")
                if not path.is_dir() and name not in self._files:
                    self.refuse(name, "", f"{MANIFEST} does not name it")

    def files_in(self, folder: str, ending: str) -> Iterator[str]:
        """Yield the files of a kind, in the order of their names."""
        for name in sorted(self._files):
            if name.startswith(f"{folder}/") and name.endswith(ending):
                yield name

    # --- one file --------------------------------------------------------------------

    def object_text(self, file: str) -> ObjectText:
        """Return the text of an object, or of the root."""
        text = self._json(file, self._checked(file))
        self._check_keys(file, text, {"slots"}, {"slots", "sealed", "shared", "notes"})
        found = ObjectText(text["slots"])
        found.sealed, found.shared = text.get("sealed", False), text.get("shared", {})
        if not isinstance(found.slots, dict) or not isinstance(found.shared, dict):
            self.refuse(file, "slots", "a mapping is wanted")
        found.notes = self._notes(file, text.get("notes", {}), found.slots)
        if not isinstance(found.sealed, bool):
            self.refuse(file, "sealed", "true or false is wanted")
        return found

    def _notes(self, file: str, said: object, slots: Mapping[str, Any]) -> dict[str, Any]:
        """Return the annotations of an object's slots, as its record keeps them."""
        notes: dict[str, Any] = {}
        if not isinstance(said, dict):
            self.refuse(file, "notes", "a mapping is wanted")
        for slot, note in said.items():
            try:
                notes[slot] = _note(note)
            except (TypeError, ValueError) as error:
                self.refuse(file, f"notes.{slot}", str(error))
            if slot not in slots:
                self.refuse(file, f"notes.{slot}", "there is no such slot")
        return notes

    def method(self, file: str) -> Method:
        """Return a method that the language gate lets pass."""
        try:
            source, provenance = method_parts(self._checked(file).decode())
            check(source)
            with self.told(file, "provenance"):
                facts = entries.data_of(self._parsed(file, provenance))
        except (ValueError, SourceRefused) as error:
            self.refuse(file, "", str(error))
        if not isinstance(facts, dict):
            self.refuse(file, "provenance", "a mapping is wanted")
        return Method(source, facts)

    def entry(self, file: str) -> tuple[int, Mapping[str, Any]]:
        """Return an entry of the journal with its number."""
        text = self._json(file, self._checked(file))
        self._check_keys(file, text, entries.KEYS, entries.KEYS)
        number = int(Path(file).stem)
        with self.told(file, ""):
            entries.read(number, text)
        return number, text

    def weights(self, named: object) -> dict[str, Path | None]:
        """Return where each file of weights lies."""
        if not isinstance(named, dict):
            self.refuse(MANIFEST, "weights", "a mapping is wanted")
        found: dict[str, Path | None] = {}
        for sha256, facts in named.items():
            self._check_facts(sha256, facts, {"bytes", "file"})
            file = facts["file"]
            if not SHA256.fullmatch(sha256) or f"weights/{sha256}." not in str(file):
                self.refuse(MANIFEST, "weights", f"{sha256!r} is not the hash of its file")
            if file in self._files:
                if self._files[file] != {"bytes": facts["bytes"], "sha256": sha256}:
                    self.refuse(MANIFEST, file, "its hash is not that of its name")
                os.close(self._opened(file, facts["bytes"]))
            found[sha256] = self._folder / file if file in self._files else None
        for file in self.files_in("weights", ""):
            if Path(file).stem not in found:
                self.refuse(MANIFEST, file, "these weights belong to nothing")
        return found

    @contextmanager
    def told(self, file: str, key: str) -> Iterator[None]:
        """Say in which file it stands that something has no meaning."""
        try:
            yield
        except NotPortable as error:
            self.refuse(file, key, str(error))

    # --- bytes -----------------------------------------------------------------------

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


def verify_weights(folder: Path, sha256: str, path: Path) -> None:
    """Raise `BundleRefused` if a file does not have its hash."""
    if sha256_of(path) != sha256:
        raise BundleRefused(str(folder), f"weights/{sha256}", "its bytes have another SHA-256")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands there twice")
    return found


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is written as $float")


def _are_texts(values: Iterable[Any]) -> bool:
    texts = isinstance(values, list) and all(isinstance(value, str) for value in values)
    return texts and len(set(values)) == len(list(values))


def _note(said: object) -> dict[str, object]:
    """Return an annotation as a record keeps it."""
    if not isinstance(said, dict) or not set(said) <= {"comment", "by", "created"}:
        raise ValueError("comment, by and created are what an annotation has")
    if not all(isinstance(value, str) for value in said.values()):
        raise ValueError("all of it is text")
    created = (
        {"created": dt.datetime.fromisoformat(said["created"])} if "created" in said else {}
    )
    return {**said, **created}
