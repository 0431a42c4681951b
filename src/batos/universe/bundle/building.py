"""Objects from text: what a bundle says becomes what slots hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from ZODB.blob import Blob
from ZODB.Connection import Connection

from batos.errors import BatosError, BundleRefused, MindMissing
from batos.kernel.method import Method, Primitive
from batos.kernel.mirror import mirror
from batos.kernel.uvm_object import UvmObject, note_slot, write_slot
from batos.universe.awakening import PRIMITIVES
from batos.universe.blobs import OnBytes, import_weights
from batos.universe.bundle.atoms import NotPortable
from batos.universe.bundle.layout import MANIFEST, ROOT, object_file
from batos.universe.bundle.reading import Bundle, verify_weights
from batos.universe.bundle.values import decode, empty, fill

FindWeights = Callable[[str], Path | None]  # by SHA-256, elsewhere than in the bundle


class Builder:
    """Makes what a bundle says, in the transaction of a connection."""

    def __init__(
        self,
        bundle: Bundle,
        connection: Connection,
        here: Mapping[str, UvmObject],
        find_weights: FindWeights,
        on_bytes: OnBytes,
    ) -> None:
        """Take the objects that are here already by what the bundle calls them."""
        self._bundle = bundle
        self._connection = connection
        self._objects = dict(here)
        self._find_weights = find_weights
        self._on_bytes = on_bytes
        self._shared = shared_of(bundle)
        self._containers: dict[str, object] = {}
        self._methods: dict[str, Method] = {}
        self._blobs: dict[str, Blob] = {}

    def make(self, called: str) -> None:
        """Make an object, empty: its slots may refer to others that are not there yet."""
        obj = self._objects[called] = UvmObject()
        self._connection.add(obj)  # now, so that the order of birth is that of the records

    def fill(self, called: str) -> None:
        """Give a new object its slots."""
        text = self._bundle.objects[called]
        for slot in text.slots:
            self.set(called, slot)
        if text.sealed:
            mirror(self._objects[called]).seal()

    def set(self, called: str, slot: str) -> None:
        """Write one slot of an object as the bundle has it.

        Raises:
            BundleRefused: It has no meaning.
            MindMissing: Nobody has the weights that it names.
        """
        text = self._bundle.objects[called]
        value = self._primitive(called, slot) or self._value(
            object_file(called), slot, text.slots[slot]
        )
        try:
            write_slot(self._objects[called], slot, value)
            note_slot(self._objects[called], slot, text.notes.get(slot, {}))
        except BatosError as error:
            self._refuse(object_file(called), slot, str(error))

    def named(self, name: str) -> object:
        """Return what the root's name leads to in the bundle."""
        return self._value(ROOT, name, self._bundle.root.slots[name])

    def _primitive(self, called: str, slot: str) -> Primitive | None:
        """Return the primitive that is all that a slot holds, or None if it holds none.

        A primitive does what batos itself may do, so it is known by its selector: under any
        other it would do so unseen.
        """
        match self._bundle.objects[called].slots[slot]:
            case {"$primitive": name, **rest} if not rest:
                if name == PRIMITIVES.get(slot, ""):
                    return Primitive(PRIMITIVES[slot])
                why = f"{name!r} is no primitive that this selector leads to in this version"
                self._refuse(object_file(called), slot, why)
        return None

    def _value(self, file: str, key: str, encoded: Any) -> object:
        try:
            return decode(encoded, self._resolve)
        except (NotPortable, RecursionError) as error:
            self._refuse(file, key, str(error))

    def _refuse(self, file: str, key: str, why: str) -> NoReturn:
        raise BundleRefused(str(self._bundle.folder), file, f"{key}: {why}")

    def _resolve(self, word: str, value: object) -> object:
        if word == "primitive":
            raise NotPortable("a primitive lies in an object's slot, and not in data")
        if word not in ("object", "method", "blob", "shared") or not isinstance(value, str):
            raise NotPortable(f"${word} has no meaning here")
        if word == "object" and value in self._objects:
            return self._objects[value]
        if word == "method" and value in self._bundle.methods:
            return self._method(value)
        if word == "blob" and value in self._bundle.weights:
            return self._blob(value)
        if word == "shared" and value in self._shared:
            return self._container(value)
        raise NotPortable(f"there is no {word} called {value!r}")

    def _method(self, file: str) -> Method:
        if file not in self._methods:  # one of its own for each try of a transaction
            read = self._bundle.methods[file]
            self._methods[file] = Method(read.source, read.provenance)
        return self._methods[file]

    def _container(self, called: str) -> object:
        if called not in self._containers:
            container = self._containers[called] = empty(self._shared[called])
            fill(container, self._shared[called], self._resolve)  # it may lead back to itself
        return self._containers[called]

    def _blob(self, sha256: str) -> Blob:
        if sha256 not in self._blobs:
            source = self._bundle.weights[sha256] or self._find_weights(sha256)
            if source is None:
                why = "the bundle only names them by this hash, and no mind that is here has it"
                raise MindMissing(f"sha256:{sha256}", why)
            self._blobs[sha256] = import_weights(
                self._connection,
                source,
                self._on_bytes,
                lambda copy: verify_weights(self._bundle.folder, sha256, copy),
            )
        return self._blobs[sha256]


def shared_of(bundle: Bundle) -> dict[str, Any]:
    """Return all shared containers of a bundle by their names."""
    shared: dict[str, Any] = {}
    for text in (bundle.root, *bundle.objects.values()):
        for called, content in text.shared.items():
            if called in shared:
                why = f"shared: {called!r} is in two files"
                raise BundleRefused(str(bundle.folder), MANIFEST, why)
            shared[called] = content
    return shared
