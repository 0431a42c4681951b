"""Records that would change the program that reads them."""

from __future__ import annotations

import copyreg
from pathlib import Path

import pytest

from batos.errors import UniverseUnreadable
from batos.kernel.method import Primitive
from batos.universe.journal import State
from batos.universe.placeholders import shown_class
from batos.universe.records import check_loaded, record_class

OBJECT = b"cbatos.kernel.uvm_object\nUvmObject\n."
CHANGED = b"}X\x05\x00\x00\x00pwnedK\x01s\x86b."  # (None, {"pwned": 1}), and BUILD
TARGETS = {
    "a dataclass": b"cbatos.kernel.method\nPrimitive\nN",
    "an enumeration": b"cbatos.universe.journal\nState\nN",
    "a function": b"ccopyreg\n__newobj__\nN",
    "a persistent class": b"cbatos.kernel.values\nPersistentSet\nN",
    "the class of objects": b"cbatos.kernel.uvm_object\nUvmObject\nN",
}


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS.keys())
def test_a_record_cannot_change_what_it_only_names(target: bytes) -> None:
    with pytest.raises((UniverseUnreadable, TypeError, AttributeError)):
        check_loaded(OBJECT + target + CHANGED)

    for thing in (Primitive, State, copyreg.__newobj__):  # type: ignore[attr-defined]
        assert not hasattr(thing, "pwned")


@pytest.mark.parametrize("name", ["__dict__", "__loader__", "__spec__", "__class__", "sys"])
@pytest.mark.parametrize("module", ["BTrees.OOBTree", "BTrees.IOBTree"])
def test_a_modules_own_things_are_no_classes(module: str, name: str) -> None:
    with pytest.raises(UniverseUnreadable, match="has no place"):
        record_class(module, name)

    assert "UnknownRecord" in repr(shown_class(module, name))


def test_what_is_called_can_be_called_in_safe_mode_as_well(tmp_path: Path) -> None:
    called = shown_class("copyreg", "__newobj__")

    assert callable(called)
    assert called(Primitive).__class__ is Primitive
