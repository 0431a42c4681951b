"""What may lie in a slot, and in which form."""

from __future__ import annotations

import copy
import datetime as dt
import decimal
import enum
import threading
import zoneinfo
from collections import OrderedDict, defaultdict, namedtuple
from pathlib import Path
from typing import Any

import pytest
from BTrees.IOBTree import IOBTree
from BTrees.Length import Length
from BTrees.LOBTree import LOBTree
from BTrees.OOBTree import OOBTree, OOTreeSet
from hypothesis import given, settings, strategies as st
from persistent import Persistent
from persistent.list import PersistentList
from persistent.mapping import PersistentMapping
from ZODB.blob import Blob

from batos.errors import NotStorable
from batos.kernel.shared import Counter, Queue
from batos.kernel.uvm_object import UvmObject
from batos.kernel.values import PersistentSet, plain, storable

ATOMS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.complex_numbers(allow_nan=False),
    st.text(),
    st.binary(),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.datetimes(timezones=st.sampled_from([None, dt.UTC, dt.timezone(dt.timedelta(hours=5))])),
)
KEYS = st.one_of(ATOMS, st.tuples(ATOMS, ATOMS), st.frozensets(st.integers()))
DATA = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(KEYS, inner, max_size=4),
        st.sets(KEYS, max_size=4),
        st.frozensets(KEYS, max_size=4),
    ),
    max_leaves=20,
)
repeatable = settings(derandomize=True, deadline=None, database=None)
Point = namedtuple("Point", "x y")


@repeatable
@given(DATA)
def test_what_is_stored_comes_back_the_same(value: object) -> None:
    back = plain(storable(value, "a test"))

    assert back == value
    assert type(back) is type(value)


@repeatable
@given(DATA)
def test_what_is_stored_already_is_left_as_it_is(value: object) -> None:
    once = storable(value, "a test")

    assert plain(storable(once, "a test")) == value


@pytest.mark.parametrize(
    ("value", "twin"),
    [
        ([1], PersistentList),
        ({"a": 1}, PersistentMapping),
        ({1}, PersistentSet),
        (defaultdict(list, a=[1]), PersistentMapping),
        (OrderedDict(a=1), PersistentMapping),
        ((1,), tuple),
        (frozenset({1}), frozenset),
    ],
)
def test_containers_that_change_become_their_persistent_twins(
    value: object, twin: type
) -> None:
    assert type(storable(value, "a test")) is twin


def test_containers_inside_containers_are_turned_too() -> None:
    stored: Any = storable({"a": [({1}, [2])]}, "a test")

    assert type(stored["a"]) is PersistentList
    assert type(stored["a"][0]) is tuple
    assert [type(item) for item in stored["a"][0]] == [PersistentSet, PersistentList]


def test_a_container_in_two_places_stays_one() -> None:
    row = [1]

    stored: Any = storable([row, row, {"row": row}], "a test")

    assert stored[0] is stored[1] is stored[2]["row"]
    assert stored[0] is not row


def test_sharing_costs_no_more_than_it_holds() -> None:
    value: object = [1]
    for _ in range(45):  # 2 ** 45 leaves, 46 lists
        value = [value, value]

    stored: Any = storable(value, "a test")
    back: Any = plain(stored)

    assert stored[0] is stored[1]
    assert back[0] is back[1]


