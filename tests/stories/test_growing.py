"""Story 1, a message that nobody understands, from end to end: real jail, real database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import batos
from batos.engines.contract import Request, Scripted
from batos.errors import (
    ApprovalNeeded,
    ArgumentsRefused,
    ExamplesRefused,
    ExtraMissing,
    GrowthFailed,
    MessageNotUnderstood,
    NoSuchObject,
    NotStorable,
    PrimitiveFailed,
    SlotRefused,
    WallsNeeded,
)
from batos.settings import Settings
from batos.synthesis.examples import Example
from batos.synthesis.growth import Asking, Mode, Step
from batos.universe.browser import Place
from batos.universe.journal import State
from batos.universe.names import Named
from batos.universe.universe import open_universe
from batos.uvm import Uvm

DEPOSIT = "\n    balance += amount\n    return balance"
EXAMPLES: list[Example | Sequence[object]] = [
    Example((10,), 110, after={"balance": 110}),
    ((25,), 125),
]

OpenScripted = Callable[..., Uvm]


def with_account(uvm: Uvm, balance: object = 100) -> Uvm:
    with uvm.transaction() as root:
        root["account"] = root["genesis_obj"].clone(balance=balance)
    return uvm


def test_a_missing_method_is_written_proven_installed_and_answers(
    open_scripted: OpenScripted,
) -> None:
    uvm = with_account(open_scripted(["\n    return amount", DEPOSIT]))

    answer = uvm.send("account", "deposit_", 50, examples=EXAMPLES)

    assert answer == 150
    assert uvm.send("account", "balance") == 150
    assert [moment.grew for moment in uvm.log(5) if moment.grew] == [["deposit_ (proposal 1)"]]


def test_a_grown_slot_says_what_it_came_from_and_can_be_browsed(
    open_scripted: OpenScripted,
) -> None:
    uvm = with_account(open_scripted([DEPOSIT]))
    uvm.send("account", "deposit_", 50, examples=EXAMPLES)

    with uvm.transaction() as root:
        slot = batos.mirror(root["account"]).slot("deposit_")
    assert slot.by == "the mind (proposal 1)"
    assert slot.created is not None
    assert uvm.implementors("deposit_") == (Place("account", "deposit_", "method"),)
    assert uvm.senders("balance") == (Place("account", "deposit_", "reads, writes"),)
    assert uvm.understanding("deposit_") == (Place("account", "deposit_", "own"),)
    assert uvm.referrers("account") == (Place(None, "account", "name"),)


def test_after_a_restart_the_method_runs_without_a_mind_and_knows_its_origin(
    open_scripted: OpenScripted, universe_path: Path, settings: Settings
) -> None:
    uvm = with_account(open_scripted([DEPOSIT]))
    uvm.send("account", "deposit_", 50, examples=EXAMPLES)
    uvm.close()

    def no_mind(_path: Path) -> Scripted:
        raise AssertionError("a mind was started")

    again = Uvm(open_universe(universe_path), "walled", Asking("off"), settings, no_mind)
    with again:
        assert again.send("account", "deposit_", 50) == 200
        with again.transaction() as root:
            method = batos.mirror(root["account"]).method("deposit_")
        assert method.source.startswith(
            "def deposit_(self, amount):\n    self.balance += amount"
        )
        assert method.provenance["proposal"] == 1
        assert method.provenance["verdict"].startswith("all 2 examples agree")  # type: ignore[attr-defined]


def test_when_nothing_stands_it_abstains_and_nothing_is_changed(
    open_scripted: OpenScripted,
) -> None:
    uvm = with_account(
        open_scripted(["\n    return amount", "\n    balance = 0\n    return 0"])
    )
    before = uvm.log(1)

    with pytest.raises(GrowthFailed, match="answers 10, not 110"):
        uvm.send("account", "deposit_", 50, examples=EXAMPLES)

    assert uvm.send("account", "balance") == 100
    assert uvm.log(1) == before
    assert uvm.journal.list()[0].state is State.ABSTAINED


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("\n    while True:\n        pass", "budget|steps|time"),
        ("\n    return ' ' * 10 ** 10", "long|large|memory|Memory"),
        ("\n    raise ValueError('no')", "ValueError: no"),
        ("\n    return open('/etc/passwd')", "refused"),
        ("\n    import os", "refused"),
    ],
)
def test_a_proposal_that_misbehaves_harms_nothing(
    open_scripted: OpenScripted, body: str, why: str
) -> None:
    uvm = with_account(open_scripted([body]))

    with pytest.raises(GrowthFailed, match=why):
        uvm.send("account", "deposit_", 50, examples=EXAMPLES)

    assert uvm.send("account", "balance") == 100


def test_a_failing_best_is_repaired_once_with_its_failure_shown(
    open_scripted: OpenScripted,
) -> None:
    prompts: list[str] = []

    def script(request: Request, _choice: int) -> str:
        prompts.append(request.prompt)
        return DEPOSIT if "# because" in prompts[-1] else "\n    return balance"

    uvm = with_account(open_scripted(script))

    assert uvm.send("account", "deposit_", 50, examples=EXAMPLES) == 150
    assert "# because answers 100, not 110" in prompts[-1]
    assert len(set(prompts)) == 2


def test_the_mind_never_sees_the_withheld_example(open_scripted: OpenScripted) -> None:
    prompts: list[str] = []

    def script(request: Request, _choice: int) -> str:
        prompts.append(request.prompt)
        return "\n    return {1: 101, 2: 102}[amount]"

    uvm = with_account(open_scripted(script))
    examples = [((1,), 101), ((2,), 102), ((7777,), 7877)]

    with pytest.raises(GrowthFailed):
        uvm.send("account", "plus_", 5, examples=examples)

    assert not any("7777" in prompt or "7877" in prompt for prompt in prompts)


def test_off_refuses_without_a_thought(open_scripted: OpenScripted) -> None:
    uvm = with_account(open_scripted([DEPOSIT]))

    with pytest.raises(MessageNotUnderstood):
        uvm.send("account", "deposit_", 50, mode="off")

    assert uvm.journal.list() == []


def test_ask_waits_for_a_person_and_then_needs_no_second_thought(
    open_scripted: OpenScripted,
) -> None:
    asked: list[object] = []

    def script(request: Request, _choice: int) -> str:
        asked.append(request)
        return DEPOSIT

    uvm = with_account(open_scripted(script))
    with pytest.raises(ApprovalNeeded) as waiting:
        uvm.send("account", "deposit_", 50, examples=EXAMPLES, mode="ask")
    uvm.journal.decide(waiting.value.proposal_id, State.APPROVED)

    assert uvm.send("account", "deposit_", 50, examples=EXAMPLES, mode="ask") == 150
    assert len(asked) == 2  # two samples of one thought


def test_a_rejected_proposal_is_never_installed(open_scripted: OpenScripted) -> None:
    uvm = with_account(open_scripted([DEPOSIT]))
    asking = Asking("ask", samples=1, approve=lambda _proposal: False)

    with pytest.raises(GrowthFailed, match="you rejected it"):
        uvm.send("account", "deposit_", 50, examples=EXAMPLES, asking=asking)

    assert uvm.journal.get(1).state is State.REJECTED
    with uvm.transaction() as root:
        assert not batos.mirror(root["account"]).understands("deposit_")


def test_auto_needs_walls_unless_the_universe_is_trusted_without(
    universe_path: Path, settings: Settings
) -> None:
    engine = Scripted([DEPOSIT])
    universe = open_universe(universe_path)
    uvm = with_account(Uvm(universe, "walled", Asking("auto"), settings, lambda _path: engine))

    with uvm, pytest.raises(WallsNeeded):
        uvm.send("account", "deposit_", 50)

    assert engine.requests == []


def test_a_conflict_never_thinks_twice(open_scripted: OpenScripted) -> None:
    thoughts: list[object] = []

    def script(request: Request, choice: int) -> str:
        if choice:
            return DEPOSIT
        thoughts.append(request)
        with uvm.transaction() as root:  # somebody else changes the receiver meanwhile
            root["account"].balance += 1
        return DEPOSIT

    uvm = with_account(open_scripted(script))
    answer = uvm.send("account", "deposit_", 50)

    assert len(thoughts) == 1
    assert answer == 151


def test_without_examples_agreement_decides_and_the_verdict_says_so(
    open_scripted: OpenScripted,
) -> None:
    uvm = with_account(open_scripted([DEPOSIT, DEPOSIT, "\n    return 0"]))

    assert uvm.send("account", "deposit_", 50) == 150
    assert str(uvm.journal.get(1).provenance["verdict"]).startswith(
        "no examples, backed by 2 of 3"
    )


def test_an_object_that_is_not_stored_yet_can_grow_too(open_scripted: OpenScripted) -> None:
    uvm = open_scripted([DEPOSIT, DEPOSIT])

    with uvm.transaction() as root:
        account = root["genesis_obj"].clone(balance=1)
        root["account"] = account
        assert account.deposit_(2) == 3

    assert uvm.send("account", "balance") == 3


def test_undo_takes_the_method_and_its_effect_back_and_keeps_the_journal(
    open_scripted: OpenScripted,
) -> None:
    uvm = with_account(open_scripted([DEPOSIT]))
    uvm.send("account", "deposit_", 50, examples=EXAMPLES)

    uvm.undo()

    assert uvm.send("account", "balance") == 100
    with pytest.raises(MessageNotUnderstood):
        uvm.send("account", "deposit_", 50, mode="off")
    assert uvm.journal.get(1).state is State.INSTALLED


def test_the_watcher_sees_every_stage(open_scripted: OpenScripted) -> None:
    steps: list[Step] = []
    uvm = with_account(open_scripted([DEPOSIT]))

    uvm.send(
        "account",
        "deposit_",
        50,
        examples=EXAMPLES,
        asking=Asking("auto", samples=1, watch=steps.append),
    )

    stages = list(dict.fromkeys(step.stage for step in steps))
    assert stages == ["reflect", "propose", "try", "check", "choose", "install"]


def test_a_method_may_send_messages_to_the_objects_it_gets(open_scripted: OpenScripted) -> None:
    uvm = with_account(open_scripted(["\n    return other.balance + balance"] * 2))
    with uvm.transaction() as root:
        root["savings"] = root["genesis_obj"].clone(balance=7)

    both = uvm.send("account", "with_", Named("savings"), examples=[])

    assert both == 107


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda uvm: uvm.send("nobody", "x"), NoSuchObject),
        (lambda uvm: uvm.send("account", "no selector!"), SlotRefused),
        (lambda uvm: uvm.send("account", "class"), SlotRefused),
        (lambda uvm: uvm.send("account", "größe"), SlotRefused),
        (lambda uvm: uvm.send("genesis_obj", "hello"), SlotRefused),
        (lambda uvm: uvm.send("digital_ether", "hello"), MessageNotUnderstood),
        (lambda uvm: uvm.send("account", "balance", 5), ArgumentsRefused),
        (lambda uvm: uvm.send("account", "doesNotUnderstand_", 1), PrimitiveFailed),
        (lambda uvm: uvm.send("account", "keep_", print), NotStorable),
        (
            lambda uvm: uvm.send("account", "f_", 1, examples=[((1,), 1), ((1,), 2)]),
            ExamplesRefused,
        ),
        (
            lambda uvm: uvm.send(
                "account", "g_", 1, examples=[Example((1,), 1, {"blance": 1})]
            ),
            ExamplesRefused,
        ),
        (lambda uvm: uvm.send("account", "improveCognition"), ExtraMissing),
    ],
)
def test_bad_input_ends_in_one_clear_error_and_changes_nothing(
    open_scripted: OpenScripted, call: Callable[[Uvm], object], error: type[Exception]
) -> None:
    uvm = with_account(open_scripted([DEPOSIT]))
    before = len(uvm.log(99))

    with pytest.raises(error):
        call(uvm)

    assert len(uvm.log(99)) == before


def test_what_a_person_rejected_is_not_proposed_again(open_scripted: OpenScripted) -> None:
    uvm = with_account(
        open_scripted([DEPOSIT, "\n    balance = balance + amount\n    return balance"])
    )
    answers = iter([False, True])
    asking = Asking("ask", samples=2, approve=lambda _proposal: next(answers))

    with pytest.raises(GrowthFailed, match="you rejected it"):
        uvm.send("account", "deposit_", 50, examples=EXAMPLES, asking=asking)
    uvm.send("account", "deposit_", 50, examples=EXAMPLES, asking=asking)

    rejected, accepted = uvm.journal.list()
    assert (rejected.state, accepted.state) == (State.REJECTED, State.INSTALLED)
    assert rejected.source != accepted.source


def test_after_an_undo_the_method_waits_for_a_person_again(open_scripted: OpenScripted) -> None:
    uvm = with_account(open_scripted([DEPOSIT]))
    uvm.send("account", "deposit_", 50, examples=EXAMPLES)
    uvm.undo()

    with pytest.raises(ApprovalNeeded):
        uvm.send("account", "deposit_", 50, examples=EXAMPLES, mode="ask")

    assert [proposal.id for proposal in uvm.journal.list(State.PROPOSED)] == [1]


def test_undo_goes_further_back_each_time(open_scripted: OpenScripted) -> None:
    uvm = open_scripted([DEPOSIT])
    with uvm.transaction("account") as root:
        root["account"] = root["genesis_obj"].clone(balance=100, owners=["Ann", ["Bo"]])
    uvm.send("account", "deposit_", 50, examples=EXAMPLES)
    uvm.send("account", "deposit_", 50)

    notes = [uvm.undo().note for _ in range(3)]

    assert notes[:2] == ["account deposit_(50)"] * 2
    with pytest.raises(NoSuchObject):
        uvm.send("account", "balance")


def test_the_examples_of_a_message_do_not_judge_another_that_it_needs(
    open_scripted: OpenScripted,
) -> None:
    uvm = with_account(open_scripted(["\n    return 7"] * 2))
    with uvm.transaction() as root:
        batos.mirror(root["account"]).define("def outer(self):\n    return self.inner() + 1")

    assert uvm.send("account", "outer", examples=[((), 8)]) == 8


def test_a_method_that_hides_a_failed_growth_commits_nothing(
    open_scripted: OpenScripted,
) -> None:
    uvm = with_account(open_scripted([DEPOSIT]))
    with uvm.transaction() as root:
        batos.mirror(root["account"]).define(
            "def try_it(self):\n"
            "    self.balance = 0\n"
            "    try:\n"
            "        return self.deposit_(5)\n"
            "    except Exception:\n"
            "        return 'hidden'"
        )

    with pytest.raises(GrowthFailed):
        uvm.send("account", "try_it")

    assert uvm.send("account", "balance") == 100


def test_a_slot_called_card_is_not_taken_for_the_minds(open_scripted: OpenScripted) -> None:
    uvm = open_scripted([DEPOSIT])
    with uvm.transaction() as root:
        root["account"] = root["genesis_obj"].clone(balance=100, card="ace")

    uvm.send("account", "deposit_", 50, examples=EXAMPLES)

    assert uvm.journal.get(1).provenance["mind"]["name"] == "scripted"  # type: ignore[index]


def test_who_approved_is_told_as_it_was(open_scripted: OpenScripted) -> None:
    uvm = with_account(open_scripted([DEPOSIT]))
    with uvm.transaction() as root:
        root["sibling"] = root["genesis_obj"].clone(balance=100)

    uvm.send("account", "deposit_", 50, examples=EXAMPLES)
    uvm.send("sibling", "deposit_", 50, examples=EXAMPLES)

    with uvm.transaction() as root:
        for name in ("account", "sibling"):
            provenance = batos.mirror(root[name]).method("deposit_").provenance
            assert str(provenance["approved_by"]).startswith("auto, for ")


def test_an_installation_that_a_kill_left_undecided_is_written_down_by_the_next_owner(
    open_scripted: OpenScripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    uvm = with_account(open_scripted([DEPOSIT]))
    with monkeypatch.context() as killed:
        killed.setattr(uvm.journal, "decide", lambda *_: None)  # it dies before this step
        uvm.send("account", "deposit_", 50, examples=EXAMPLES)
    assert uvm.journal.get(1).state is State.PROPOSED
    uvm.close()

    again = open_scripted([DEPOSIT])

    assert again.journal.get(1).state is State.INSTALLED
    assert [moment.note for moment in again.log(1)] == ["account deposit_(50)"]


def test_an_installation_that_was_undone_before_a_kill_is_left_undecided(
    open_scripted: OpenScripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    uvm = with_account(open_scripted([DEPOSIT]))
    with monkeypatch.context() as killed:
        killed.setattr(uvm.journal, "decide", lambda *_: None)
        uvm.send("account", "deposit_", 50, examples=EXAMPLES)
    uvm.undo()
    uvm.close()

    again = open_scripted([DEPOSIT])

    assert again.journal.get(1).state is State.PROPOSED


def approved(uvm: Uvm, selector: str, *args: object, examples: Sequence[object] = ()) -> int:
    """Let a method be proposed, and approve it as `batos pending approve` does."""
    with pytest.raises(ApprovalNeeded) as waiting:
        uvm.send("account", selector, *args, examples=examples, mode="ask")  # type: ignore[arg-type]
    return uvm.journal.decide(waiting.value.proposal_id, State.APPROVED).id


def methods_by_selector(request: Request, _choice: int) -> str:
    """Double and triple as they are asked for; anything else in a way that no example shows."""
    if "def double" in request.prompt.splitlines()[-1]:
        return "\n    return balance * 2"
    return "\n    return balance * 3"


@pytest.mark.parametrize("mode", ["ask", "auto"])
def test_what_was_approved_with_examples_is_installed_by_a_send_without_them(
    open_scripted: OpenScripted, mode: Mode
) -> None:
    said = [DEPOSIT]
    uvm = with_account(open_scripted(lambda _request, _choice: said[0]))
    number = approved(uvm, "deposit_", 50, examples=EXAMPLES)
    said[0] = "\n    return amount"

    answer = uvm.send("account", "deposit_", 50, mode=mode)

    assert answer == 150
    assert [proposal.id for proposal in uvm.journal.list()] == [number]
    assert uvm.journal.get(number).state is State.INSTALLED


def test_an_approval_outlives_other_methods_slots_and_kinds_of_the_receiver(
    open_scripted: OpenScripted,
) -> None:
    uvm = with_account(open_scripted(methods_by_selector))
    double = approved(uvm, "double", examples=[((), 200)])
    triple = approved(uvm, "triple", examples=[((), 300)])
    with uvm.transaction() as root:
        root["account"].owner = "Ann"

    assert uvm.send("account", "double", mode="ask") == 200
    assert uvm.send("account", "triple", examples=[((), 300)], mode="ask") == 300
    assert [uvm.journal.get(number).state for number in (double, triple)] == ["installed"] * 2


def test_an_approval_is_for_its_receiver_and_its_kinds_of_arguments(
    open_scripted: OpenScripted,
) -> None:
    uvm = with_account(open_scripted([DEPOSIT, DEPOSIT]))
    with uvm.transaction() as root:
        root["other"] = root["genesis_obj"].clone(balance=1, owner="Ann")
    approved(uvm, "deposit_", 50, examples=EXAMPLES)

    with pytest.raises(ApprovalNeeded, match="Proposal 2 for other"):
        uvm.send("other", "deposit_", 50, mode="ask")
    with pytest.raises(ApprovalNeeded, match="Proposal 3 for account"):
        uvm.send("account", "deposit_", 0.5, mode="ask")


def test_other_examples_than_those_approved_ask_another_question(
    open_scripted: OpenScripted,
) -> None:
    uvm = with_account(open_scripted([DEPOSIT, DEPOSIT]))
    approved(uvm, "deposit_", 50, examples=EXAMPLES)

    with pytest.raises(ApprovalNeeded, match="Proposal 2"):
        uvm.send("account", "deposit_", 50, examples=[((1,), 101)], mode="ask")


def test_what_was_approved_and_does_not_stand_any_more_is_said_and_not_replaced(
    open_scripted: OpenScripted,
) -> None:
    uvm = with_account(open_scripted([DEPOSIT, DEPOSIT]))
    approved(uvm, "deposit_", 50, examples=EXAMPLES)
    with uvm.transaction() as root:
        root["account"].balance = 0

    with pytest.raises(
        GrowthFailed, match=r"proposal 1, which .* approved.*`batos pending reject"
    ):
        uvm.send("account", "deposit_", 50, mode="auto")

    assert uvm.send("account", "balance") == 0
    uvm.journal.decide(1, State.REJECTED)
    assert uvm.send("account", "deposit_", 50, mode="auto") == 50


def test_examples_that_cannot_be_kept_are_refused_before_a_thought(
    open_scripted: OpenScripted,
) -> None:
    uvm = with_account(open_scripted([DEPOSIT]))

    with pytest.raises(NotStorable, match="an example"):
        uvm.send("account", "deposit_", 50, examples=[((1,), print)])

    assert uvm.journal.list() == []


def test_examples_that_contradict_each_other_on_the_receiver_as_it_is_are_refused(
    open_scripted: OpenScripted,
) -> None:
    uvm = with_account(open_scripted([DEPOSIT]))
    as_it_is, named = Example((1,), 2), Example((1,), 3, given={"balance": 100})

    with pytest.raises(ExamplesRefused, match="one expects 2 and another 3"):
        uvm.send("account", "deposit_", 50, examples=[as_it_is, named])
    elsewhere = Example((1,), 101, given={"balance": 100})
    assert uvm.send("account", "deposit_", 50, examples=[elsewhere, ((1,), 101)]) == 150


GUESSES = ["\n    balance += amount\n    return balance"] * 2 + [
    "\n    return balance - amount"
]


def test_without_examples_a_person_may_say_which_answer_is_meant(
    open_scripted: OpenScripted,
) -> None:
    uvm = with_account(open_scripted(GUESSES))
    told: list[str] = []

    def confirm(text: str) -> bool:
        told.append(text)
        return "would answer 50" in text

    answer = uvm.send("account", "pay_", 50, asking=Asking("auto", samples=3, confirm=confirm))

    assert answer == 50
    assert told == [
        "pay_(50) would answer 150 and leave balance = 150",
        "pay_(50) would answer 50",
    ]
    (proposal,) = uvm.journal.list()
    assert "you confirmed" in str(proposal.provenance["verdict"])
    assert proposal.provenance["examples"] == [
        {"args": (50,), "given": {}, "after": {}, "result": 50}
    ]


def test_what_nobody_confirms_is_not_installed(open_scripted: OpenScripted) -> None:
    uvm = with_account(open_scripted(GUESSES))

    with pytest.raises(GrowthFailed, match="confirmed"):
        uvm.send(
            "account", "pay_", 50, asking=Asking("auto", samples=3, confirm=lambda _text: False)
        )

    assert uvm.send("account", "balance") == 100


def test_a_siblings_method_is_tried_before_the_mind_thinks(open_scripted: OpenScripted) -> None:
    uvm = with_account(open_scripted([DEPOSIT]))
    with uvm.transaction() as root:
        root["purse"] = root["genesis_obj"].clone(balance=5, owner="Ann")
    uvm.send("account", "deposit_", 50, examples=EXAMPLES)
    steps: list[Step] = []

    answer = uvm.send("purse", "deposit_", 1, asking=Asking("auto", watch=steps.append))

    assert answer == 6
    assert not [step for step in steps if step.stage == "propose"]
    newest = uvm.journal.list()[-1]
    assert newest.receiver == "purse"
    assert newest.provenance["of_kin"] == 1
    assert "grown for account" in str(newest.provenance["verdict"])


def test_a_siblings_method_that_does_not_stand_here_is_left(
    open_scripted: OpenScripted,
) -> None:
    uvm = with_account(open_scripted([DEPOSIT]))
    with uvm.transaction() as root:
        root["text"] = root["genesis_obj"].clone(balance="none", owner="Ann")
    uvm.send("account", "deposit_", 50, examples=EXAMPLES)
    steps: list[Step] = []

    with pytest.raises(GrowthFailed):
        uvm.send("text", "deposit_", 1, asking=Asking("auto", watch=steps.append))

    assert [step for step in steps if step.stage == "propose"]


def test_a_near_miss_is_edited_before_the_mind_is_asked_again(
    open_scripted: OpenScripted,
) -> None:
    uvm = with_account(open_scripted(["\n    balance -= amount\n    return balance"]))

    answer = uvm.send("account", "deposit_", 50, examples=EXAMPLES)

    assert answer == 150
    (proposal,) = uvm.journal.list()
    assert "a small edit" in str(proposal.provenance["verdict"])
    assert proposal.provenance["samples"] == 1  # one round: the fixture asks for one
