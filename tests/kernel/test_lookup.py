"""Where a selector leads."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from batos.kernel import lookup
from batos.kernel.mirror import mirror
from batos.kernel.uvm_object import UvmObject


def child_of(*parents: UvmObject, **slots: object) -> UvmObject:
    return UvmObject(**{"parent*": parents, **slots})


def held_by(receiver: UvmObject, selector: str) -> UvmObject | None:
    found = lookup.find(receiver, selector)
    return None if found is None else found.holder


def test_an_object_answers_from_its_own_slots_first() -> None:
    parent = UvmObject(rate=1)
    child = parent.clone(rate=2)

    found = lookup.find(child, "rate")

    assert found == lookup.Found(child, 2)
    assert held_by(parent.clone(), "rate") is parent


def test_a_selector_that_no_slot_has_leads_nowhere() -> None:
    assert lookup.find(UvmObject(rate=1).clone(), "price") is None


def test_several_parents_are_asked_from_left_to_right() -> None:
    left, right = UvmObject(rate="left"), UvmObject(rate="right", price=3)

    both = child_of(left, right)

    assert held_by(both, "rate") is left
    assert held_by(both, "price") is right


def test_an_ancestor_on_the_left_comes_before_a_parent_on_the_right() -> None:
    far = UvmObject(rate="far")
    near = UvmObject(rate="near")

    receiver = child_of(far.clone().clone(), near)

    assert held_by(receiver, "rate") is far


def test_parent_slots_are_asked_in_the_order_in_which_they_were_written() -> None:
    first, second = UvmObject(), UvmObject()

    receiver = UvmObject(**{"law*": first, "rate": 1, "mind*": second})

    assert receiver.parents == (first, second)


def test_a_diamond_asks_its_top_once_and_where_it_is_met_first() -> None:
    top = UvmObject()
    left, right = top.clone(), top.clone()
    bottom = child_of(left, right)

    assert list(lookup.ancestry(bottom)) == [bottom, left, top, right]


def test_a_cycle_ends() -> None:
    first = UvmObject()
    second = first.clone()
    mirror(first).set("parent*", (second, first))

    assert list(lookup.ancestry(first)) == [first, second]
    assert lookup.find(second, "rate") is None


def test_a_long_chain_is_no_recursion() -> None:
    top = UvmObject(rate=1)
    link = top
    for _ in range(5000):
        link = link.clone()

    assert held_by(link, "rate") is top


def test_an_edit_anywhere_up_the_chain_is_seen_at_once() -> None:
    top = UvmObject(rate=1)
    middle = top.clone()
    bottom = middle.clone()
    rates = []

    top.rate = 2
    rates.append(bottom.rate)
    middle.rate = 3
    rates.append(bottom.rate)
    del middle.rate
    rates.append(bottom.rate)
    mirror(bottom).set("parent*", UvmObject(rate=4))
    rates.append(bottom.rate)

    assert rates == [2, 3, 2, 4]


def test_selectors_lists_every_name_once_its_own_first_and_no_parent_slot() -> None:
    top = UvmObject(rate=1, price=2)

    assert lookup.selectors(top.clone(price=3, size=4)) == ["price", "size", "rate"]


def visits(receiver: UvmObject, seen: list[UvmObject]) -> list[UvmObject]:
    """The definition, by recursion: each object once, then its parents."""
    if not any(receiver is other for other in seen):
        seen.append(receiver)
        for parent in receiver.parents:
            visits(parent, seen)
    return seen


@settings(derandomize=True, deadline=None, database=None)
@given(st.lists(st.lists(st.integers(0, 7), max_size=3), min_size=8, max_size=8))
def test_any_graph_of_parents_is_walked_depth_first(graph: list[list[int]]) -> None:
    objects = [UvmObject() for _ in graph]
    for obj, parents in zip(objects, graph, strict=True):
        mirror(obj).set("parent*", tuple(objects[index] for index in parents))

    for obj in objects:
        assert list(lookup.ancestry(obj)) == visits(obj, [])
