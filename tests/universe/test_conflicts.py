"""What met a conflict is tried again, in turn, and comes through or is given up."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from ZODB.POSException import ConflictError

from batos.errors import DeliveryFailed
from batos.kernel.authority import write_data_slot
from batos.kernel.message import Message
from batos.kernel.runtime import Runtime
from batos.universe import conflicts
from batos.universe.conflicts import TRIES_IN_TURN, Turns, retried
from batos.universe.delivery import Delivery, Sent
from batos.universe.universe import Root, Universe

Write = Callable[..., str]


def lose() -> None:
    raise ConflictError


def refuse(_source: str) -> Callable[..., object]:
    raise AssertionError("nothing is compiled here")


@pytest.fixture(autouse=True)
def _times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conflicts, "_LONGEST_PAUSE_S", 0.002)
    monkeypatch.setattr(conflicts, "_LONGEST_WAIT_S", 60)


def test_what_loses_for_ever_is_given_up_and_says_so(universe: Universe, write: Write) -> None:
    universe.bind(Runtime({"kernel.set_slot": write_data_slot}, refuse))
    write("account", balance=0)
    others = itertools.count(10)

    @contextmanager
    def overtaken() -> Iterator[Root]:
        with universe.transaction() as root:
            yield root
            write("account", balance=next(others))  # somebody outside our turns is first

    sent = Sent("account", Message("setSlot_value_", ("balance", 2)))

    with pytest.raises(DeliveryFailed, match="account setSlot_value_ was given up") as failed:
        Delivery(universe, "tester").deliver(sent, overtaken)

    assert failed.value.tries == 1 + TRIES_IN_TURN
    with universe.transaction() as root:
        assert root["account"].balance >= 10


def test_any_other_error_ends_it_at_once() -> None:
    tries = []

    def fail() -> None:
        tries.append(1)
        raise KeyError("no conflict")

    with pytest.raises(KeyError):
        retried(fail, Turns())

    assert len(tries) == 1


def test_turns_come_in_order() -> None:
    turns = Turns()
    order: list[int] = []

    def take(number: int) -> None:
        with turns.turn():
            order.append(number)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(5)]
    with turns.turn():
        for place, thread in enumerate(threads, start=2):
            thread.start()
            while len(turns._waiting) < place:
                time.sleep(0.001)
        assert order == []
    for thread in threads:
        thread.join()

    assert order == [0, 1, 2, 3, 4]


def test_while_one_has_its_turn_no_other_begins() -> None:
    turns = Turns()
    events: list[str] = []

    def newcomer() -> None:
        retried(lambda: events.append("newcomer"), turns)

    with turns.turn():
        thread = threading.Thread(target=newcomer)
        thread.start()
        thread.join(timeout=0.05)
        events.append("turn over")
    thread.join()

    assert events == ["turn over", "newcomer"]


def test_a_message_within_a_turn_needs_no_other_one() -> None:
    turns = Turns()
    answers: list[str] = []

    with turns.turn():
        retried(lambda: answers.append("within"), turns)
        with pytest.raises(ConflictError):
            retried(lose, turns)

    assert answers == ["within"]
    assert not turns._waiting


def test_a_turn_that_waits_for_another_thread_does_not_wait_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(conflicts, "_LONGEST_WAIT_S", 0.01)
    turns = Turns()
    answers: list[str] = []

    def other() -> None:
        with pytest.raises(ConflictError):
            retried(lose, turns)
        retried(lambda: answers.append("other"), turns)

    with turns.turn():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()

    assert answers == ["other"]
