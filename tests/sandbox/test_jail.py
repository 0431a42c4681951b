"""The trial jail: real processes, hostile methods, and a jail that dies."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import NoReturn

import pytest
from tests.sandbox.jails import Spawner, Started, with_first, with_program

from batos.errors import ChildDied, ClosureTooLarge, WallsUnavailable
from batos.kernel.method import Method, Primitive
from batos.kernel.mirror import mirror
from batos.kernel.uvm_object import UvmObject
from batos.sandbox import jail as jail_module
from batos.sandbox.jail import REMOVED, ZYGOTE_ARGV, Case, Jail, Outcome, Report
from batos.sandbox.world import Ref, capture

pytestmark = pytest.mark.walls

ONCE = [Case()]

# The jail with its first ring taken out: what a method is that has broken the gate.
UNGUARDED = """
import sys; sys.path += sys.argv[2].split(":")
import ctypes, os, socket, subprocess, threading
from batos.sandbox import zygote
def compile_anything(source):
    found = {"os": os, "sys": sys, "socket": socket, "ctypes": ctypes, "threading": threading}
    exec(source, found)
    return found["f"]
zygote.compile_method = compile_anything
zygote._warm_up = lambda: None
zygote.main(sys.argv[-1])
"""
UNGUARDED_ARGV = with_program(UNGUARDED)


@contextmanager
def opened(spawner: Spawner, case_s: float = 2.0) -> Iterator[Jail]:
    jail = Jail(spawner, case_s=case_s)
    try:
        yield jail
    finally:
        jail.close()


@pytest.fixture(scope="module")
def spawner() -> Spawner:
    return Spawner(ZYGOTE_ARGV)


@pytest.fixture(scope="module")
def jail(spawner: Spawner) -> Iterator[Jail]:
    with opened(spawner) as warm:
        yield warm


@pytest.fixture(scope="module")
def unguarded() -> Iterator[Jail]:
    with opened(Spawner(UNGUARDED_ARGV), case_s=0.2) as warm:
        yield warm


@pytest.fixture
def account() -> UvmObject:
    return UvmObject(balance=100, log=[])


def outcome_of(report: Report) -> Outcome:
    assert (report.refused, report.killed) == (None, None)
    (outcome,) = report.outcomes
    return outcome


def error_of(report: Report) -> str:
    error = outcome_of(report).error
    assert error is not None
    return error


def open_files(process: Path) -> list[str]:
    return sorted(link.name for link in (process / "fd").iterdir())


# --- honest methods -----------------------------------------------------------------------

DEPOSIT = """
def deposit_(self, amount):
    self.balance += amount
    self.log.append(amount)
    return self.balance
"""


def test_a_method_is_tried_on_a_copy(jail: Jail, account: UvmObject) -> None:
    report = jail.trial(DEPOSIT, "deposit_", account, [Case((50,))])

    changes = {("self", "balance"): 150, ("self", "log"): [50]}
    assert outcome_of(report) == Outcome(150, None, changes)
    assert mirror(account).data() == {"balance": 100, "log": []}
    assert not mirror(account).understands("deposit_")
    assert report.ms > 0


def test_every_case_starts_afresh_from_what_is_given(jail: Jail, account: UvmObject) -> None:
    cases = [Case((1,)), Case((1,)), Case((1,), given={"balance": 7, "log": [0]})]

    report = jail.trial(DEPOSIT, "deposit_", account, cases)

    assert [outcome.result for outcome in report.outcomes] == [101, 101, 8]
    assert report.outcomes[2].changes == {("self", "balance"): 8, ("self", "log"): [0, 1]}


def test_arguments_may_have_names_and_be_objects(jail: Jail, account: UvmObject) -> None:
    source = """
def pay_to(self, amount, to):
    to.balance += amount
    del self.log
    return [to, self, {to: 1}]
