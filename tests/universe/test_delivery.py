"""A message that comes again under its id takes effect once, whatever happened meanwhile."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

import batos
from batos.errors import (
    ApprovalNeeded,
    MessageIdRefused,
    MethodFailed,
    UniverseReadOnly,
)
from batos.opening import open_uvm
from batos.settings import load_settings
from batos.synthesis.growth import Asking
from batos.universe import delivery
from batos.universe.journal import State
from batos.universe.universe import open_universe
from batos.uvm import Uvm

KILLS = 20
MESSAGES = 60

children = multiprocessing.get_context("forkserver")
children.set_forkserver_preload(["batos.uvm"])

OpenScripted = Callable[..., Uvm]


@pytest.fixture
def uvm(open_scripted: OpenScripted) -> Uvm:
    uvm = open_scripted([])
    with uvm.transaction() as root:
        account = root["account"] = root["genesis_obj"].clone(balance=100, hits=batos.Counter())
        methods = batos.mirror(account)
        methods.define("def deposit_(self, n):\n    self.balance += n\n    return self.balance")
        methods.define("def hit(self):\n    self.hits += 1\n    return self.hits.value")
        methods.define("def echo_(self, value):\n    self.hits += 1\n    return value")
        methods.define("def fail(self):\n    self.balance = 0\n    raise ValueError('no')")
    return uvm


# --- once --------------------------------------------------------------------------------


def test_a_message_that_comes_again_has_no_effect_and_the_same_answer(uvm: Uvm) -> None:
    first = uvm.send("account", "deposit_", 10, message_id="a")
    uvm.send("account", "deposit_", 5)
    before = uvm.log(1)

    again = uvm.send("account", "deposit_", 10, message_id="a")

    assert (first, again) == (110, 110)
    assert uvm.send("account", "balance") == 115
    assert uvm.log(1) == before


def test_it_is_remembered_after_a_restart(uvm: Uvm, open_scripted: OpenScripted) -> None:
    uvm.send("account", "deposit_", 10, message_id="a")
    uvm.close()

    again = open_scripted([])

    assert again.send("account", "deposit_", 10, message_id="a") == 110
    assert again.send("account", "balance") == 110


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, 1, 2**80, 1.5, float("inf"), 2j, "ß", "\ud800", b"\x00", (1, (2,))),
        *({"a": [1, {2}]}, frozenset({"x", "y"}), dt.date(2026, 1, 1), dt.timedelta(1)),
        [batos.Named("account"), {"who": batos.Named("genesis_obj")}],
    ],
)
def test_any_data_is_answered_again_as_it_was(uvm: Uvm, value: object) -> None:
    if isinstance(value, list):  # objects in containers are not loaded: the method finds them
        with uvm.transaction() as root:
            root["account"].friends = [root["account"], {"who": root["genesis_obj"]}]
        answers = [uvm.send("account", "friends", message_id="a") for _ in range(2)]
    else:
        answers = [uvm.send("account", "echo_", value, message_id="a") for _ in range(2)]
        assert uvm.send("account", "hits") == 1

    assert answers == [value, value]
    assert [type(answer) for answer in answers] == [type(value)] * 2


@pytest.mark.parametrize(
    ("receiver", "selector", "args"),
    [
        ("account", "deposit_", (11,)),
        ("account", "deposit_", (10.0,)),
        ("account", "echo_", (10,)),
        ("genesis_obj", "deposit_", (10,)),
    ],
)
def test_an_id_belongs_to_one_message(
    uvm: Uvm, receiver: str, selector: str, args: tuple[object, ...]
) -> None:
    uvm.send("account", "deposit_", 10, message_id="a")

    with pytest.raises(MessageIdRefused, match=r"another message, account deposit_\(10\)"):
        uvm.send(receiver, selector, *args, message_id="a")

    assert uvm.send("account", "balance") == 110


@pytest.mark.parametrize("message_id", ["", " ", "x" * 201])
def test_an_id_is_a_short_text(uvm: Uvm, message_id: str) -> None:
    with pytest.raises(MessageIdRefused, match="1 to 200 characters"):
        uvm.send("account", "hit", message_id=message_id)

    assert uvm.send("account", "hits") == 0


def test_a_message_that_failed_can_be_sent_again_under_its_id(uvm: Uvm) -> None:
    with pytest.raises(MethodFailed):
        uvm.send("account", "fail", message_id="a")
    with uvm.transaction() as root:
        batos.mirror(root["account"]).define("def fail(self):\n    return 'mended'")

    assert uvm.send("account", "fail", message_id="a") == "mended"


def test_a_message_that_waited_for_a_person_takes_effect_once(
    open_scripted: OpenScripted,
) -> None:
    uvm = open_scripted(["\n    balance += 1\n    return balance"])
    with uvm.transaction() as root:
        root["account"] = root["genesis_obj"].clone(balance=1)
    asking, examples = Asking("ask", samples=1), [((), 2)]
    with pytest.raises(ApprovalNeeded) as waits:
        uvm.send("account", "bump", asking=asking, examples=examples, message_id="a")
    uvm.journal.decide(waits.value.proposal_id, State.APPROVED)

    answers = [
        uvm.send("account", "bump", asking=asking, examples=examples, message_id="a")
        for _ in range(2)
    ]

    assert answers == [2, 2]


def test_a_universe_that_is_read_says_so(uvm: Uvm, universe_path: Path) -> None:
    uvm.close()
    reader = open_uvm(universe_path, read_only=True)

    with reader, pytest.raises(UniverseReadOnly):
        reader.send("account", "hit", message_id="a")


# --- undo --------------------------------------------------------------------------------


def test_undoing_a_message_below_later_ones_makes_its_id_free_again(uvm: Uvm) -> None:
    uvm.send("account", "hit", message_id="first")
    tid = uvm.log(1)[0].tid
    for number in range(300):  # many of them on the same page
        uvm.send("account", "hit", message_id=f"later {number}")

    uvm.undo(tid)

    assert uvm.send("account", "hits") == 300
    assert uvm.send("account", "hit", message_id="later 7") == 9
    assert uvm.send("account", "hit", message_id="first") == 301


def test_the_pages_are_never_undone(uvm: Uvm) -> None:
    uvm.send("account", "hit", message_id="a")

    assert uvm.undo().note == "account hit()"

    with uvm.transaction() as root:
        assert len(root["message ids"]) == delivery.PAGES


# --- bounds ------------------------------------------------------------------------------


def test_a_page_keeps_the_newest_receipts() -> None:
    page = delivery.ReceiptPage()

    for number in range(delivery.PAGE_RECEIPTS + 5):
        page.add(str(number), delivery.Receipt("", "", str(number)))

    assert len(page) == delivery.PAGE_RECEIPTS
    assert page.get("4") is None
    assert page.get("5") is not None


def test_old_receipts_go_when_their_page_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    page = delivery.ReceiptPage()
    now = 1_000_000.0
    monkeypatch.setattr(time, "time", lambda: now)
    page.add("old", delivery.Receipt("", "", ""))

    now += delivery.KEPT_S + 1
    assert page.get("old") is not None
    page.add("new", delivery.Receipt("", "", ""))

    assert page.get("old") is None
    assert len(page) == 1


# --- at once -----------------------------------------------------------------------------


def in_threads(count: int, work: Callable[[int], object]) -> None:
    failures: list[BaseException] = []

    def guarded(number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def count_tries(uvm: Uvm, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Note every transaction that a send opens from now on."""
    tries: list[object] = []
    opened = uvm._opened

    def noted(*args: Any) -> Any:
        tries.append(args)
        return opened(*args)

    monkeypatch.setattr(uvm, "_opened", noted)
    return tries


