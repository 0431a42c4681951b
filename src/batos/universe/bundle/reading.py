"""A folder that says it is a bundle: read, and checked before anything of it is used.

Whoever wrote it may have meant harm. Nothing in it is unpickled or run, no link is followed,
every file is as long as the manifest says and has the hash that it says, and what has no
meaning here is refused with the file that says it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from batos.errors import BundleRefused, SourceRefused
from batos.kernel.method import Method
from batos.kernel.permissions import PERMISSIONS
from batos.sandbox.policy import check
from batos.universe.bundle import entries
from batos.universe.bundle.files import Files
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
from batos.universe.bundle.notes import read_note, read_permissions
from batos.universe.digests import sha256_of

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


class _Reader(Files):
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
            if slot == PERMISSIONS:
                with self.told(file, f"notes.{slot}"):
                    notes[slot] = read_permissions(note)
                continue
            if slot not in slots:
                self.refuse(file, f"notes.{slot}", "there is no such slot")
            with self.told(file, f"notes.{slot}"):
                notes[slot] = read_note(note)
        return notes

    def method(self, file: str) -> Method:
        """Return a method that the language gate lets pass."""
        try:
            source, provenance = method_parts(self._checked(file).decode())
            check(source)
            with self.told(file, "provenance"):
                facts = entries.data_of(self._parsed(file, provenance))
        except BundleRefused:  # a ValueError, too, and said already
            raise
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


def verify_weights(folder: Path, sha256: str, path: Path) -> None:
    """Raise `BundleRefused` if a file does not have its hash."""
    if sha256_of(path) != sha256:
        raise BundleRefused(str(folder), f"weights/{sha256}", "its bytes have another SHA-256")


def _are_texts(values: Iterable[Any]) -> bool:
    texts = isinstance(values, list) and all(isinstance(value, str) for value in values)
    return texts and len(set(values)) == len(list(values))