"""
    other = UvmObject(balance=0)
    case = Case((30,), keywords={"to": other})

    outcome = outcome_of(jail.trial(source, "pay_to", account, [case]))

    assert outcome.result == [other, account, {other: 1}]
    assert outcome.changes == {("object 1", "balance"): 30, ("self", "log"): REMOVED}


def test_an_object_that_a_method_makes_is_seen(jail: Jail, account: UvmObject) -> None:
    source = "def twin(self):\n    return self.clone(balance=1)"

    outcome = outcome_of(jail.trial(source, "twin", account, ONCE))

    assert outcome.result == Ref("new 1")
    assert outcome.changes == {("new 1", "balance"): 1, ("new 1", "parent*"): account}


def test_a_method_sends_to_methods_that_are_there(jail: Jail, account: UvmObject) -> None:
    parent = UvmObject()
    mirror(parent).set("twice_", Method("def twice_(self, n):\n    return 2 * n", {}))
    mirror(parent).set("setSlot_value_", Primitive("kernel.set_slot"))
    mirror(account).set("parent*", parent)
    source = """
def grow(self):
    self.setSlot_value_("balance", self.twice_(self.balance))
"""

    outcome = outcome_of(jail.trial(source, "grow", account, ONCE))

    assert outcome.changes == {("self", "balance"): 200}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("raise ValueError('no money')", "ValueError: no money (line 2 of f)"),
        ("return [1][3]", "IndexError"),
        ("return lambda: 1", "NotStorable"),
        ("return (n for n in [1])", "NotStorable"),
        ("return self.unknown", "NotStorable"),
        ("return self.unknown(1)", "MessageNotUnderstood"),
        ("return 'x' * 100_000", "the answer takes more than 65536 bytes"),
        ("self.text = 'x' * 100_000", "the answer takes more than 65536 bytes"),
        ("return self.f()", "RecursionError"),
        ("return [0] * 10**10", "longer than 1,000,000 items"),
        ("self.parent = 1\n    self.above.balance = 2", "SlotRefused"),
        ("return self.teach_('x')", "not for methods to call"),
    ],
)
def test_a_method_that_fails_says_how(
    jail: Jail, account: UvmObject, body: str, error: str
) -> None:
    primordial = UvmObject(balance=1)
    mirror(primordial).set("doesNotUnderstand_", Primitive("synthesis.not_understood"))
    mirror(primordial).set("teach_", Primitive("school.teach"))
    mirror(primordial).seal()
    mirror(account).set("parent*", primordial)
    account.above = primordial

    report = jail.trial(f"def f(self):\n    {body}", "f", account, ONCE)

    assert error in error_of(report)
    assert outcome_of(report).changes == {}


def test_an_error_gives_a_terminal_nothing_to_obey(jail: Jail, account: UvmObject) -> None:
    source = r"def f(self, text):" "\n    raise ValueError(text)"
    cases = [Case(("\x1b[2J\n\u202e\udc80 fine: ä",)), Case(("x" * 100_000,))]

    cleared, long = jail.trial(source, "f", account, cases).outcomes

    shown = r"ValueError: \x1b[2J\n\u202e\udc80 fine: ä (line 2 of f)"
    assert cleared.error == shown
    assert len(str(long.error)) < 1_100


def test_a_trial_replays_with_its_seed(jail: Jail, account: UvmObject) -> None:
    source = "def f(self):\n    import random\n    return random.random()"

    def drawn(seed: int) -> list[object]:
        report = jail.trial(source, "f", account, [Case(), Case()], seed=seed)
        return [outcome.result for outcome in report.outcomes]

    assert drawn(1) == drawn(1)
    assert len({*drawn(1), *drawn(2)}) == 4  # each case draws its own


def test_the_gate_refuses_before_anything_runs(jail: Jail, account: UvmObject) -> None:
    report = jail.trial("def f(self):\n    import os", "f", account, ONCE)

    assert report.refused is not None
    assert "line 2" in report.refused[0]
    assert report.outcomes == ()


def test_a_method_of_another_name_is_refused(jail: Jail, account: UvmObject) -> None:
    report = jail.trial("def g(self):\n    return 1", "f", account, ONCE)

    assert report.refused == ("line 1: it defines 'g', not 'f'",)


def test_a_case_that_loops_leaves_the_others_their_time(jail: Jail, account: UvmObject) -> None:
    source = "def f(self, n):\n    while n:\n        n += 1\n    return n"

    report = jail.trial(source, "f", account, [Case((1,)), Case((0,)), Case((1,))])

    assert report.killed is None
    assert [outcome.result for outcome in report.outcomes] == [None, 0, None]
    assert "BudgetSpent" in str(report.outcomes[0].error)


def test_only_what_receiver_and_arguments_reach_is_copied(jail: Jail) -> None:
    traits = UvmObject(kind="traits")
    account, other = traits.clone(balance=1), traits.clone(balance=2)
    traits.clone(text="x" * (50 << 20), account=account)  # knows them, and nobody knows it

    report = jail.trial("def f(self, o):\n    return o.balance", "f", account, [Case((other,))])

    assert outcome_of(report).result == 2
    assert capture(account, [other]).objects == [account, traits, other]


def test_an_answer_is_made_of_pythons_own_types(jail: Jail, account: UvmObject) -> None:
    source = "def f(self):\n    return [self.log, {'a': self.log}, {1}, (True, 1.0), 'x', None]"

    result = outcome_of(jail.trial(source, "f", account, [Case(given={"log": [[1]]})])).result

    assert exact_types(result) <= {list, dict, set, tuple, bool, int, float, str, type(None)}
    assert result == [[[1]], {"a": [[1]]}, {1}, (True, 1.0), "x", None]


def exact_types(value: object) -> set[type]:
    items = value.values() if isinstance(value, dict) else value
    if isinstance(value, str) or not isinstance(items, Collection):
        return {type(value)}
    return {type(value)}.union(*map(exact_types, items))


def test_the_owner_compiles_nothing_to_try_a_method(
    jail: Jail, account: UvmObject, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compile_here(*_args: object) -> NoReturn:
        raise AssertionError("a compile bomb would go off in the owner")

    monkeypatch.setattr("builtins.compile", compile_here)

    report = jail.trial(DEPOSIT, "deposit_", account, [Case((1,))])

    assert outcome_of(report).result == 101


def test_an_error_that_cannot_be_shown_leaves_the_other_cases_their_turn(
    jail: Jail, account: UvmObject
) -> None:
    source = """
