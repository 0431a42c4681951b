"""Who did what to methods and proposals: kept whatever is aborted or undone."""

from __future__ import annotations

import logging

import pytest
from tests.conftest import OpenScripted

import batos
from batos.errors import ApprovalNeeded, GrowthFailed, SourceRefused
from batos.synthesis.growth import Asking
from batos.universe.journal import State
from batos.uvm import Uvm

DEPOSIT = "\n    balance += amount\n    return balance"
SHOWN = [((10,), 110), ((25,), 125)]


def with_account(uvm: Uvm) -> Uvm:
    with uvm.transaction() as root:
        root["account"] = root["genesis_obj"].clone(balance=100)
    return uvm


def define(uvm: Uvm, *sources: str) -> None:
    with uvm.transaction() as root:
        for source in sources:
            batos.mirror(root["account"]).define(source)


def told(uvm: Uvm) -> list[tuple[str, str, str, int]]:
    """Return what the audit tells, the oldest first."""
    return [(one.action, one.receiver, one.selector, one.proposal) for one in uvm.audit()][::-1]


def test_everything_that_happens_to_a_method_is_told_with_who_and_when(
    open_scripted: OpenScripted,
) -> None:
    uvm = with_account(open_scripted([DEPOSIT]))
    with pytest.raises(ApprovalNeeded):
        uvm.send("account", "deposit_", 50, examples=SHOWN, mode="ask")
    uvm.journal.decide(1, State.APPROVED)
    uvm.send("account", "deposit_", 50, mode="ask")
    uvm.undo()
    with uvm.transaction("a greeting") as root:
        batos.mirror(root["account"]).define("def greet(self):\n    return 'hi'")

    about = ("account", "deposit_", 1)
    assert told(uvm) == [
        ("proposed", *about),
        ("approved", *about),
        ("installed", *about),
        ("undone", "", "", 0),
        ("defined", "account", "greet", 0),
    ]
    newest = uvm.audit(1)[0]
    assert (newest.by, newest.via) == (uvm.log(1)[0].user, "python")
    assert newest.tid == uvm.log(1)[0].tid
    assert newest.at >= uvm.log(1)[0].time


def test_an_aborted_message_leaves_its_decisions_in_the_audit_and_its_methods_out(
    open_scripted: OpenScripted,
) -> None:
    uvm = with_account(open_scripted(["\n    return 1 / (balance - 100 + amount - 50)"] * 2))
    asking = Asking("ask", samples=1, approve=lambda _proposal: False)
    with pytest.raises(GrowthFailed):
        uvm.send("account", "f_", 10, examples=[((51,), 1.0)], asking=asking)
    with pytest.raises(SourceRefused):
        define(uvm, "def greet(self):\n    return 'hi'", "import os")

    assert [action for action, *_ in told(uvm)] == ["proposed", "rejected"]


def test_no_undo_reaches_the_audit(open_scripted: OpenScripted) -> None:
    uvm = with_account(open_scripted([DEPOSIT]))
    uvm.send("account", "deposit_", 50, examples=SHOWN)
    before = told(uvm)

    for _ in range(2):
        uvm.undo()

    assert told(uvm)[: len(before)] == before
    assert [action for action, *_ in told(uvm)[len(before) :]] == ["undone", "undone"]


def test_forgetting_leaves_who_and_when_and_takes_what(open_scripted: OpenScripted) -> None:
    uvm = with_account(open_scripted([DEPOSIT]))
    uvm.send("account", "deposit_", 50, examples=SHOWN)
    with uvm.transaction() as root:
        batos.mirror(root["account"]).define("def greet(self):\n    return 'hi'")

    uvm.forget("account")

    gone = ("(forgotten)", "(forgotten)")
    assert told(uvm) == [
        ("proposed", *gone, 1),
        ("installed", *gone, 1),
        ("defined", *gone, 0),
    ]
    for file in uvm.path.rglob("Data.fs"):
        assert b"deposit_" not in file.read_bytes()


def test_what_a_killed_process_did_not_write_down_the_next_owner_does(
    open_scripted: OpenScripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    uvm = with_account(open_scripted([DEPOSIT]))
    with uvm.transaction() as root:
        batos.mirror(root["account"]).define("def first(self):\n    return 1")
    with monkeypatch.context() as killed:
        killed.setattr(uvm.journal, "note", lambda *_, **__: None)  # it dies before this step
        with uvm.transaction() as root:
            batos.mirror(root["account"]).define("def greet(self):\n    return 'hi'")
        undone = uvm.undo()
    uvm.close()

    again = open_scripted([DEPOSIT])

    assert told(again)[1:] == [("defined", "account", "greet", 0), ("undone", "", "", 0)]
    assert [entry.via for entry in again.audit()][:2] == ["", ""]
    assert again.audit(1)[0].tid == undone.tid
    again.close()
    assert len(told(open_scripted([DEPOSIT]))) == 3


def test_the_processs_log_is_told_too(
    open_scripted: OpenScripted, caplog: pytest.LogCaptureFixture
) -> None:
    uvm = with_account(open_scripted([DEPOSIT]))
    with caplog.at_level(logging.INFO, "batos.audit"):
        uvm.send("account", "deposit_", 50, examples=SHOWN)

    said = [record.getMessage() for record in caplog.records]
    assert said[0].endswith(" made the mind propose account deposit_ proposal 1 (python)")
    assert said[1].endswith(" installed account deposit_ proposal 1 (python)")


def test_a_universe_of_before_there_was_an_audit_gets_one(open_scripted: OpenScripted) -> None:
    uvm = with_account(open_scripted([DEPOSIT]))

    assert uvm.audit() == []
    uvm.undo()

    assert [action for action, *_ in told(uvm)] == ["undone"]


def test_a_method_that_was_brought_back_is_told(open_scripted: OpenScripted) -> None:
    uvm = with_account(open_scripted([DEPOSIT]))
    define(uvm, "def greet(self):\n    return 'hi'")
    then = uvm.log(1)[0].tid
    define(uvm, "def greet(self):\n    return 'hello'")

    uvm.restore("account", then)

    assert told(uvm)[-1] == ("restored", "account", "greet", 0)
