"""What a person does with what grew: edits it, approves it, passes it on, takes it back."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from tests.conftest import OpenScripted

import batos
from batos.errors import (
    ApprovalNeeded,
    DecisionRefused,
    EditRefused,
    GrowthFailed,
    MessageNotUnderstood,
    NoSuchObject,
    PromotionRefused,
    UndoConflict,
)
from batos.synthesis.examples import Example
from batos.universe.journal import State
from batos.universe.names import Named
from batos.uvm import Uvm

DEPOSIT = "\n    balance += amount\n    return balance"
BETTER = (
    "def deposit_(self, amount):\n    self.balance += max(0, amount)\n    return self.balance"
)
SHOWN = [
    Example((10,), 110, {"balance": 100}, {"balance": 110}),
    Example((1,), 1, {"balance": 0}),
]


def family(uvm: Uvm, *names: str) -> Uvm:
    """Make a prototype `bank` with clones that have 100 each."""
    with uvm.transaction("a family") as root:
        root["bank"] = root["genesis_obj"].clone()
        for name in names or ("account",):
            root[name] = root["bank"].clone(balance=100)
    return uvm


def waiting(uvm: Uvm, selector: str = "deposit_", *args: object) -> int:
    with pytest.raises(ApprovalNeeded) as waits:
        uvm.send("account", selector, *(args or (50,)), examples=SHOWN, mode="ask")
    return waits.value.proposal_id


def source_of(uvm: Uvm, name: str, selector: str = "deposit_") -> str:
    with uvm.transaction() as root:
        return batos.mirror(root[name]).method(selector).source


# --- edit --------------------------------------------------------------------------------


def test_an_edit_is_tried_recorded_as_the_persons_and_names_its_predecessor(
    open_scripted: OpenScripted,
) -> None:
    uvm = family(open_scripted([DEPOSIT]))
    number = waiting(uvm)

    edited = uvm.edit(number, BETTER)

    user = uvm.audit(1)[0].by
    assert (edited.id, edited.state, edited.source) == (number + 1, State.PROPOSED, BETTER)
    assert edited.provenance["edited_by"] == user
    assert edited.provenance["edits"] == number
    assert "+    self.balance += max(0, amount)" in str(edited.provenance["diff"])
    assert str(edited.provenance["verdict"]).startswith("all 2 examples agree")
    assert uvm.journal.get(number).state is State.PROPOSED
    assert uvm.audit(1)[0].action == "edited"


def test_an_approved_edit_is_what_the_next_send_installs_and_says_who_wrote_it(
    open_scripted: OpenScripted,
) -> None:
    uvm = family(open_scripted([DEPOSIT]))
    edited = uvm.edit(waiting(uvm), BETTER)
    approved, installed = uvm.approve(edited.id)

    assert (approved.state, installed) == (State.APPROVED, False)
    assert uvm.journal.get(1).state is State.REJECTED
    assert uvm.send("account", "deposit_", -5, mode="ask") == 100
    assert source_of(uvm, "account") == BETTER
    with uvm.transaction() as root:
        assert batos.mirror(root["account"]).slot("deposit_").by.endswith("(proposal 2)")
        assert not batos.mirror(root["account"]).slot("deposit_").by.startswith("the mind")


def test_an_edit_of_an_installed_method_takes_its_place_and_undo_restores_the_predecessor(
    open_scripted: OpenScripted,
) -> None:
    uvm = family(open_scripted([DEPOSIT]))
    uvm.send("account", "deposit_", 50, examples=SHOWN)
    before = source_of(uvm, "account")

    edited, installed = uvm.approve(uvm.edit(1, BETTER).id)
    now = source_of(uvm, "account")
    undone = uvm.undo()

    assert (edited.state, installed, now) == (State.INSTALLED, True, BETTER)
    assert undone.note == "edit account deposit_"
    assert source_of(uvm, "account") == before
    assert uvm.send("account", "balance") == 150


def test_examples_of_a_state_that_is_gone_do_not_judge_an_edit(
    open_scripted: OpenScripted,
) -> None:
    uvm = family(open_scripted([DEPOSIT]))
    of_then: list[Example] = [Example((10,), 110), SHOWN[1]]
    uvm.send("account", "deposit_", 50, examples=of_then)  # its balance is 150 from now on

    with pytest.raises(EditRefused, match="0 of 1 examples"):
        uvm.edit(1, "def deposit_(self, amount):\n    return 7")
    edited, installed = uvm.approve(uvm.edit(1, BETTER).id)

    assert installed
    assert str(edited.provenance["verdict"]).startswith("all 1 examples agree")
    assert [one["args"] for one in edited.provenance["examples"]] == [(1,)]  # type: ignore[attr-defined]


def test_an_edit_of_an_edit_takes_the_place_of_the_first(open_scripted: OpenScripted) -> None:
    uvm = family(open_scripted([DEPOSIT]))
    uvm.send("account", "deposit_", 50, examples=SHOWN)

    second = uvm.edit(uvm.edit(1, BETTER).id, BETTER.replace("max(0, amount)", "abs(amount)"))
    _, installed = uvm.approve(second.id)

    assert installed
    assert "abs" in source_of(uvm, "account")


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("def deposit_(self, amount):\n    return amount", "answers 10, not 110"),
        ("def deposit_(self, amount):\n    import os", "refused"),
        ("def other(self):\n    return 1", "not 'deposit_'"),
        ("def deposit_(self):\n    return 1", "raises"),
        ("what is this", "refused"),
        ("", "refused"),
    ],
)
def test_an_edit_that_does_not_stand_is_not_recorded(
    open_scripted: OpenScripted, source: str, why: str
) -> None:
    uvm = family(open_scripted([DEPOSIT]))
    number = waiting(uvm)

    with pytest.raises(EditRefused, match=why):
        uvm.edit(number, source)

    assert len(uvm.journal.list()) == 1


def test_an_abstention_can_be_edited_into_a_method(open_scripted: OpenScripted) -> None:
    uvm = family(open_scripted(["\n    return amount"]))
    with pytest.raises(GrowthFailed):
        uvm.send("account", "deposit_", 50, examples=SHOWN)

    uvm.approve(uvm.edit(1, BETTER).id)

    assert uvm.send("account", "deposit_", 50, mode="ask") == 150


def test_a_message_with_an_object_is_tried_with_the_object(open_scripted: OpenScripted) -> None:
    uvm = family(
        open_scripted(["\n    return balance + other.balance"] * 2), "account", "savings"
    )
    with pytest.raises(ApprovalNeeded):
        uvm.send("account", "with_", Named("savings"), examples=[], mode="ask")

    edited = uvm.edit(1, "def with_(self, other):\n    return other.balance + self.balance")

    assert "200" in str(edited.provenance["verdict"])


def test_what_was_forgotten_or_is_gone_cannot_be_edited(open_scripted: OpenScripted) -> None:
    uvm = family(open_scripted([DEPOSIT]), "account", "other")
    number = waiting(uvm)
    with uvm.transaction() as root:
        del root["account"]

    with pytest.raises(NoSuchObject):
        uvm.edit(number, BETTER)
    with uvm.transaction() as root:
        root["account"] = root["bank"].clone(balance=1)
    uvm.forget("account")
    with pytest.raises(DecisionRefused):
        uvm.edit(number, BETTER)


# --- promote -----------------------------------------------------------------------------


def test_a_promoted_method_is_understood_by_siblings_and_undo_takes_it_back(
    open_scripted: OpenScripted,
) -> None:
    uvm = family(open_scripted([DEPOSIT]), "account", "savings")
    uvm.send("account", "deposit_", 50, examples=SHOWN)

    dry = uvm.promote("account", "deposit_", dry_run=True)
    done = uvm.promote("account", "deposit_")

    assert (dry.moved, dry.learned, dry.tried_on) == (False, ("bank", "savings"), ("savings",))
    assert (done.moved, done.prototype) == (True, "bank")
    assert uvm.send("savings", "deposit_", 7, mode="off") == 107
    assert uvm.send("account", "deposit_", 7, mode="off") == 157
    with uvm.transaction() as root:
        provenance = batos.mirror(root["bank"]).method("deposit_").provenance
        assert provenance["promoted_from"] == "account"
        assert "deposit_" not in root["account"]._slots
    newest = uvm.audit(1)[0]
    assert (newest.action, newest.receiver) == ("promoted", "bank")
    for _ in range(3):
        uvm.undo()
    with pytest.raises(MessageNotUnderstood):
        uvm.send("savings", "deposit_", 7, mode="off")
    assert uvm.send("account", "deposit_", 1, mode="off") == 151


def refuse(uvm: Uvm, to: str | None = None) -> PromotionRefused:
    before = source_of(uvm, "account")
    with pytest.raises(PromotionRefused) as refused:
        uvm.promote("account", "deposit_", to)
    assert source_of(uvm, "account") == before
    return refused.value


def grown(uvm: Uvm, examples: Sequence[Example] = SHOWN) -> Uvm:
    uvm.send("account", "deposit_", 50, examples=examples)
    return uvm


def test_a_primordial_takes_no_method(open_scripted: OpenScripted) -> None:
    uvm = grown(family(open_scripted([DEPOSIT])))

    refused = refuse(uvm, "genesis_obj")

    assert "primordial" in refused.why


def test_who_would_answer_otherwise_is_named_and_nothing_moves(
    open_scripted: OpenScripted,
) -> None:
    uvm = grown(family(open_scripted([DEPOSIT])))
    with uvm.transaction() as root:
        root["old"] = root["genesis_obj"].clone()
        batos.mirror(root["old"]).define("def deposit_(self, n):\n    return 'old'")
        root["mixed"] = root["bank"].clone(balance=1)
        batos.mirror(root["mixed"]).set("parent*", (root["bank"], root["old"]))

    refused = refuse(uvm)

    assert refused.who == ("mixed",)
    assert uvm.send("mixed", "deposit_", 1) == "old"


def test_a_sibling_on_which_it_does_not_work_is_named_with_the_reason(
    open_scripted: OpenScripted,
) -> None:
    uvm = grown(family(open_scripted([DEPOSIT])))
    with uvm.transaction() as root:
        root["empty"] = root["bank"].clone(name="no balance")

    assert refuse(uvm).who == ("empty: it has no balance",)


def test_a_sibling_with_another_kind_of_data_is_tried_in_the_jail(
    open_scripted: OpenScripted,
) -> None:
    bare = [((10,), 110), ((1,), 101)]
    uvm = family(open_scripted([DEPOSIT]))
    uvm.send("account", "deposit_", 50, examples=bare)
    with uvm.transaction() as root:
        root["odd"] = root["bank"].clone(balance="a lot")

    (who,) = refuse(uvm).who

    assert who.startswith("odd: raises TypeError")


def test_a_prototype_that_has_the_slot_or_is_not_asked_is_refused(
    open_scripted: OpenScripted,
) -> None:
    uvm = grown(family(open_scripted([DEPOSIT]), "account", "savings"))

    assert "does not delegate" in refuse(uvm, "savings").why
    with pytest.raises(PromotionRefused, match="no such method"):
        uvm.promote("savings", "deposit_")
    with uvm.transaction() as root:
        batos.mirror(root["bank"]).define("def deposit_(self, n):\n    return 'bank'")
    assert "has a slot of this name already" in refuse(uvm).why


def test_a_mirror_promotes_without_looking_at_siblings(open_scripted: OpenScripted) -> None:
    uvm = grown(family(open_scripted([DEPOSIT]), "account", "savings"))

    with uvm.transaction("by hand") as root:
        prototype = batos.mirror(root["account"]).promote("deposit_", by="ann")
        assert prototype is root["bank"]

    assert uvm.send("savings", "deposit_", 1, mode="off") == 101


def test_what_was_promoted_and_then_used_is_undone_in_order(
    open_scripted: OpenScripted,
) -> None:
    uvm = grown(family(open_scripted([DEPOSIT]), "account", "savings"))
    uvm.promote("account", "deposit_")
    promoted = uvm.log(1)[0]
    with uvm.transaction() as root:
        batos.mirror(root["bank"]).define("def deposit_(self, n):\n    return 'mine'")

    with pytest.raises(UndoConflict):
        uvm.undo(promoted.tid)
