"""Bundles that mean harm, or that somebody garbled: refused with file and key, nothing done."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from batos.errors import BundleRefused, NotExportable
from batos.kernel.method import Primitive
from batos.kernel.mirror import mirror
from batos.universe.bundle.exporting import export_universe
from batos.universe.bundle.importing import import_bundle, rebuild
from batos.universe.universe import Universe

ACCOUNT = "objects/mine.json"
METHOD = "objects/mine/double.py"
Edit = Callable[[Path], object]


@pytest.fixture
def bundle(full: Universe, tmp_path: Path) -> Path:
    from tests.universe.bundle.conftest import SOURCE

    from batos.kernel.method import Method

    with full.transaction() as root:
        mine = root["mine"] = root["genesis_obj"].clone(n=1)
        mirror(mine).set("double", Method(SOURCE, {"by": "ann"}))
    export_universe(full, tmp_path / "bundle")
    return tmp_path / "bundle"


def seal(bundle: Path, name: str, content: bytes) -> None:
    """Write a file, and make the manifest agree with it, as a forger would."""
    path = bundle / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    manifest = json.loads((bundle / "bundle.json").read_text())
    facts = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    manifest["files"][name] = facts
    (bundle / "bundle.json").write_text(json.dumps(manifest))


def slot(value: Any, **more: Any) -> Edit:
    """Give an object a slot with this value."""

    def edit(bundle: Path) -> None:
        text = json.loads((bundle / ACCOUNT).read_text())
        text["slots"]["n"] = value
        seal(bundle, ACCOUNT, json.dumps(text | more).encode())

    return edit


def slot_called(name: str, value: Any = 1) -> Edit:
    def edit(bundle: Path) -> None:
        text = json.loads((bundle / ACCOUNT).read_text())
        text["slots"][name] = value
        seal(bundle, ACCOUNT, json.dumps(text).encode())

    return edit


def raw(name: str, content: bytes) -> Edit:
    return lambda bundle: seal(bundle, name, content)


def method(source: str) -> Edit:
    text = f'# provenance\n# {{"by": "ann"}}\n# ---\n{source}\n'
    return lambda bundle: seal(bundle, METHOD, text.encode())


def manifest(**changes: Any) -> Edit:
    def edit(bundle: Path) -> None:
        text = json.loads((bundle / "bundle.json").read_text())
        (bundle / "bundle.json").write_text(json.dumps(text | changes))

    return edit


def renamed(old: str, new: str) -> Edit:
    """Let the manifest name a file elsewhere."""

    def edit(bundle: Path) -> None:
        text = json.loads((bundle / "bundle.json").read_text())
        text["files"][new] = text["files"].pop(old)
        (bundle / "bundle.json").write_text(json.dumps(text))

    return edit


def unsealed(bundle: Path) -> None:
    text = json.loads((bundle / "objects/traits_obj.json").read_text())
    del text["sealed"]
    seal(bundle, "objects/traits_obj.json", json.dumps(text).encode())


def linked(bundle: Path) -> None:
    secret = bundle.parent / "secret"
    secret.write_bytes((bundle / ACCOUNT).read_bytes())
    (bundle / ACCOUNT).unlink()
    (bundle / ACCOUNT).symlink_to(secret)


def linked_folder(bundle: Path) -> None:
    (bundle / "objects").rename(bundle.parent / "elsewhere")
    (bundle / "objects").symlink_to(bundle.parent / "elsewhere")


def linked_manifest(bundle: Path) -> None:
    (bundle / "bundle.json").rename(bundle.parent / "manifest")
    (bundle / "bundle.json").symlink_to(bundle.parent / "manifest")


def pipe(bundle: Path) -> None:
    (bundle / ACCOUNT).unlink()
    os.mkfifo(bundle / ACCOUNT)


def other_weights(bundle: Path) -> None:
    (file,) = (bundle / "weights").iterdir()
    file.write_bytes(b"x" * file.stat().st_size)


def longer_weights(bundle: Path) -> None:
    (file,) = (bundle / "weights").iterdir()
    file.write_bytes(b"x" * (file.stat().st_size + 1))


def journal_in_root(bundle: Path) -> None:
    text = json.loads((bundle / "root.json").read_text())
    text["slots"]["journal"] = {"$OOBTree": []}
    seal(bundle, "root.json", json.dumps(text).encode())


def primitive_in_root(bundle: Path) -> None:
    text = json.loads((bundle / "root.json").read_text())
    text["slots"]["odd"] = {"$primitive": "personas.infer"}
    seal(bundle, "root.json", json.dumps(text).encode())


def entry(**changes: Any) -> Edit:
    def edit(bundle: Path) -> None:
        text = json.loads((bundle / "journal/000001.json").read_text())
        seal(bundle, "journal/000001.json", json.dumps(text | changes).encode())

    return edit


def deep(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


HOSTILE: dict[str, tuple[Edit, str]] = {
    # files
    "no manifest": (lambda b: (b / "bundle.json").unlink(), "bundle.json: it cannot be read"),
    "another format": (manifest(format=2), "format: this version"),
    "an unknown key": (manifest(extra=1), "bundle.json: extra: this key is unknown"),
    "a broken off export": (manifest(unfinished=True), "broken off"),
    "a way out": (renamed(ACCOUNT, "objects/../../mine.json"), "is no file of a bundle"),
    "an absolute way": (renamed(ACCOUNT, "/etc/passwd"), "is no file of a bundle"),
    "a hidden file": (renamed(ACCOUNT, "objects/.mine.json"), "is no file of a bundle"),
    "two cases": (raw("objects/Mine.json", b'{"slots": {}}'), "differ in case only"),
    "a link": (linked, "it is a link"),
    "a link to a folder": (linked_folder, "it is a link|behind a link"),
    "a link as manifest": (linked_manifest, "bundle.json: it cannot be read"),
    "a pipe": (pipe, "it is no plain file"),
    "a changed file": (
        lambda b: (b / ACCOUNT).write_bytes((b / ACCOUNT).read_bytes().replace(b"1", b"2")),
        "mine.json: its SHA-256",
    ),
    "a longer file": (
        lambda b: (b / ACCOUNT).write_bytes(b"{}"),
        "mine.json: its size differs",
    ),
    "a missing file": (lambda b: (b / ACCOUNT).unlink(), "mine.json: it cannot be read"),
    "a file too many": (
        lambda b: (b / "objects/extra.json").write_text("{}"),
        "extra.json: bundle.json does not name it",
    ),
    "other weights": (other_weights, "another SHA-256"),
    "longer weights": (longer_weights, "its size differs"),
    # text
    "no JSON": (raw(ACCOUNT, b"{"), "mine.json: it is not JSON"),
    "no UTF-8": (raw(ACCOUNT, b'{"slots": {"n": "\xff"}}'), "mine.json: it is not UTF-8"),
    "a list": (raw(ACCOUNT, b"[]"), "a mapping is wanted"),
    "a key twice": (raw(ACCOUNT, b'{"slots": {}, "slots": {}}'), "stands there twice"),
    "NaN": (raw(ACCOUNT, b'{"slots": {"n": NaN}}'), r"written as \$float"),
    "very deep JSON": (raw(ACCOUNT, b"[" * 100_000), "it is not JSON"),
    "a very long number": (raw(ACCOUNT, b'{"slots": {"n": ' + b"9" * 5000 + b"}}"), "not JSON"),
    "a large number": (slot(2**60), r"n: .*\$int"),
    "an unknown key of an object": (slot(1, evil=1), "mine.json: evil: this key is unknown"),
    "slots that are a list": (raw(ACCOUNT, b'{"slots": []}'), "slots: a mapping is wanted"),
    "sealed with text": (slot(1, sealed="yes"), "sealed: true or false"),
    # values
    "deep containers": (slot(deep(150)), "n: containers are nested"),
    "an unknown word": (slot({"$eval": "1"}), r"mine.json: n: \$eval has no meaning"),
    "a pickle": (slot({"$pickle": "gASVAA=="}), r"\$pickle has no meaning"),
    "two words": (slot({"$int": "0x5", "$float": "inf"}), r"beside \$int nothing may stand"),
    "no bytes": (slot({"$bytes": "?"}), r"no \$bytes"),
    "no date": (slot({"$date": "yesterday"}), r"no \$date"),
    "a member twice": (slot({"$set": [1, True]}), "stands there twice"),
    "a member that cannot be one": (slot({"$set": [[1]]}), "n: unhashable"),
    "a key that cannot be one": (slot({"$map": [[[1], 2]]}), "n: unhashable"),
    "no pairs": (slot({"$map": [[1]]}), "a list of pairs"),
    "a tree of anything": (slot({"$IOBTree": [["x", 1]]}), "n: expected integer key"),
    "no object": (slot({"$object": "nobody"}), "no object called 'nobody'"),
    "an object that is a list": (slot({"$object": []}), "has no meaning"),
    "no method": (slot({"$method": "../../x.py"}), "no method called"),
    "no weights": (slot({"$blob": "0" * 64}), "no blob called"),
    "nothing shared": (slot({"$shared": "x"}), "no shared called"),
    "a shared number": (slot({"$shared": "x"}, shared={"x": 1}), "no container"),
    # primitives: what batos itself may do, planted where nobody looks for it
    "a bad primitive": (slot({"$primitive": "os.system('x')"}), "mine.json: n: .*no primitive"),
    "a primitive at another selector": (
        slot({"$primitive": "kernel.set_slot"}),
        "mine.json: n: 'kernel.set_slot' is no primitive that this selector leads to",
    ),
    "a primitive at a public selector": (
        slot_called("total", {"$primitive": "personas.infer"}),
        "mine.json: total: 'personas.infer' is no primitive that this selector",
    ),
    "another primitive at its selector": (
        slot_called("infer_", {"$primitive": "kernel.set_slot"}),
        "mine.json: infer_: 'kernel.set_slot' is no primitive that this selector",
    ),
    "a primitive that is no text": (slot({"$primitive": ["x"]}), "n: .*no primitive"),
    "a primitive in data": (
        slot([{"$primitive": "personas.infer"}]),
        "mine.json: n: a primitive lies in an object's slot",
    ),
    "a primitive as a parent": (slot_called("more*", {"$primitive": "x.y"}), "no primitive"),
    "a primitive beside a key": (
        slot({"$primitive": "personas.infer", "x": 1}),
        r"beside \$primitive nothing may stand",
    ),
    "a primitive in a shared container": (
        slot({"$shared": "x"}, shared={"x": [{"$primitive": "personas.infer"}]}),
        "n: a primitive lies in an object's slot",
    ),
    "a primitive in the root": (primitive_in_root, "root.json: odd: a primitive lies in"),
    "a primitive in a message": (
        entry(message={"selector": {"$primitive": "personas.infer"}}),
        r"\$primitive has no place",
    ),
    # annotations
    "notes that are no mapping": (slot(1, notes=[]), "notes: a mapping"),
    "a note of no slot": (slot(1, notes={"m": {}}), "notes.m: there is no such slot"),
    "a note of more": (slot(1, notes={"n": {"evil": "x"}}), "notes.n: comment, by and created"),
    "a note that is no text": (slot(1, notes={"n": {"by": 1}}), "notes.n: all of it is text"),
    "a note of no time": (slot(1, notes={"n": {"created": "soon"}}), "notes.n: Invalid iso"),
    # counters and queues
    "a counter of text": (slot({"$counter": "x"}), "n: a counter is a number"),
    "a queue of nothing": (slot({"$queue": 5}), "n: a list is wanted"),
    # slots
    "a private slot": (slot_called("__class__"), "__class__: .*is refused"),
    "an inborn slot": (slot_called("clone"), "clone: .*is refused"),
    "no name": (slot_called("a b"), "a b: .*is refused"),
    "a parent that is data": (slot_called("more*", 5), r"more\*: .*holds objects"),
    # methods
    "a method that the gate refuses": (
        method("def double(self):\n    return open('/etc/passwd')"),
        "double.py: The source is refused",
    ),
    "two methods": (method("def a(self):\n    pass\ndef b(self):\n    pass"), "double.py"),
    "a method that runs at once": (method("print(1)"), "double.py"),
    "no provenance": (raw(METHOD, b"def double(self):\n    pass\n"), "it begins with"),
    "provenance of objects": (
        raw(METHOD, b'# provenance\n# {"by": {"$object": "mine"}}\n# ---\ndef f(self): 1\n'),
        r"provenance: \$object has no place",
    ),
    # the whole
    "an unsealed primordial": (unsealed, "traits_obj: this primordial is missing"),
    "a journal in the root": (journal_in_root, "names 'journal'"),
    "an entry of another number": (entry(id=2), "000001.json: its id"),
    "an entry in no state": (entry(state="blessed"), "blessed"),
    "an entry with objects": (entry(message={"a": {"$object": "mine"}}), "has no place"),
    "an entry with a key too many": (entry(evil=1), "evil: this key is unknown"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_it_is_refused_with_file_and_key_and_nothing_is_made(
    bundle: Path, full: Universe, tmp_path: Path, case: str
) -> None:
    edit, message = HOSTILE[case]
    edit(bundle)
    before = (full.path / "Data.fs").read_bytes()

    with pytest.raises(BundleRefused, match=message):
        rebuild(tmp_path / "new.universe", bundle)

    assert not (tmp_path / "new.universe").exists()
    assert not (tmp_path / ".new.universe.awakening").exists()
    if case not in ("an unsealed primordial", "other weights"):
        with full.transaction() as root:
            root.pop("mine")  # it is new there, so that all of it is read
        with pytest.raises(BundleRefused):
            import_bundle(full, bundle, prefer="theirs")
    assert (full.path / "Data.fs").read_bytes().startswith(before)


def test_the_bundle_is_accepted_as_it_was_exported(bundle: Path, tmp_path: Path) -> None:
    rebuild(tmp_path / "new.universe", bundle)

    assert (tmp_path / "new.universe/Data.fs").exists()


def test_the_primitives_of_a_birth_may_lie_where_they_are_known(
    bundle: Path, full: Universe, tmp_path: Path
) -> None:
    slot_called("infer_", {"$primitive": "personas.infer"})(bundle)

    import_bundle(full, bundle)

    with full.transaction() as root:
        assert mirror(root["mine"]).slots()["infer_"] == Primitive("personas.infer")


def test_a_primitive_that_no_import_would_take_is_not_exported(
    full: Universe, tmp_path: Path
) -> None:
    with full.transaction() as root:
        mirror(root["account"]).set("think_", Primitive("personas.infer"))

    with pytest.raises(NotExportable, match=r"account.*\.think_ cannot be exported"):
        export_universe(full, tmp_path / "odd")