class Colour(enum.StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    "value",
    [
        print,
        lambda: None,
        (letter for letter in "abc"),
        iter([]),
        [].append,
        object(),
        Path("x"),
        type,
        threading,
        decimal.Decimal(1),
        Colour.RED,
        Point(1, 2),
        bytearray(b"x"),
        memoryview(b"x"),
        range(3),
        UvmObject().price,
        dt.datetime(2026, 1, 1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")),
        dt.time(12, tzinfo=zoneinfo.ZoneInfo("UTC")),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize(
    "wrap",
    [lambda v: v, lambda v: [v], lambda v: {"a": (v,)}],
    ids=["alone", "in a list", "in a tuple in a dict"],
)
def test_what_cannot_last_is_refused_where_it_is_written(value: object, wrap: Any) -> None:
    with pytest.raises(NotStorable, match="cannot be stored in the slot 'price'"):
        UvmObject().price = wrap(value)


class Foreign(Persistent):  # type: ignore[misc]  # persistent is untyped
    """A class that another program need not have."""


class Account(UvmObject):
    """As if objects had classes."""


def tree_of(value: object) -> OOBTree:
    return OOBTree({"a": value})


@pytest.mark.parametrize(
    "value",
    [Length(1), LOBTree(), Foreign(), Account()],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize(
    "wrap",
    [
        *(lambda v: v, lambda v: [v], lambda v: PersistentList([(v,)]), tree_of),
        lambda v: PersistentMapping({"a": PersistentList([v])}),
    ],
    ids=["alone", "in a list", "in a new stored list", "in a tree", "deeper"],
)
def test_an_object_of_a_class_that_no_universe_keeps_is_refused_where_it_is_written(
    value: object, wrap: Any
) -> None:
    with pytest.raises(NotStorable, match=r"slot 'price': its class has no place.*Counter"):
        UvmObject().price = wrap(value)


@pytest.mark.parametrize(
    "value",
    [
        *(UvmObject().clone(), Counter(1), Queue([1]), PersistentSet([1]), Blob()),
        *(OOBTree({"a": 1}), OOTreeSet("ab"), IOBTree({1: "a"}), PersistentList([1])),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_object_of_a_class_that_universes_keep_stays_the_same(value: object) -> None:
    assert storable(value, "a test") is value


def test_what_lies_in_a_new_stored_container_takes_its_form_too() -> None:
    words, tree = PersistentList([[1]]), OOBTree({"a": [1]})

    storable((words, tree), "a test")

    assert type(words[0]) is type(tree["a"]) is PersistentList


@pytest.mark.parametrize(
    "put", [lambda tags: tags.add(print), lambda tags: tags.update([print])]
)
def test_a_set_takes_in_nothing_that_cannot_last(put: Any) -> None:
    tags = PersistentSet("a")

    with pytest.raises(NotStorable, match="a stored set"):
        put(tags)

    assert tags == {"a"}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda obj: obj.words.append(print),
        lambda obj: obj.counts.update(c=lambda: 1),
        lambda obj: obj.tree.update({"c": lambda: 1}),
    ],
    ids=["list", "dict", "tree"],
)
def test_what_python_puts_into_a_stored_container_is_refused_at_the_commit_at_the_latest(
    connection: Any, traits: Any, spoil: Any
) -> None:
    connection.root()["obj"] = traits.clone(**DATA_SLOTS, tree=OOBTree(a=1))
    connection.transaction_manager.commit()

    spoil(connection.root()["obj"])

    with pytest.raises(NotStorable, match="function"):
        connection.transaction_manager.commit()
    connection.transaction_manager.abort()


def test_a_key_that_cannot_last_is_refused() -> None:
    with pytest.raises(NotStorable, match="function"):
        storable({test_a_key_that_cannot_last_is_refused: 1}, "a test")


def test_a_list_that_contains_itself_is_refused_at_once() -> None:
    knot: list[object] = [1]
    knot += [knot, knot]

    with pytest.raises(NotStorable, match="list that contains itself"):
        storable(knot, "a test")


def test_containers_nest_to_a_depth_that_is_told() -> None:
    value: object = 1
    for _ in range(200):
        value = [value]

    with pytest.raises(NotStorable, match="too deeply"):
        storable(value, "a test")


def test_a_stored_list_that_contains_itself_can_be_copied() -> None:
    knot = PersistentList([1])
    knot.append(knot)

    copied: Any = plain(knot)

    assert copied[0] == 1
    assert copied[1] is copied


def test_objects_in_data_stay_what_they_are() -> None:
    friend = UvmObject()

    stored = storable([friend, {"best": friend}], "a test")

    assert plain(stored) == [friend, {"best": friend}]


def test_plain_can_describe_what_is_no_container() -> None:
    value = storable({"a": [UvmObject(), 1]}, "a test")

    assert plain(value, repr) == {"'a'": ["<a new object>", "1"]}


def test_plain_shares_nothing_with_what_is_stored() -> None:
    stored: Any = storable({"a": [1]}, "a test")

    copied: Any = plain(stored)
    copied["a"].append(2)

    assert list(stored["a"]) == [1]


def change_in_place(obj: Any) -> None:
    obj.words.append("c")
    obj.words[0] = "x"
    obj.counts["b"] = 2
    obj.counts["a"].append(2)
    obj.tags.add("new")
    obj.tags.discard("old")
    obj.tags.update({"newer"})


DATA_SLOTS = {"words": ["a", "b"], "counts": {"a": [1]}, "tags": {"old"}}


def test_an_abort_undoes_what_was_changed_in_place(connection: Any, traits: Any) -> None:
    connection.root()["obj"] = traits.clone(**DATA_SLOTS)
    connection.transaction_manager.commit()

    change_in_place(connection.root()["obj"])
    connection.transaction_manager.abort()

    obj = connection.root()["obj"]
    assert {name: plain(getattr(obj, name)) for name in DATA_SLOTS} == DATA_SLOTS


def test_a_commit_keeps_what_was_changed_in_place(connection: Any, traits: Any) -> None:
    connection.root()["obj"] = traits.clone(**DATA_SLOTS)
    connection.transaction_manager.commit()

    change_in_place(connection.root()["obj"])
    connection.transaction_manager.commit()
    connection.cacheMinimize()

    obj = connection.root()["obj"]
    assert plain(obj.words) == ["x", "b", "c"]
    assert plain(obj.counts) == {"a": [1, 2], "b": 2}
    assert plain(obj.tags) == {"new", "newer"}


def test_a_persistent_set_is_a_set() -> None:
    letters = PersistentSet("abc")

    assert letters == {"a", "b", "c"}
    assert letters | {"d"} == {"a", "b", "c", "d"}
    assert letters & {"a"} == letters.intersection("a") == {"a"}
    assert letters - {"a"} == letters.difference("a") == {"b", "c"}
    assert letters.union("d", "e") == set("abcde")
    assert repr(PersistentSet([2, 1])) == "PersistentSet([1, 2])"


def test_a_copy_of_a_persistent_set_is_another_set() -> None:
    letters = PersistentSet("abc")
    copy.copy(letters).add("d")

    assert letters == {"a", "b", "c"}
