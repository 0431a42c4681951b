"""Where a selector leads."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from transaction import TransactionManager
from ZODB.POSException import ConflictError

from batos.kernel import lookup
from batos.kernel.delegation import ancestry, selectors
from batos.kernel.message import Send
from batos.kernel.method import Primitive
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

    assert list(ancestry(bottom)) == [bottom, left, top, right]


def test_a_cycle_ends() -> None:
    first = UvmObject()
    second = first.clone()
    mirror(first).set("parent*", (second, first))

    assert list(ancestry(first)) == [first, second]
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

    assert selectors(top.clone(price=3, size=4)) == ["price", "size", "rate"]


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
        assert list(ancestry(obj)) == visits(obj, [])


# --- what is remembered -----------------------------------------------------------------


def circle() -> tuple[Any, Any]:
    """Return two objects with the same parents; the second is an ancestor of these.

    From `outside` the right parent is asked before the far one, from `inside` after it.
    """
    left, right, far = UvmObject(), UvmObject(rate="right"), UvmObject(rate="far")
    inside = child_of(left, right)
    mirror(left).set("parent*", (inside, far))
    return child_of(left, right), inside


def test_objects_with_the_same_parents_share_what_they_found() -> None:
    parent = UvmObject(rate=1)
    one, other = parent.clone(), parent.clone(size=2)

    assert (one.rate, other.rate) == (1, 1)

    assert type(one) is type(other)
    assert "rate" in vars(type(one))


def test_its_own_ancestor_asks_in_its_own_order_whoever_asks_first() -> None:
    outside, inside = circle()
    assert (outside.rate, inside.rate) == ("right", "far")

    outside, inside = circle()
    assert (inside.rate, outside.rate) == ("far", "right")


def test_a_new_value_of_inherited_data_is_seen_and_forgets_nothing() -> None:
    parent = UvmObject(rate=1)
    child = parent.clone()
    assert child.rate == 1

    parent.rate = 2

    assert "rate" in vars(type(child))
    assert child.rate == 2


def test_a_slot_that_comes_goes_or_turns_into_behaviour_is_seen(traits: Any) -> None:
    middle = traits.clone()
    child = middle.clone(size=1)
    seen = [isinstance(child.hello, Send)]

    middle.hello = 5
    seen.append(child.hello == 5)
    mirror(middle).set("hello", Primitive("test.record"))
    seen.append(child.hello.__self__ is child)
    del middle.hello
    seen.append(isinstance(child.hello, Send))

    assert seen == [True] * 4


def test_a_map_is_let_go_with_its_objects(traits: Any) -> None:
    child = traits.clone(size=1).clone()
    assert child.size == 1
    map_ = weakref.ref(type(child))

    del child
    gc.collect()

    assert map_() is None


def test_reading_the_seal_or_the_parents_loads_a_ghost(connection: Any, traits: Any) -> None:
    mirror(traits).seal()
    connection.root()["child"] = traits.clone()
    connection.transaction_manager.commit()
    connection.cacheMinimize()

    assert traits._p_changed is None
    assert traits._sealed
    assert connection.root()["child"].parents == (traits,)


def test_changes_of_different_slots_merge_and_of_the_same_one_conflict(database: Any) -> None:
    managers = [TransactionManager() for _ in range(2)]
    one, other = (database.open(manager) for manager in managers)
    one.root()["account"] = UvmObject(balance=1, owner="ada")
    managers[0].commit()
    managers[1].begin()
    first, second = one.root()["account"], other.root()["account"]

    first.balance, second.owner, second.limit = 2, "bob", 5
    managers[0].commit()
    managers[1].commit()
    managers[0].begin()

    assert mirror(first).data() == {"balance": 2, "owner": "ada", "limit": 5} | {"owner": "bob"}
    first.balance, second.balance = 7, 7  # the same value is not the same change
    managers[0].commit()
    with pytest.raises(ConflictError):
        managers[1].commit()
    managers[1].abort()
    for connection in (one, other):
        connection.close()
