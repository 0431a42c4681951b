"""What was proposed, and what became of it."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from batos.errors import DecisionRefused, NoSuchProposal, NotStorable, UndoConflict
from batos.kernel.message import Message
from batos.kernel.mirror import mirror
from batos.kernel.uvm_object import UvmObject
from batos.universe.journal import Journal, Proposal, State
from batos.universe.universe import Universe, open_universe

MESSAGE = Message("deposit_", (50,))
PROPOSAL = Proposal(
    key="a question",
    receiver="<object 0x7>",
    selector="deposit_",
    source="def deposit_(self, n):\n    self.balance += n",
    provenance={"model": "scripted", "candidates": ["a", "b"], "trial": {"passed": 2}},
)


@pytest.fixture
def journal(universe: Universe) -> Journal:
    return Journal(universe, "ann")


def test_a_recorded_proposal_has_a_number_and_a_time(journal: Journal) -> None:
    before = dt.datetime.now(dt.UTC)

    recorded = journal.record(PROPOSAL, MESSAGE)

    assert recorded.id == 1
    assert recorded.at is not None
    assert before <= recorded.at <= dt.datetime.now(dt.UTC)
    assert journal.get(1) == recorded
    assert journal.record(PROPOSAL, MESSAGE).id == 2


def test_a_proposal_is_found_by_what_was_asked(journal: Journal) -> None:
    first = journal.record(PROPOSAL, MESSAGE)

    assert journal.answers("a question") == [first]
    assert journal.answers("another question") == []
    second = journal.record(PROPOSAL, MESSAGE)
    assert journal.answers("a question") == [first, second]


@pytest.mark.parametrize("state", [State.APPROVED, State.REJECTED, State.INSTALLED])
def test_what_waits_can_be_decided_and_says_by_whom(journal: Journal, state: State) -> None:
    recorded = journal.record(PROPOSAL, MESSAGE)

    decided = journal.decide(recorded.id, state)

    person = "" if state is State.INSTALLED else "ann"  # nobody decides what only happens
    assert (decided.state, decided.decided_by) == (state, person)
    assert journal.get(recorded.id) == decided


@pytest.mark.parametrize(
    ("was", "wanted"),
    [
        (State.ABSTAINED, State.APPROVED),
        (State.REJECTED, State.APPROVED),
        (State.INSTALLED, State.REJECTED),
        (State.REJECTED, State.INSTALLED),
    ],
)
def test_what_is_past_deciding_is_left_as_it_is(
    journal: Journal, was: State, wanted: State
) -> None:
    recorded = journal.record(replace(PROPOSAL, state=was), MESSAGE)

    with pytest.raises(DecisionRefused, match=f"is {was} and cannot become {wanted}"):
        journal.decide(recorded.id, wanted)

    assert journal.get(recorded.id).state is was


def test_the_list_is_complete_oldest_first_and_by_state(journal: Journal) -> None:
    for _ in range(3):
        journal.record(PROPOSAL, MESSAGE)
    journal.decide(2, State.REJECTED)

    assert [proposal.id for proposal in journal.list()] == [1, 2, 3]
    assert [proposal.id for proposal in journal.list(State.PROPOSED)] == [1, 3]
    assert [proposal.id for proposal in journal.list(State.INSTALLED)] == []


@pytest.mark.parametrize("number", [0, 2, -1, 10**6])
def test_a_number_without_a_proposal_says_so(journal: Journal, number: int) -> None:
    journal.record(PROPOSAL, MESSAGE)

    with pytest.raises(NoSuchProposal, match=f"no proposal {number}"):
        journal.get(number)
    with pytest.raises(NoSuchProposal):
        journal.decide(number, State.APPROVED)

    assert [proposal.state for proposal in journal.list()] == [State.PROPOSED]


def test_what_was_recorded_survives_the_failure_of_its_message(
    universe: Universe, journal: Journal
) -> None:
    def fail() -> None:
        with universe.transaction() as root:
            root["account"] = root["genesis_obj"].clone()
            journal.record(PROPOSAL, MESSAGE)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert [proposal.id for proposal in journal.list()] == [1]
    with universe.transaction() as root:
        assert "account" not in root


def test_what_was_recorded_survives_a_restart(
    universe: Universe, universe_path: Path, journal: Journal
) -> None:
    recorded = journal.record(PROPOSAL, MESSAGE)
    universe.close()

    again = open_universe(universe_path)

    assert Journal(again, "bob").list() == [recorded]
    again.close()


def test_threads_that_record_at_once_get_numbers_of_their_own(journal: Journal) -> None:
    numbers: list[int] = []
    together = threading.Barrier(4)

    def record() -> None:
        together.wait()
        numbers.extend(journal.record(PROPOSAL, MESSAGE).id for _ in range(5))

    threads = [threading.Thread(target=record) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(numbers) == list(range(1, 21))
    assert len(journal.list()) == 20


def test_the_message_is_kept_as_an_object(universe: Universe, journal: Journal) -> None:
    journal.record(PROPOSAL, Message("at_put_", (1, [2]), {"note": {"x"}}))

    with universe.transaction() as root:
        message = root["journal"]["entries"][1].message
        assert type(message) is UvmObject
        assert mirror(message).data() == {
            "selector": "at_put_",
            "args": (1, [2]),
            "keywords": {"note": {"x"}},
        }


def test_objects_in_a_message_are_kept_as_descriptions(
    universe: Universe, journal: Journal, write: Callable[..., str]
) -> None:
    write("account", words=["a", "b"], balance=1)

    with universe.transaction() as root:  # the transaction that the message was sent in
        account = root["account"]
        sent = Message("meet_", (account, [account], account.words), {"by": {"who": account}})
        journal.record(PROPOSAL, sent)
        described = repr(account)

    with universe.transaction() as root:
        message = root["journal"]["entries"][1].message
        assert message.args == (described, [described], ["a", "b"])
        assert message.keywords == {"by": {"who": described}}


def test_a_message_that_cannot_be_kept_is_refused_and_records_nothing(
    journal: Journal,
) -> None:
    with pytest.raises(NotStorable):
        journal.record(PROPOSAL, Message("map_", (print,)))

    assert journal.list() == []


def test_the_journal_is_never_undone(universe: Universe, journal: Journal) -> None:
    journal.record(PROPOSAL, MESSAGE)
    journal.decide(1, State.REJECTED)

    for moment in universe.log(2, everything=True):
        assert moment.user == "ann"
        with pytest.raises(UndoConflict, match="that lasts"):
            universe.undo(moment.tid)
    with pytest.raises(UndoConflict, match="nothing that was done"):
        universe.undo(None)

    assert [moment.note for moment in universe.log(2, everything=True)] == [
        "journal: rejected proposal 1",
        "journal: proposed <object 0x7> deposit_",
    ]


def test_undo_steps_over_the_journal(
    universe: Universe, journal: Journal, write: Callable[..., str]
) -> None:
    write("account", note="a change", balance=1)
    journal.record(PROPOSAL, MESSAGE)

    assert universe.undo(None).note == "a change"
    assert len(journal.list()) == 1