def test_one_message_from_many_threads_takes_effect_once(uvm: Uvm) -> None:
    answers: list[object] = []

    in_threads(8, lambda _n: answers.append(uvm.send("account", "hit", message_id="a")))

    assert answers == [1] * 8
    assert uvm.send("account", "hits") == 1


def test_messages_with_different_ids_do_not_conflict(
    uvm: Uvm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "_place", lambda _id: 0)  # the worst: all on one page
    tries = count_tries(uvm, monkeypatch)
    uvm.send("account", "hit", message_id="first")

    in_threads(
        8,
        lambda thread: [
            uvm.send("account", "hit", message_id=f"{thread} {number}") for number in range(20)
        ],
    )

    assert uvm.send("account", "hits") == 161
    assert len(tries) == 162


# --- killed ------------------------------------------------------------------------------


def send_until_killed(path: Path, first: int, dies_at: int, answers: Connection) -> None:
    """Send the messages from `first` on; perhaps die between a commit and its answer."""
    settings = load_settings()
    uvm = Uvm(open_universe(path), "unwalled", Asking(mode="off"), settings)
    for number in range(first, MESSAGES):
        answer = uvm.send("account", "note_", number, message_id=f"message {number}")
        if number == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        answers.send((number, answer))
    uvm.close()


def test_killed_at_any_time_every_message_takes_effect_exactly_once(
    uvm: Uvm, universe_path: Path
) -> None:
    with uvm.transaction() as root:
        root["account"].notes = []
        batos.mirror(root["account"]).define(
            "def note_(self, n):\n    self.notes.append(n)\n    return len(self.notes)"
        )
    uvm.close()
    chance = random.Random(7)
    acknowledged = died_unheard = round_number = 0
    while acknowledged < MESSAGES:
        round_number += 1
        receiving, sending = children.Pipe(duplex=False)
        last_round = round_number > KILLS
        dies_at = acknowledged + 2 if round_number % 2 and not last_round else -1
        child = children.Process(
            target=send_until_killed, args=(universe_path, acknowledged, dies_at, sending)
        )
        child.start()
        sending.close()
        if dies_at < 0 and not last_round:
            receiving.poll(30)  # it works by now
            child.join(timeout=chance.uniform(0, 0.02))
            child.kill()
        while True:
            try:
                number, answer = receiving.recv()
            except EOFError:
                break
            assert (number, answer) == (acknowledged, acknowledged + 1)
            acknowledged += 1
        child.join()
        died_unheard += child.exitcode == -signal.SIGKILL
        child.close()

    universe = open_universe(universe_path)
    with universe.transaction() as root:
        assert list(root["account"].notes) == list(range(MESSAGES))
    universe.close()
    assert died_unheard > 3
