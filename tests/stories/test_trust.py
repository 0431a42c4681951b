"""How far a method reaches, and how one that misbehaves loses trust: real jail and database."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import batos
from batos.errors import (
    ApprovalNeeded,
    BudgetSpent,
    GrowthFailed,
    MessageNotUnderstood,
    MethodFailed,
    MethodQuarantined,
    NotInQuarantine,
    NotPermitted,
    WriteQuotaExceeded,
)
from batos.kernel.method import Method
from batos.opening import open_uvm
from batos.processes import was_ended_by_watchdog
from batos.settings import Settings
from batos.synthesis.examples import Example
from batos.universe.journal import State
from batos.universe.names import Named
from batos.uvm import Uvm

OpenScripted = Callable[..., Uvm]

FAILS = "\n    return 10 // (balance - amount)"  # where the balance is what is asked for
FINE = "\n    return balance * amount"


def with_account(uvm: Uvm, **slots: object) -> Uvm:
    with uvm.transaction() as root:
        root["account"] = root["genesis_obj"].clone(**{"balance": 100, **slots})
    return uvm


def with_fragile(uvm: Uvm) -> Uvm:
    """Give the account a method of the mind's that fails if it is sent 100."""
    uvm.send("account", "rest_", 90, examples=[((90,), 1), ((99,), 10)])
    return uvm


def failed(uvm: Uvm, times: int) -> None:
    for _ in range(times):
        with pytest.raises(MethodFailed, match="ZeroDivisionError"):
            uvm.send("account", "rest_", 100)


# --- what a method reaches -------------------------------------------------------------------


def test_a_candidate_that_writes_to_another_object_fails_in_the_jail_and_learns_why(
    open_scripted: OpenScripted,
) -> None:
    prompts: list[str] = []

    def script(request: object, _choice: int) -> str:
        prompts.append(str(request.prompt))  # type: ignore[attr-defined]
        return "\n    to.balance = to.balance + amount\n    return amount"

    uvm = with_account(open_scripted(script))
    with uvm.transaction() as root:
        root["savings"] = root["genesis_obj"].clone(balance=7)

    with pytest.raises(GrowthFailed, match="NotItsOwn: A method changes what its own"):
        uvm.send("account", "give_to_", 5, Named("savings"))

    assert uvm.send("savings", "balance") == 7


def test_a_method_that_changes_others_through_messages_waits_for_a_person_in_auto(
    open_scripted: OpenScripted,
) -> None:
    body = "\n    to.take_(amount)\n    balance -= amount\n    return balance"
    uvm = with_account(open_scripted([body, body]))
    with uvm.transaction() as root:
        savings = root["savings"] = root["genesis_obj"].clone(balance=7)
        batos.mirror(savings).define(
            "def take_(self, n):\n    self.balance += n\n    return self.balance"
        )

    with pytest.raises(ApprovalNeeded, match=r"changes other objects \(<object 0x.*>\.balance"):
        uvm.send("account", "give_to_", 5, Named("savings"))

    assert uvm.send("savings", "balance") == 7
    uvm.journal.decide(1, State.APPROVED)
    assert uvm.send("account", "give_to_", 5, Named("savings")) == 95
    assert uvm.send("savings", "balance") == 12


def test_where_growth_is_not_permitted_a_miss_is_not_understood(
    open_scripted: OpenScripted,
) -> None:
    uvm = with_account(open_scripted([FINE, FINE]))
    with uvm.transaction() as root:
        batos.mirror(root["account"]).permit("grow", "no")
        root["child"] = root["account"].clone()

    for name in ("account", "child"):
        with pytest.raises(MessageNotUnderstood):
            uvm.send(name, "times_", 2)

    assert uvm.journal.list() == []


@pytest.mark.parametrize(("act", "body"), [("grow", FINE), ("write", "\n    balance = amount")])
def test_what_an_object_permits_to_a_person_only_waits_in_auto(
    act: str, body: str, open_scripted: OpenScripted
) -> None:
    uvm = with_account(open_scripted([body, body]))
    with uvm.transaction() as root:
        batos.mirror(root["account"]).permit(act, "ask")  # type: ignore[arg-type]

    with pytest.raises(ApprovalNeeded, match="permits"):
        uvm.send("account", "times_", 2)

    uvm.journal.decide(1, State.APPROVED)
    uvm.send("account", "times_", 2)


