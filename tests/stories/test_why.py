"""Why an object answers as it does: the story of a slot, from its message to its undo."""

from __future__ import annotations

import pytest
from tests.conftest import OpenScripted

import batos
from batos.errors import ApprovalNeeded, GrowthFailed, NoSuchObject
from batos.synthesis.examples import Example
from batos.uvm import Uvm

DEPOSIT = "\n    balance += amount\n    return balance"
WRONG = "\n    return amount"
SHOWN = [
    Example((10,), 110, {"balance": 100}, {"balance": 110}),
    Example((1,), 1, {"balance": 0}),
]


def with_account(uvm: Uvm) -> Uvm:
    with uvm.transaction("an account") as root:
        root["bank"] = root["genesis_obj"].clone()
        root["account"] = root["bank"].clone(balance=100)
    return uvm


def test_a_method_that_grew_tells_its_whole_story(open_scripted: OpenScripted) -> None:
    uvm = with_account(open_scripted([DEPOSIT, DEPOSIT, WRONG]))
    with pytest.raises(ApprovalNeeded):
        uvm.send("account", "deposit_", 50, examples=SHOWN, mode="ask")
    user = uvm.audit(1)[0].by
    uvm.approve(1)
    uvm.send("account", "deposit_", 50, mode="ask")

    found = uvm.why("account", "deposit_")

    moment = uvm.log(1)[0]
    assert (found.kind, found.holder, found.proposal) == ("method", "account", 1)
    assert found.by == "the mind (proposal 1)"
    assert (found.asked_by, found.message) == (user, "account deposit_(50)")
    assert "deposit_(amount: int)" in found.shown
    assert (found.samples, found.candidates, found.behaviours) == (3, 2, 2)
    assert found.verdict == "all 2 examples agree, backed by 2 of 3 samples"
    assert (found.approved_by, found.tid) == (user, moment.tid)
    assert found.asked_at is not None
    assert found.approved_at is not None
    assert found.asked_at < found.approved_at < moment.time
    assert found.since is not None
    assert (found.failures, found.replaced, found.former) == (0, "", ())


def test_a_method_tells_what_it_took_the_place_of_and_what_was_tried_before(
    open_scripted: OpenScripted,
) -> None:
    uvm = with_account(open_scripted([DEPOSIT]))
    uvm.send("account", "deposit_", 50, examples=SHOWN)
    better = uvm.edit(
        1, "def deposit_(self, n):\n    self.balance += n\n    return self.balance"
    )
    uvm.approve(better.id)

    found = uvm.why("account", "deposit_")

    assert found.replaced.startswith("def deposit_(self, amount):")
    assert (found.edits, found.proposal) == (1, 2)
    assert [(one.proposal, one.state) for one in found.former] == [(1, "installed")]


def test_an_inherited_method_of_a_person_names_its_holder(open_scripted: OpenScripted) -> None:
    uvm = with_account(open_scripted([DEPOSIT]))
    with uvm.transaction("greetings") as root:
        batos.mirror(root["bank"]).define("def greet(self):\n    return 'hi'", by="ann")

    found = uvm.why("account", "greet")

    assert (found.holder, found.by, found.proposal) == ("bank", "ann", 0)
    assert found.source == "def greet(self):\n    return 'hi'"


def test_a_promoted_method_says_where_it_came_from(open_scripted: OpenScripted) -> None:
    uvm = with_account(open_scripted([DEPOSIT]))
    uvm.send("account", "deposit_", 50, examples=SHOWN)
    uvm.promote("account", "deposit_")

    found = uvm.why("account", "deposit_")

    assert (found.holder, found.promoted_from, found.proposal) == ("bank", "account", 1)


def test_data_says_who_wrote_it_last_when_and_in_place_of_what(
    open_scripted: OpenScripted,
) -> None:
    uvm = with_account(open_scripted([DEPOSIT]))
    uvm.send("account", "deposit_", 50, examples=SHOWN)
    uvm.send("account", "deposit_", 1)
    with uvm.transaction("something else") as root:
        root["account"].other = 1

    found = uvm.why("account", "balance")

    wrote = uvm.log(2)[1]
    assert (found.kind, found.value, found.replaced) == ("data", "151", "150")
    assert (found.tid, found.since) == (wrote.tid, wrote.time)
    assert found.by.endswith(": account deposit_(1)")


def test_a_name_that_nobody_knows_says_whether_it_would_grow_and_what_was_tried(
    open_scripted: OpenScripted,
) -> None:
    uvm = with_account(open_scripted([WRONG]))
    with pytest.raises(GrowthFailed):
        uvm.send("account", "deposit_", 50, examples=SHOWN)

    unknown, ether = uvm.why("account", "deposit_"), uvm.why("digital_ether", "hello")

    assert (unknown.kind, unknown.refusal) == ("unknown", "")
    assert [(one.proposal, one.state) for one in unknown.former] == [(1, "abstained")]
    assert "answers 10, not 110" in unknown.former[0].verdict
    assert uvm.why("account", "blance").similar == ("balance",)
    assert "primordial" in ether.refusal
    assert "is a slot's name" not in uvm.why("account", "no good").refusal
    assert "Python" in uvm.why("account", "no good").refusal


def test_what_batos_brings_along_and_parents_are_told_as_such(
    open_scripted: OpenScripted,
) -> None:
    uvm = with_account(open_scripted([DEPOSIT]))

    assert uvm.why("account", "setSlot_value_").kind == "primitive"
    parent = uvm.why("account", "parent*")
    assert (parent.kind, parent.value) == ("parent", "bank")
    assert uvm.why("account", "infer_").kind == "primitive"
    with pytest.raises(NoSuchObject):
        uvm.why("nobody", "x")


def test_why_wakes_no_mind_and_changes_nothing(open_scripted: OpenScripted) -> None:
    uvm = with_account(open_scripted([DEPOSIT]))
    before = uvm.log(99, everything=True)

    for selector in ("balance", "unknown", "setSlot_value_"):
        uvm.why("account", selector)

    assert uvm.log(99, everything=True) == before
    assert not uvm.mind_loaded
