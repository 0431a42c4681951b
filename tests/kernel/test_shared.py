"""Counters and queues: what several transactions do to them at once merges."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, cast

import pytest
from hypothesis import given, settings, strategies as st
from transaction import TransactionManager
from ZODB.DB import DB
from ZODB.DemoStorage import DemoStorage
from ZODB.POSException import ConflictError

import batos
from batos.errors import NotStorable, QueueEmpty
from batos.kernel import shared
from batos.kernel.shared import Counter, Queue
from batos.kernel.uvm_object import UvmObject
from batos.kernel.values import plain


class Seats:
    """A database in memory whose storage merges, and connections to it."""

    def __init__(self, **values: object) -> None:
        self._database = DB(DemoStorage())
        self._seats = [self._database.open(TransactionManager()) for _ in range(3)]
        self[0].update(values)
        self.commit(0)
        self.begin(1)
        self.begin(2)

    def __getitem__(self, seat: int) -> Any:
        return self._seats[seat].root()

    def begin(self, seat: int) -> None:
        self._seats[seat].transaction_manager.begin()

    def commit(self, seat: int) -> None:
        self._seats[seat].transaction_manager.commit()

    def abort(self, seat: int) -> None:
        self._seats[seat].transaction_manager.abort()

    def close(self) -> None:
        for number, seat in enumerate(self._seats):
            self.abort(number)
            seat.close()
        self._database.close()


@pytest.fixture
def seats() -> Iterator[Seats]:
    seats = Seats(counter=Counter(), queue=Queue(["a", "b"]))
    yield seats
    seats.close()


# --- alone -------------------------------------------------------------------------------


def test_a_counter_counts_up_and_down_in_int_and_float() -> None:
    counter = batos.Counter(3)

    counter.change(4)
    counter += 1.5
    counter -= 2

    assert counter.value == 6.5
    assert repr(counter) == "Counter(6.5)"


@pytest.mark.parametrize("by", ["1", True, None, 1j])
def test_a_counter_refuses_what_is_no_number(by: Any) -> None:
    counter = Counter(1)

    with pytest.raises(TypeError, match="counts in int and float"):
        counter.change(by)

    assert counter.value == 1


def test_a_queue_gives_its_items_in_the_order_of_the_puts() -> None:
    queue = batos.Queue(range(200))
    queue.put("last")

    taken = [queue.take() for _ in range(201)]

    assert taken == [*range(200), "last"]
    assert len(queue) == 0


def test_equal_items_stay_separate_items() -> None:
    queue = Queue([5, 5, float("nan")])

    assert (queue.take(), len(queue)) == (5, 2)
    assert 5 in queue


def test_copies_are_independent() -> None:
    counter, queue = Counter(1), Queue("ab")

    other_counter, other_queue = copy.copy(counter), copy.copy(queue)
    other_counter.change(1)
    other_queue.take()

    assert (counter.value, list(queue), list(other_queue)) == (1, ["a", "b"], ["b"])


def test_an_empty_queue_says_so_or_answers_what_it_is_told_to() -> None:
    queue = Queue()

    assert queue.take(None) is None
    assert queue.take(default="none left") == "none left"
    with pytest.raises(QueueEmpty, match="queue is empty"):
        queue.take()


def test_a_queue_takes_only_what_can_last() -> None:
    queue = Queue()

    with pytest.raises(NotStorable):
        queue.put(print)

    assert len(queue) == 0


def test_as_plain_data_a_counter_is_a_number_and_a_queue_a_list() -> None:
    queue = Queue([{"a": [1]}])
    queue.put(queue)

    number, items = cast("list[Any]", plain([Counter(2), queue]))

    assert number == 2
    assert items[0] == {"a": [1]}
    assert items[1] is items


def test_a_slot_holds_them_as_they_are() -> None:
    hits, jobs = Counter(), Queue()

    page = UvmObject(hits=hits, jobs=jobs)
    page.hits += 2

    assert page.hits is hits
    assert page.jobs is jobs
    assert hits.value == 2


# --- in several transactions -------------------------------------------------------------


def test_additions_of_several_transactions_merge(seats: Seats) -> None:
    for seat, by in ((0, 1), (1, 10), (2, -0.5)):
        seats[seat]["counter"].change(by)

    for seat in range(3):
        seats.commit(seat)

    seats.begin(0)
    assert seats[0]["counter"].value == 10.5


def test_puts_of_several_transactions_merge_in_the_order_of_their_commits(
    seats: Seats,
) -> None:
    for number in (1, 2):
        for seat in range(3):
            seats[seat]["queue"].put((seat, number))

    for seat in (1, 0, 2):
        seats.commit(seat)

    seats.begin(0)
    ours = [(seat, number) for seat in (1, 0, 2) for number in (1, 2)]
    assert list(seats[0]["queue"]) == ["a", "b", *ours]


def test_a_put_and_a_take_merge(seats: Seats) -> None:
    assert seats[0]["queue"].take() == "a"
    seats[1]["queue"].put("c")

    seats.commit(1)
    seats.commit(0)

    seats.begin(0)
    assert list(seats[0]["queue"]) == ["b", "c"]


def test_two_takes_of_one_item_conflict(seats: Seats) -> None:
    assert seats[0]["queue"].take() == seats[1]["queue"].take() == "a"

    seats.commit(0)
    with pytest.raises(ConflictError):
        seats.commit(1)

    seats.abort(1)
    assert seats[1]["queue"].take() == "b"


def test_objects_travel_through_a_queue_that_merges(seats: Seats) -> None:
    job = UvmObject(name="job")
    seats[0]["queue"].put(job)
    seats[1]["queue"].put({"nested": [UvmObject(name="other")]})

    seats.commit(0)
    seats.commit(1)

    seats.begin(2)
    *_, first, second = seats[2]["queue"]
    assert first.name == "job"
    assert second["nested"][0].name == "other"


Step = tuple[int, str]
STEPS = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(["put", "put", "take", "end"])), max_size=60
)


@settings(max_examples=150, deadline=None)
@given(steps=STEPS)
def test_any_interleaving_is_as_if_one_came_after_the_other(steps: list[Step]) -> None:
    """What commits, applied in the order of the commits to a list, gives the same list."""
    before, shared._PAGE_ITEMS = shared._PAGE_ITEMS, 3
    seats = Seats(queue=Queue(range(4)))
    expected: list[object] = list(range(4))
    done: list[list[tuple[str, object]]] = [[], [], []]
    try:
        for number, (seat, step) in enumerate([*steps, (0, "end"), (1, "end"), (2, "end")]):
            queue = seats[seat]["queue"]
            if step == "put":
                queue.put(number + 100)
                done[seat].append(("put", number + 100))
            elif step == "take":
                item = queue.take(None)
                done[seat].append(("take", item))
            else:
                _end(seats, seat, done[seat], expected)
                done[seat] = []
        seats.begin(0)
        assert list(seats[0]["queue"]) == expected
    finally:
        shared._PAGE_ITEMS = before
        seats.close()


def _end(
    seats: Seats, seat: int, done: list[tuple[str, object]], expected: list[object]
) -> None:
    try:
        seats.commit(seat)
    except ConflictError:
        seats.abort(seat)
    else:
        for step, item in done:
            if step == "put":
                expected.append(item)
            elif item is not None:
                expected.remove(item)  # ValueError: it was taken twice, or is lost
    seats.begin(seat)