def test_permissions_merge_with_a_change_of_the_object_and_are_undone(
    open_scripted: OpenScripted,
) -> None:
    uvm = with_account(open_scripted([FINE]))
    with uvm.transaction("permit") as root:
        batos.mirror(root["account"]).permit("write", "no")
        with uvm.transaction() as other:  # somebody else changes the object meanwhile
            other["account"].balance = 5
        assert root["account"].balance == 100

    with uvm.transaction() as root:
        batos.mirror(root["account"]).define("def put(self):\n    self.balance = 0")
    with pytest.raises(NotPermitted):
        uvm.send("account", "put")
    assert uvm.send("account", "balance") == 5
    uvm.undo()
    uvm.undo(next(moment.tid for moment in uvm.log() if moment.note == "permit"))
    with uvm.transaction() as root:
        assert batos.mirror(root["account"]).permissions().write == "yes"


# --- quarantine ----------------------------------------------------------------------------


def test_three_failures_in_a_row_quarantine_a_method_of_the_minds(
    open_scripted: OpenScripted,
) -> None:
    uvm = with_fragile(with_account(open_scripted([FAILS, FAILS])))

    failed(uvm, 3)

    with pytest.raises(MethodQuarantined) as refused:
        uvm.send("account", "rest_", 90)
    assert len(refused.value.strikes) == 3
    assert "batos quarantine release account.rest_" in str(refused.value)
    assert [record.suspect.receiver for record in uvm.quarantined()] == ["account"]
    assert uvm.journal.get(1).state is State.QUARANTINED


def test_strikes_outlast_the_aborted_message_a_restart_and_an_undo_of_something_else(
    open_scripted: OpenScripted,
) -> None:
    uvm = with_fragile(with_account(open_scripted([FAILS, FAILS])))
    failed(uvm, 2)
    with uvm.transaction("other") as root:
        root["account"].note = 1
    uvm.undo()
    uvm.close()

    again = open_scripted([FAILS])
    failed(again, 1)

    with again.transaction() as root:
        method = batos.mirror(root["account"]).method("rest_")
    assert len(again.journal.strikes(method)) == 3
    assert len(again.quarantined()) == 1


def test_a_message_that_goes_well_takes_strikes_away(open_scripted: OpenScripted) -> None:
    uvm = with_fragile(with_account(open_scripted([FAILS, FAILS])))

    failed(uvm, 2)
    uvm.send("account", "rest_", 90)
    failed(uvm, 2)

    assert uvm.quarantined() == []


def test_what_a_method_raises_on_purpose_is_no_strike(open_scripted: OpenScripted) -> None:
    body = "\n    if amount > balance:\n        raise ValueError('too much')\n    return 1"
    uvm = with_account(open_scripted([body, body]))
    uvm.send("account", "rest_", 90)

    for _ in range(4):
        with pytest.raises(MethodFailed, match="too much"):
            uvm.send("account", "rest_", 101)

    assert uvm.send("account", "rest_", 90) == 1


def test_another_kind_of_argument_than_it_was_tried_with_is_no_strike(
    open_scripted: OpenScripted,
) -> None:
    uvm = with_fragile(with_account(open_scripted([FAILS, FAILS])))

    for _ in range(4):
        with pytest.raises(MethodFailed, match="TypeError"):
            uvm.send("account", "rest_", "a text")

    assert uvm.send("account", "rest_", 90) == 1


def test_a_persons_method_is_never_kept_from_running(open_scripted: OpenScripted) -> None:
    uvm = with_account(open_scripted([FAILS]))
    with uvm.transaction() as root:
        batos.mirror(root["account"]).define("def rest_(self, n):\n    return 10 // (100 - n)")

    failed(uvm, 4)

    assert uvm.send("account", "rest_", 90) == 1


def test_blamed_is_the_minds_method_that_a_persons_one_calls(
    open_scripted: OpenScripted,
) -> None:
    uvm = with_fragile(with_account(open_scripted([FAILS, FAILS])))
    with uvm.transaction() as root:
        batos.mirror(root["account"]).define("def outer(self):\n    return self.rest_(100)")

    for _ in range(3):
        with pytest.raises(MethodFailed):
            uvm.send("account", "outer")

    with pytest.raises(MethodQuarantined, match=r"account\.rest_"):
        uvm.send("account", "outer")


def test_a_method_that_never_ends_is_struck_out(open_scripted: OpenScripted) -> None:
    body = "\n    while amount > 1:\n        pass\n    return balance"
    uvm = with_account(open_scripted([body, body]))
    uvm.send("account", "wait_", 1)

    for _ in range(3):
        with pytest.raises(BudgetSpent):
            uvm.send("account", "wait_", 2)

    with pytest.raises(MethodQuarantined):
        uvm.send("account", "wait_", 1)