def f(self, n):
    x = []
    for _ in range(n): x = [x, x]
    raise ValueError(x)
"""

    report = jail.trial(source, "f", account, [Case((100_000,)), Case((40,))])

    assert [outcome.error for outcome in report.outcomes] == [
        "ValueError: <list> (line 5 of f)"
    ] * 2


def test_an_object_that_reaches_too_much_is_not_tried_on(jail: Jail) -> None:
    with pytest.raises(ClosureTooLarge, match="bytes"):
        jail.trial(DEPOSIT, "deposit_", UvmObject(text="x" * (5 << 20)), [Case((1,))])


# --- what is never told -------------------------------------------------------------------


def test_a_jail_is_never_told_what_is_expected(account: UvmObject) -> None:
    sent = bytearray()

    class Overheard(Started):
        def __init__(self, argv: Sequence[str]) -> None:
            super().__init__(argv)
            plain = self.socket
            self.socket = _Tapped(plain.family, plain.type, fileno=plain.detach())

    class _Tapped(socket.socket):
        def sendall(self, data: object, flags: int = 0) -> None:
            sent.extend(data)  # type: ignore[arg-type]
            super().sendall(data, flags)  # type: ignore[arg-type]

    provenance = {"examples": [((50,), "the expected answer")]}
    mirror(account).set("deposit_", Method(DEPOSIT, provenance))

    listening = Jail(lambda: Overheard(ZYGOTE_ARGV))
    listening.trial(DEPOSIT, "deposit_", account, [Case((4321,))])
    listening.close()

    assert [field.name for field in fields(Case)] == ["args", "keywords", "given"]
    assert b"4321" in sent
    assert b"expected" not in sent


def test_the_jail_holds_nothing_worth_having(jail: Jail, spawner: Spawner) -> None:
    jail.trial("def f(self):\n    return 1", "f", UvmObject(), ONCE)
    process = Path(f"/proc/{spawner.latest.pid}")

    assert (process / "environ").read_bytes() == b""
    assert open_files(process) == ["0", "1", "2", "3"]
    assert {str((process / "fd" / name).readlink()) for name in "012"} == {"/dev/null"}
    assert "NoNewPrivs:\t1" in (process / "status").read_text()


# --- hostile methods, with the language gate taken away -------------------------------------


@pytest.mark.parametrize(
    "attack",
    [
        "os.fork()",
        "os.execv('/bin/true', ['true'])",
        "os.posix_spawn('/bin/true', ['true'], {})",
        "socket.socket()",
        "os.kill(os.getppid(), 9)",
        "os.kill(os.getpid(), 9)",
        "ctypes.CDLL(None).ptrace(16, os.getpid(), 0, 0)",
        "threading.Thread(target=print).start()",
        "os.dup(0)",
    ],
)
def test_a_method_that_broke_the_gate_is_killed_at_the_wall(
    unguarded: Jail, attack: str
) -> None:
    report = unguarded.trial(f"def f(self):\n    {attack}", "f", UvmObject(), ONCE)

    assert report.killed == f"signal {signal.SIGSYS.value}"
    assert report.outcomes == (Outcome(error=report.killed),)


@pytest.mark.parametrize(
    ("attack", "error"),
    [
        ("open('/etc/passwd')", "PermissionError"),
        ("open('/tmp/escaped', 'w')", "PermissionError"),
        ("os.write(3, b'x')", "OSError: [Errno 9]"),  # the socket to the owner
        ("os.listdir('/proc/self/fd')", "PermissionError"),
        ("bytearray(10 << 30)", "out of memory"),
        ("import sqlite3", "Error"),
    ],
)
def test_a_method_that_broke_the_gate_finds_nothing(
    unguarded: Jail, attack: str, error: str
) -> None:
    report = unguarded.trial(f"def f(self):\n    {attack}", "f", UvmObject(), ONCE)

    assert error in error_of(report)


def test_a_method_that_broke_the_gate_reads_no_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SECRET", "canary")
    with opened(Spawner(UNGUARDED_ARGV)) as jail:
        report = jail.trial("def f(self):\n    return dict(os.environ)", "f", UvmObject(), ONCE)

    found = outcome_of(report).result
    assert isinstance(found, dict)
    assert "SECRET" not in found


def test_a_method_that_nothing_else_can_stop_is_killed(unguarded: Jail) -> None:
    source = "def f(self, n):\n    while n: pass\n    return n"

    report = unguarded.trial(source, "f", UvmObject(), [Case((0,)), Case((1,)), Case((0,))])

    assert report.killed == "out of time"
    assert report.outcomes == (
        Outcome(0),
        Outcome(error="out of time"),
        Outcome(error="not tried: an earlier case ended the trial"),
    )


@pytest.mark.parametrize(
    ("forged", "killed"),
    [
        ("b'nonsense\\n'", "it answered what no trial answers"),
        ('b\'{"result": ["object", -1], "changes": []}\\n\'', "it answered what no trial"),
        ('b\'{"result": {}, "changes": []}\\n\'', "it answered what no trial answers"),
        ("b'[' * 60000 + b'\\n'", "it answered what no trial answers"),
        ("b'{\"refused\": []}\\n'", "it answered what no trial answers"),
        ('b\'{"refused": "line 1"}\\n\'', "it answered what no trial answers"),
        ("b'{\"refused\": 1}\\n'", "it answered what no trial answers"),
        (
            'b\'{"result": ["int", "0x\' + b"f" * 60000 + b\'"], "changes": []}\\n\'',
            "it answered what no trial answers",
        ),
        ("b''", "it ended before its last case"),
        ("b'x' * (1 << 20)", "wrote too much"),
    ],
)
def test_a_child_that_forges_its_answer_convinces_nobody(
    unguarded: Jail, forged: str, killed: str
) -> None:
    source = f"""
