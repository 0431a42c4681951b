"""A universe, or some objects of it, becomes a folder of text and weights.

A folder that holds a bundle already is brought up to date: only what differs is written, so
that git shows what changed. The manifest goes first and comes last, so a folder whose export
was broken off is no bundle until it is exported again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from batos.errors import FolderTaken, NotExportable
from batos.universe.awakening import PRIMITIVES
from batos.universe.blobs import OnBytes, copy_file, unseen
from batos.universe.bundle import entries
from batos.universe.bundle.graph import JOURNAL, Graph, ObjectText
from batos.universe.bundle.layout import (
    FILE,
    FOLDERS,
    FORMAT,
    MANIFEST,
    ROOT,
    kind_of_weights,
    method_text,
    object_file,
    text_of,
    write_file,
)
from batos.universe.bundle.values import encode
from batos.universe.digests import sha256_of
from batos.universe.universe import Universe

_UNFINISHED = text_of({"format": FORMAT, "unfinished": True})


@dataclass(frozen=True)
class Exported:
    """What an export wrote."""

    objects: int
    methods: int
    entries: int
    weights: int
    files_changed: int


def export_universe(
    universe: Universe,
    folder: Path,
    names: Sequence[str] = (),
    *,
    weights: bool = True,
    journal: bool = True,
    on_bytes: OnBytes | None = None,
) -> Exported:
    """Write a universe as text, or some of its objects with all that they reach.

    Args:
        universe: It may be opened to be read only.
        folder: Where to; nothing is there, or a bundle that is brought up to date.
        names: Objects of the root; without names all of it.
        weights: With the files of weights; else they are only named by their hash.
        journal: With the journal, if all of the root is exported.
        on_bytes: Told how far the copies of weights are.

    Raises:
        NoSuchObject: The root has nothing of this name.
        NotExportable: A value has no words in a bundle.
        FolderTaken: Something else is there.
        OSError: It cannot be written.
    """
    with universe.transaction() as root:
        writing = _Writing(folder, weights, on_bytes or unseen)
        graph = Graph(root._p_jar, tuple(names) or None, writing.weights_named)  # type: ignore[attr-defined]
        writing.begin()
        for called, text in graph.texts():
            _check_primitives(called, text)
            writing.put(object_file(called), text_of(text.as_json()))
        for file in graph.methods:
            method = graph.method(file)
            provenance = encode(dict(method.provenance), (file,), entries.Alone())
            writing.put(file, method_text(method.source, provenance))
        writing.put(ROOT, text_of(graph.root().as_json()))
        told = entries.told(root[JOURNAL]) if journal and not names else ()
        for number, entry in told:
            writing.put(f"journal/{number:06}.json", text_of(entry))
        manifest = {"names": sorted(names) or None, "expects": graph.expects}
        writing.end(manifest | {"objects": list(graph.objects)})
    return Exported(
        len(graph.objects),
        len(graph.methods),
        sum(file.startswith("journal/") for file in writing.files),
        len(writing.weights),
        writing.changed,
    )


def _check_primitives(called: str, text: ObjectText) -> None:
    """Refuse what every import would refuse, while somebody can still change it."""
    for slot, value in text.slots.items():
        match value:
            case {"$primitive": name} if PRIMITIVES.get(slot) != name:
                why = f"the primitive {name!r} lies under another selector than its own"
                raise NotExportable(f"{called}.{slot}", why)


@dataclass
class _Writing:
    folder: Path
    with_weights: bool
    on_bytes: OnBytes
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    weights: dict[str, dict[str, Any]] = field(default_factory=dict)
    changed: int = 0
    _digests: dict[Path, str] = field(default_factory=dict)

    def begin(self) -> None:
        """Take the folder, if it is free or holds a bundle."""
        if self.folder.is_symlink() or (self.folder.exists() and not self.folder.is_dir()):
            raise FolderTaken(str(self.folder), "it is no folder")
        self.folder.mkdir(parents=True, exist_ok=True)
        if any(self.folder.iterdir()) and not (self.folder / MANIFEST).is_file():
            raise FolderTaken(str(self.folder), "it holds something that is no bundle")
        for inner in FOLDERS:
            if (self.folder / inner).is_symlink():
                raise FolderTaken(str(self.folder / inner), "it is a link")
            (self.folder / inner).mkdir(exist_ok=True)
        write_file(self.folder / MANIFEST, _UNFINISHED)

    def put(self, name: str, content: bytes) -> None:
        """Write a file, unless it is there as it should be."""
        path = self.folder / name
        assert FILE.fullmatch(name), name  # noqa: S101  made by `layout`
        self.files[name] = {"bytes": len(content), "sha256": _sha256(content)}
        if path.parent.is_symlink():
            raise FolderTaken(str(path.parent), "it is a link")
        path.parent.mkdir(exist_ok=True)
        if path.is_symlink() or not path.is_file() or path.read_bytes() != content:
            write_file(path, content)
            self.changed += 1

    def weights_named(self, source: Path) -> str:
        """Return the hash of a file of weights, copied into the bundle on the way."""
        if source not in self._digests:
            self._digests[source] = sha256_of(source)
            self._put_weights(source, self._digests[source])
        return self._digests[source]

    def _put_weights(self, source: Path, sha256: str) -> None:
        name = f"weights/{sha256}.{kind_of_weights(source)}"
        size = source.stat().st_size
        here = {"bytes": size, "sha256": sha256}
        self.weights[sha256] = {"file": name, "bytes": size}
        if not self.with_weights:
            return
        self.files[name] = here
        path = self.folder / name
        if path.is_symlink() or not path.is_file() or path.stat().st_size != size:
            copy_file(source, path, self.on_bytes)
            self.changed += 1

    def end(self, manifest: dict[str, Any]) -> None:
        """Remove what is left of an older bundle, and write the manifest."""
        self._sweep()
        whole = {
            "format": FORMAT,
            "batos": version("batos"),
            **manifest,
            "weights": dict(sorted(self.weights.items())),
            "files": dict(sorted(self.files.items())),
        }
        write_file(self.folder / MANIFEST, text_of(whole))

    def _sweep(self) -> None:
        for inner in FOLDERS:
            for path in sorted((self.folder / inner).rglob("*"), reverse=True):
                if path.is_dir() and not path.is_symlink():
                    if not any(path.iterdir()):
                        path.rmdir()
                elif str(path.relative_to(self.folder)) not in self.files:
                    path.unlink()
            if not any((self.folder / inner).iterdir()):
                (self.folder / inner).rmdir()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