def test_a_message_adds_only_so_much_to_the_store(open_scripted: OpenScripted) -> None:
    lines = ("", "x = [[str(n % 9) * (amount * 1000)] for n in range(amount)]", "pages = x")
    body = "\n    ".join((*lines, "return 1"))
    uvm = with_account(open_scripted([body, body]), pages=[])
    uvm.send("account", "fill_", 1)
    size = (uvm.path / "Data.fs").stat().st_size

    with pytest.raises(WriteQuotaExceeded, match="16,777,216"):
        uvm.send("account", "fill_", 160)

    assert (uvm.path / "Data.fs").stat().st_size < size + 10_000  # a strike
    assert len(uvm.journal.strikes(_method(uvm, "fill_"))) == 1
    assert uvm.send("account", "fill_", 2) == 1


def test_undo_brings_the_predecessor_back_and_nothing_else(open_scripted: OpenScripted) -> None:
    uvm = with_fragile(with_account(open_scripted([FAILS, FAILS])))
    failed(uvm, 3)

    uvm.undo()

    with pytest.raises(MessageNotUnderstood):
        uvm.send("account", "rest_", 90, mode="off")


def test_a_released_method_runs_and_starts_without_strikes(open_scripted: OpenScripted) -> None:
    uvm = with_fragile(with_account(open_scripted([FAILS, FAILS])))
    failed(uvm, 3)

    record = uvm.release("account", "rest_")

    assert len(record.strikes) == 3
    assert uvm.send("account", "rest_", 90) == 1
    failed(uvm, 2)
    assert uvm.quarantined() == []
    assert uvm.journal.get(1).state is State.INSTALLED
    with pytest.raises(NotInQuarantine):
        uvm.release("account", "rest_")


def test_another_method_grows_only_when_a_person_asks_and_never_the_same_source(
    open_scripted: OpenScripted,
) -> None:
    answers = [FAILS, FAILS]
    uvm = with_fragile(with_account(open_scripted(lambda _request, choice: answers[choice])))
    failed(uvm, 3)
    examples: list[Example] = [Example((90,), 1), Example((100,), 0)]

    with pytest.raises(MethodQuarantined):
        uvm.send("account", "rest_", 90, examples=examples)
    with pytest.raises(GrowthFailed):
        uvm.send("account", "rest_", 90, regrow=True)  # it can only say the same
    answers[:] = [FAILS, "\n    return 10 // (balance - amount) if amount < balance else 0"]

    assert uvm.send("account", "rest_", 90, examples=examples, regrow=True) == 1
    assert uvm.send("account", "rest_", 100) == 0
    uvm.undo(next(moment.tid for moment in uvm.log() if moment.grew))  # the new one
    with pytest.raises(MethodQuarantined):
        uvm.send("account", "rest_", 90)


def test_why_counts_how_often_a_method_failed(open_scripted: OpenScripted) -> None:
    uvm = with_fragile(with_account(open_scripted([FAILS, FAILS])))
    before = uvm.why("account", "rest_").failures

    failed(uvm, 2)

    assert (before, uvm.why("account", "rest_").failures) == (0, 2)


def test_a_source_that_misbehaved_is_not_proposed_again_after_an_undo(
    open_scripted: OpenScripted,
) -> None:
    uvm = with_fragile(with_account(open_scripted([FAILS, FAILS])))
    failed(uvm, 3)
    uvm.undo()

    with pytest.raises(GrowthFailed):
        uvm.send("account", "rest_", 90, examples=[((90,), 1), ((99,), 10)])


def test_forgetting_an_object_forgets_its_strikes(open_scripted: OpenScripted) -> None:
    uvm = with_fragile(with_account(open_scripted([FAILS, FAILS])))
    failed(uvm, 3)

    uvm.forget("account")

    assert uvm.quarantined() == []


def _method(uvm: Uvm, selector: str) -> Method:
    with uvm.transaction() as root:
        return batos.mirror(root["account"]).method(selector)


# --- the kernel ------------------------------------------------------------------------------

ONE_SHOT = """
import sys
import batos
from batos.sandbox.meter import METER

with batos.open(sys.argv[1], trust="unwalled") as universe:
    if sys.argv[3] == "walled":
        universe.wall_in()
    universe.end_endless_methods()
    METER.kill_after_s = 0.3
    universe.send("account", sys.argv[2])
"""
COMPARE = """\
def spin(self):
    a, b = [], []
    for _ in range(40): a, b = [a, a], [b, b]
    self.balance = 0
    return a == b
"""


def one_shot(path: Path, selector: str, walls: str = "unwalled") -> int:
    command = [sys.executable, "-c", ONE_SHOT, str(path), selector, walls]
    return subprocess.run(command, capture_output=True, check=False).returncode


