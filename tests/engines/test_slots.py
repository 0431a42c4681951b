"""A request goes to the slot that knows most of its prompt, under its adapter."""

from __future__ import annotations

import pytest

from batos.engines.slots import Slots

LONG = "A long beginning that many prompts have in common. " * 4


def visit(slots: Slots, adapter: str | None, prompt: str) -> int:
    number = slots.take(adapter, prompt)
    slots.give(number)
    return number


def test_each_adapter_comes_back_to_its_own_slot() -> None:
    slots = Slots(4)
    first = {name: visit(slots, name, LONG + "1") for name in ("a", "b", None)}

    assert len(set(first.values())) == 3
    for name, number in first.items():
        assert visit(slots, name, LONG + "2") == number


def test_of_its_own_slots_a_request_takes_the_one_that_knows_most() -> None:
    slots = Slots(3)
    one, two = slots.take("a", LONG + "x" * 200), slots.take("a", LONG + "y" * 200)
    slots.give(one)
    slots.give(two)

    assert visit(slots, "a", LONG + "y" * 100) == two
    assert visit(slots, "a", LONG + "x" * 100) == one


def test_a_beginning_of_a_few_letters_costs_nobody_what_it_knows() -> None:
    slots = Slots(2)
    known = visit(slots, "a", LONG)

    assert visit(slots, "a", "A short one" + "?" * 300) != known
    assert visit(slots, "a", LONG + "more") == known


def test_when_all_know_something_the_longest_idle_gives_way() -> None:
    slots = Slots(2)
    oldest = visit(slots, "a", LONG)
    visit(slots, "b", LONG)

    assert visit(slots, "c", LONG) == oldest


def test_a_busy_slot_is_nobody_elses() -> None:
    slots = Slots(2)
    taken = {slots.take("a", LONG), slots.take("a", LONG)}

    assert taken == {0, 1}
    with pytest.raises(LookupError):
        slots.take("a", LONG)


def test_what_the_library_may_have_overwritten_is_forgotten() -> None:
    slots = Slots(3)
    known = visit(slots, "a", LONG)
    slots.forget()
    other = slots.take("b", LONG)

    assert (known, other) == (0, 1) or known != slots.take("a", LONG)
