"""A handle without approval sends and looks, whatever it is asked to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import batos
from batos.errors import ApprovalNeeded, MessageNotUnderstood, PersonNeeded, WallsNeeded
from batos.kernel.method import Method
from batos.kernel.uvm_object import UvmObject
from batos.sandbox import walls
from batos.settings import Settings
from batos.synthesis.growth import Asking
from batos.universe.journal import State
from batos.universe.scope import Scope
from batos.universe.universe import open_universe
from batos.uvm import Uvm
from batos.workbench.doctor import _walls
from batos.workbench.options import Options

OpenScripted = Callable[..., Uvm]
TIMES = "\n    return balance * amount"
GREET = "def greet(self):\n    return 'hi'"


@pytest.fixture
def uvm(open_scripted: OpenScripted) -> Uvm:
    """A universe with an account, and a proposal that waits."""
    uvm = open_scripted([TIMES, TIMES])
    with uvm.transaction("account") as root:
        root["account"] = root["genesis_obj"].clone(balance=100)
    with pytest.raises(ApprovalNeeded):
        uvm.send("account", "times_", 2, mode="ask")
    return uvm


def changing(change: Callable[[UvmObject], object]) -> Callable[[Uvm], object]:
    def act(handle: Uvm) -> None:
        with handle.transaction() as root:
            change(root["account"])

    return act


def adding(handle: Uvm) -> None:
    with handle.transaction() as root:
        root["mine"] = UvmObject(greet=Method(GREET, {"approved_by": "me"}))


ACTS: dict[str, Callable[[Uvm], object]] = {
    "approve": lambda handle: handle.journal.decide(1, State.APPROVED),
    "reject": lambda handle: handle.journal.decide(1, State.REJECTED),
    "edit": lambda handle: handle.edit(1, "def times_(self, amount):\n    return 0"),
    "approve an edit": lambda handle: handle.approve(1),
    "promote": lambda handle: handle.promote("account", "times_"),
    "add an adapter": lambda handle: handle.adapters.add(Path("here"), "brick"),
    "wear an adapter": lambda handle: handle.adapters.wear("toolsmith", None),
    "remove an adapter": lambda handle: handle.adapters.remove("brick@1"),
    "define": changing(lambda account: batos.mirror(account).define(GREET)),
    "write a method": changing(lambda account: setattr(account, "greet", Method(GREET, {}))),
    "write data": changing(lambda account: setattr(account, "balance", 0)),
    "permit": changing(lambda account: batos.mirror(account).permit("write", "no")),
    "reparent": changing(lambda account: batos.mirror(account).set("parent*", UvmObject())),
    "add an object": adding,
    "release": lambda handle: handle.release("account", "times_"),
    "undo": lambda handle: handle.undo(),
    "restore": lambda handle: handle.restore("account", "1 minute ago"),
    "import": lambda handle: handle.import_("nowhere"),
    "forget": lambda handle: handle.forget("account"),
    "finish a forgetting": lambda handle: handle.finish_forgetting(),
    "pack": lambda handle: handle.pack("0"),
}


@pytest.mark.parametrize("act", ACTS)
def test_what_a_person_does_is_refused_to_a_handle_without_approval(act: str, uvm: Uvm) -> None:
    before = [moment.tid for moment in uvm.log(99, everything=True)]

    with pytest.raises(PersonNeeded):
        ACTS[act](uvm.without_approval())

    assert [moment.tid for moment in uvm.log(99, everything=True)] == before
    assert uvm.journal.get(1).state is State.PROPOSED


def test_it_sends_messages_that_change_objects_and_looks(uvm: Uvm) -> None:
    with uvm.transaction() as root:
        batos.mirror(root["account"]).define(
            "def put_(self, n):\n    self.balance = n\n    return n"
        )
    handle = uvm.without_approval()

    assert handle.send("account", "put_", 5) == 5

    with handle.transaction() as root:
        assert root["account"].balance == 5
    assert [place.object for place in handle.implementors("put_")] == ["account"]
    assert handle.log(1)[0].note == "account put_(5)"


def test_nobody_is_asked_through_it_and_its_own_answer_does_not_count(uvm: Uvm) -> None:
    asking = Asking("ask", samples=1, approve=lambda _proposal: True)

    with pytest.raises(ApprovalNeeded):
        uvm.without_approval().send("account", "times_", 2, asking=asking)

    assert uvm.journal.get(1).state is State.PROPOSED


@pytest.mark.parametrize(
    ("mode", "error"), [("ask", ApprovalNeeded), ("off", MessageNotUnderstood)]
)
def test_it_lets_methods_grow_no_more_freely_than_the_universe_was_opened(
    mode: str, error: type[Exception], universe_path: Path, settings: Settings
) -> None:
    from batos.engines.contract import Scripted

    engine = Scripted([TIMES, TIMES])
    asking = Asking(mode, samples=2)  # type: ignore[arg-type]
    universe = open_universe(universe_path)
    with Uvm(universe, "unwalled", asking, settings, lambda _path: engine) as uvm:
        with uvm.transaction() as root:
            root["account"] = root["genesis_obj"].clone(balance=100)

        with pytest.raises(error):
            uvm.without_approval().send("account", "times_", 2, mode="auto")


def test_a_universe_can_be_opened_without_approval_from_the_start(
    universe_path: Path, settings: Settings
) -> None:
    universe = open_universe(universe_path)
    uvm = Uvm(universe, "unwalled", Asking("off"), settings, scope=Scope.CLIENT)

    with pytest.raises(PersonNeeded), uvm.transaction() as root:
        root["account"] = root["genesis_obj"].clone()

    universe.close()


def test_a_handle_does_not_close_what_it_was_taken_from(uvm: Uvm) -> None:
    with uvm.without_approval():
        pass

    assert uvm.send("account", "balance") == 100


def test_without_walls_nothing_grows_by_itself_and_the_doctor_says_so(
    universe_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walls, "why_unavailable", lambda: "a test takes them away")
    universe = open_universe(universe_path)
    with Uvm(universe, "walled", Asking("auto"), settings) as uvm:
        with uvm.transaction() as root:
            root["account"] = root["genesis_obj"].clone(balance=100)

        with pytest.raises(WallsNeeded, match="a test takes them away"):
            uvm.send("account", "times_", 2)

    (finding,) = _walls(Options())
    assert finding.text == "none (a test takes them away): methods grow in mode ask only"
