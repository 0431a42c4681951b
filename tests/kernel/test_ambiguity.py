"""Where an object's parents disagree, and only their order decides."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from batos.kernel import lookup
from batos.kernel.ambiguity import Ambiguity, ambiguities
from batos.kernel.mirror import mirror
from batos.kernel.uvm_object import UvmObject


def child_of(*parents: UvmObject, **slots: object) -> UvmObject:
    return UvmObject(**{"parent*": parents, **slots})


def test_two_parents_with_one_selector_are_ambiguous_and_the_left_one_wins() -> None:
    left, right = UvmObject(rate=1, size=2), UvmObject(rate=1, price=3)

    found = mirror(child_of(left, right)).ambiguities()

    assert found == [Ambiguity("rate", left, (right,))]


def test_a_slot_of_the_objects_own_settles_it() -> None:
    left, right = UvmObject(rate=1), UvmObject(rate=2)

    assert ambiguities(child_of(left, right, rate=3)) == []


def test_one_that_overrides_its_own_ancestor_is_the_only_answer() -> None:
    top = UvmObject(rate=1)

    assert ambiguities(child_of(top.clone(rate=2))) == []


def test_the_top_of_a_diamond_is_one_answer() -> None:
    top = UvmObject(rate=1)

    assert ambiguities(child_of(top.clone(), top.clone())) == []


def test_an_override_on_the_right_is_hidden_by_what_the_left_way_reaches() -> None:
    """The classical trap: depth first finds the top before the override beside it."""
    top = UvmObject(rate=1)
    right = top.clone(rate=2)

    assert ambiguities(child_of(top.clone(), right)) == [Ambiguity("rate", top, (right,))]


def test_parent_slots_of_several_ancestors_are_no_ambiguity() -> None:
    assert ambiguities(child_of(UvmObject().clone(), UvmObject().clone())) == []


def test_a_cycle_ends() -> None:
    first = UvmObject(rate=1)
    second = first.clone(rate=2)
    mirror(first).set("parent*", second)

    assert ambiguities(child_of(first, second)) == [Ambiguity("rate", first, (second,))]


@given(
    parents=st.lists(st.lists(st.integers(0, 4), max_size=3), min_size=5, max_size=5),
    holders=st.sets(st.integers(0, 4)),
)
def test_who_is_named_is_whom_self_would_find(
    parents: list[list[int]], holders: set[int]
) -> None:
    objects = [UvmObject() for _ in parents]
    for number, obj in enumerate(objects):
        mirror(obj).set("parent*", tuple(objects[parent] for parent in parents[number]))
        if number in holders:
            obj.rate = number

    found = {one.selector: {one.holder, *one.hidden} for one in ambiguities(objects[0])}

    answers = selfs_answers(objects[0], set())
    assert found == ({"rate": answers} if len(answers) > 1 else {})
    for one in ambiguities(objects[0]):
        by_order = lookup.find(objects[0], "rate")
        assert by_order is not None
        assert one.holder is by_order.holder


def selfs_answers(receiver: UvmObject, visited: set[UvmObject]) -> set[UvmObject]:
    """Self's lookup: a slot of its own, else the union of what its parents find."""
    if receiver in visited:
        return set()
    visited.add(receiver)
    if "rate" in receiver._slots:
        return {receiver}
    return set().union(*(selfs_answers(parent, visited) for parent in receiver.parents))


@pytest.mark.parametrize("depth", [3000])
def test_a_long_chain_is_no_recursion(depth: int) -> None:
    link = child_of(UvmObject(rate=1), UvmObject(rate=2))
    for _ in range(depth):
        link = link.clone()

    assert [one.selector for one in ambiguities(link)] == ["rate"]
