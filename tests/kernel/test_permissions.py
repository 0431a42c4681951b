"""What an object permits methods, who may say so, and whence it comes."""

from __future__ import annotations

from copy import copy
from typing import Any

import pytest

from batos.errors import PermissionRefused
from batos.kernel.mirror import mirror
from batos.kernel.permissions import PERMISSIONS, Permissions
from batos.kernel.uvm_object import UvmObject, note_object


def test_whatever_is_not_said_is_permitted() -> None:
    assert mirror(UvmObject()).permissions() == Permissions("yes", "yes", "yes", "")


def test_a_clone_permits_what_its_parents_permit_and_an_own_setting_goes_first() -> None:
    law = UvmObject()
    child = law.clone()
    mirror(law).permit("grow", "no")
    mirror(law).permit("write", "ask")

    mirror(child).permit("write", "yes")

    assert mirror(child).permissions() == Permissions("no", "yes", "yes")
    assert mirror(law).permissions() == Permissions("no", "ask", "yes")


def test_a_keeper_belongs_to_the_setting_beside_it(connection: Any, traits: Any) -> None:
    vault = traits.clone()
    child = vault.clone()
    mirror(vault).permit("call", "no", keeper=traits)

    assert mirror(child).permissions().keeper == hex(int.from_bytes(traits._p_oid, "big"))
    mirror(child).permit("call", "no")
    assert mirror(child).permissions().keeper == ""
    mirror(vault).permit("call", "yes")
    assert mirror(vault).permissions() == Permissions()


@pytest.mark.parametrize(
    ("act", "answer", "keeper"),
    [("call", "ask", None), ("fly", "no", None), ("grow", "maybe", None)],
)
def test_a_permission_that_means_nothing_is_refused(
    act: Any, answer: Any, keeper: UvmObject | None
) -> None:
    account = UvmObject()

    with pytest.raises(PermissionRefused):
        mirror(account).permit(act, answer, keeper)

    assert mirror(account).permissions() == Permissions()


def test_a_keeper_is_for_what_takes_no_calls_and_must_be_stored(traits: Any) -> None:
    with pytest.raises(PermissionRefused, match="keeper"):
        mirror(UvmObject()).permit("call", "yes", traits)
    with pytest.raises(PermissionRefused, match="not stored"):
        mirror(UvmObject()).permit("call", "no", UvmObject())


def test_a_setting_from_elsewhere_that_means_nothing_permits_nothing() -> None:
    account = UvmObject()
    note_object(account, PERMISSIONS, {"write": "perhaps", "fly": "yes"})

    assert mirror(account).permissions() == Permissions("yes", "no", "yes")


def test_permissions_are_stored_copied_and_merged(connection: Any, traits: Any) -> None:
    manager = connection.transaction_manager
    mirror(traits).permit("write", "no")
    manager.commit()
    traits._p_deactivate()

    assert mirror(traits).permissions().write == "no"
    assert mirror(copy(traits)).permissions().write == "no"
    before = traits.__getstate__()
    notes = {PERMISSIONS: {"write": "no", "grow": "ask"}}
    merged = traits._p_resolveConflict(
        before, before | {"_notes": notes}, before | {"_slots": {**before["_slots"], "n": 1}}
    )
    assert (merged["_notes"], merged["_slots"]["n"]) == (notes, 1)


def test_no_slot_shows_them() -> None:
    account = UvmObject(balance=1)
    mirror(account).permit("write", "no")

    assert list(mirror(account).slots()) == ["balance"]
    assert mirror(account).selectors() == ["balance"]