@pytest.mark.parametrize("walls", ["unwalled", pytest.param("walled", marks=pytest.mark.walls)])
def test_a_method_that_nothing_interrupts_is_ended_by_the_kernel_and_quarantined(
    walls: str,
    open_scripted: OpenScripted,
    universe_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    uvm = with_account(open_scripted([FINE]))
    with uvm.transaction() as root:
        image = batos.mirror(root["account"])
        image.define(COMPARE, {"by": "the mind", "proposal": 99})
        image.define("def outer(self):\n    self.balance = 1\n    return self.spin()")
    uvm.close()

    status = one_shot(universe_path, "outer", walls)

    assert was_ended_by_watchdog(status)
    again = open_scripted([FINE])
    assert again.send("account", "balance") == 100
    (record,) = again.quarantined()
    assert (record.suspect.receiver, record.suspect.selector) == ("account", "spin")
    assert "line 5 of spin" in record.strikes[0]
    assert "account.spin is in quarantine" in caplog.text
    with pytest.raises(MethodQuarantined):
        again.send("account", "outer")


def test_a_reader_leaves_what_a_dead_process_left_to_the_next_owner(
    open_scripted: OpenScripted, universe_path: Path, settings: Settings
) -> None:
    uvm = with_account(open_scripted([FINE]))
    with uvm.transaction() as root:
        batos.mirror(root["account"]).define(COMPARE, {"by": "the mind"})
    uvm.close()
    assert was_ended_by_watchdog(one_shot(universe_path, "spin"))

    with open_uvm(universe_path, read_only=True, settings=settings) as reader:
        assert reader.quarantined() == []

    assert len(open_scripted([FINE]).quarantined()) == 1


def test_a_persons_method_that_the_kernel_ended_is_told_and_runs_again(
    open_scripted: OpenScripted, universe_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    uvm = with_account(open_scripted([FINE]))
    with uvm.transaction() as root:
        batos.mirror(root["account"]).define(COMPARE)
    uvm.close()

    assert was_ended_by_watchdog(one_shot(universe_path, "spin"))

    again = open_scripted([FINE])
    assert "the process that ran account.spin ended in the middle of it" in caplog.text
    assert again.quarantined() == []


def test_a_process_that_somebody_kills_is_one_strike_only(
    open_scripted: OpenScripted, universe_path: Path
) -> None:
    uvm = with_account(open_scripted([FINE]))
    with uvm.transaction() as root:
        batos.mirror(root["account"]).define(COMPARE, {"by": "the mind"})
    uvm.close()
    source = ONE_SHOT.replace("METER.kill_after_s = 0.3", "print('ready', flush=True)")
    command = [sys.executable, "-c", source, str(universe_path), "spin", "unwalled"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        _wait_for_a_note(universe_path)
        process.send_signal(signal.SIGKILL)

    again = open_scripted([FINE])

    assert len(again.journal.strikes(_method(again, "spin"))) == 1
    assert again.quarantined() == []


def _wait_for_a_note(path: Path) -> None:
    while True:
        for note in (path / "tmp").glob("running-*"):
            if note.read_bytes()[:1] == b"\1":
                return


def test_a_method_that_takes_all_memory_ends_with_an_error_and_a_strike(
    universe_path: Path, open_scripted: OpenScripted
) -> None:
    uvm = with_account(open_scripted([FINE]))
    source = "def eat(self):\n    x = []\n    while True: x.append([0] * 10**5)"
    with uvm.transaction() as root:
        batos.mirror(root["account"]).define(source, {"by": "the mind"})
    uvm.close()
    program = textwrap.dedent("""
        import sys
        import batos
        from batos import processes
        from batos.errors import BudgetSpent

        processes.MEMORY_BYTES = 64 << 20
        with batos.open(sys.argv[1], trust="unwalled") as universe:
            universe.end_endless_methods()
            try:
                universe.send("account", "eat")
            except BudgetSpent as error:
                print(error.budget)
    """)

    command = [sys.executable, "-c", program, str(universe_path)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)

    assert said.stdout == "memory\n", said.stderr
    again = open_scripted([FINE])
    assert len(again.journal.strikes(_method(again, "eat"))) == 1


def test_threads_that_begin_at_once_keep_one_note(open_scripted: OpenScripted) -> None:
    uvm = with_account(open_scripted([FINE]))
    with uvm.transaction() as root:
        batos.mirror(root["account"]).define("def get(self):\n    return self.balance")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: uvm.send("account", "get"), range(16)))

    assert answers == [100] * 16
    assert len(list((uvm.path / "tmp").glob("running-*"))) == 1


def test_a_note_of_a_message_that_ended_well_blames_nobody(
    open_scripted: OpenScripted, universe_path: Path
) -> None:
    uvm = with_fragile(with_account(open_scripted([FAILS, FAILS])))
    uvm.send("account", "rest_", 90)
    failed(uvm, 1)

    (note,) = (universe_path / "tmp").glob("running-*")

    assert note.read_bytes()[:1] == b"\0"
    uvm.close()
    assert not note.exists()