def f(self):
    for number in range(32):
        try: os.write(number, {forged})
        except OSError: pass
    os._exit(0)
"""

    report = unguarded.trial(source, "f", UvmObject(), ONCE)

    assert str(report.killed).startswith(killed)
    assert report.outcomes == (Outcome(error=report.killed),)


def test_a_forged_name_of_a_slot_gives_a_terminal_nothing_to_obey(unguarded: Jail) -> None:
    forged = r'{"result": 1, "changes": [[0, "\\u001b[2J", [1]]]}' + r"\n"
    source = f"""
def f(self):
    for number in range(32):
        try: os.write(number, b'{forged}')
        except OSError: pass
    os._exit(0)
"""

    report = unguarded.trial(source, "f", UvmObject(), ONCE)

    assert outcome_of(report).changes == {("self", r"\x1b[2J"): 1}


def test_the_next_trial_knows_nothing_of_the_one_before(unguarded: Jail) -> None:
    mark = "def f(self):\n    sys.left_behind = 1\n    return 1"
    look = "def f(self):\n    return hasattr(sys, 'left_behind')"

    unguarded.trial(mark, "f", UvmObject(), ONCE)

    assert outcome_of(unguarded.trial(look, "f", UvmObject(), ONCE)).result is False


# --- a jail that dies ---------------------------------------------------------------------


def test_a_jail_that_was_killed_is_replaced(account: UvmObject) -> None:
    spawner = Spawner(ZYGOTE_ARGV)
    with opened(spawner) as jail:
        jail.trial(DEPOSIT, "deposit_", account, [Case((1,))])
        os.kill(spawner.latest.pid, signal.SIGKILL)

        report = jail.trial(DEPOSIT, "deposit_", account, [Case((1,))])

    assert outcome_of(report).result == 101
    assert len(spawner.started) == 2


def test_a_jail_that_cannot_live_is_reported(account: UvmObject) -> None:
    with (
        opened(Spawner(("/bin/false",))) as jail,
        pytest.raises(ChildDied, match="exit status 1"),
    ):
        jail.trial(DEPOSIT, "deposit_", account, [Case((1,))])


def test_a_jail_that_hangs_is_replaced(
    account: UvmObject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jail_module, "_PATIENCE_S", 0.1)
    spawner = Spawner(ZYGOTE_ARGV)
    with opened(spawner, case_s=0.1) as jail:
        jail.trial(DEPOSIT, "deposit_", account, [Case((1,))])
        os.kill(spawner.latest.pid, signal.SIGSTOP)
        with pytest.raises(ChildDied, match="timed out"):
            jail.trial(DEPOSIT, "deposit_", account, [Case((1,))])

        report = jail.trial(DEPOSIT, "deposit_", account, [Case((2,))])

    assert outcome_of(report).result == 102


def test_a_jail_that_sends_a_huge_frame_is_replaced(account: UvmObject) -> None:
    flood = "import socket; socket.socket(fileno=int(sys.argv[-1])).sendall(b'\\xff' * 4)"
    with (
        opened(Spawner(with_first(f"{flood}; sys.exit()"))) as jail,
        pytest.raises(ChildDied, match="a frame of 4294967295 bytes"),
    ):
        jail.trial(DEPOSIT, "deposit_", account, [Case((1,))])


def test_many_trials_leave_no_file_and_no_process(jail: Jail, spawner: Spawner) -> None:
    source = "def f(self, n):\n    return n"
    jail.trial(source, "f", UvmObject(), [Case((0,))])
    process = Path(f"/proc/{spawner.latest.pid}")
    ours = len(open_files(Path("/proc/self")))

    for number in range(200):
        report = jail.trial(source, "f", UvmObject(), [Case((number,))])
        assert outcome_of(report).result == number

    assert len(open_files(process)) == 4
    assert (process / "task" / process.name / "children").read_text() == ""
    assert len(open_files(Path("/proc/self"))) == ours


# --- a system without walls ---------------------------------------------------------------

NO_LANDLOCK = with_first("from batos.sandbox import landlock; landlock.abi = lambda: 0")


def test_without_walls_nothing_is_tried(account: UvmObject) -> None:
    with (
        opened(Spawner(NO_LANDLOCK)) as jail,
        pytest.raises(WallsUnavailable, match="Landlock"),
    ):
        jail.trial(DEPOSIT, "deposit_", account, [Case((1,))])


def test_without_walls_a_jail_that_was_told_so_tries_within_limits(account: UvmObject) -> None:
    jail = Jail(Spawner(NO_LANDLOCK), unwalled=True)

    report = jail.trial(DEPOSIT, "deposit_", account, [Case((1,))])
    jail.close()

    assert outcome_of(report).result == 101
