"""The one kind of object there is."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from batos.errors import NotStorable, SlotRefused
from batos.kernel.message import Send, send
from batos.kernel.mirror import mirror
from batos.kernel.uvm_object import UvmObject


def test_a_clone_is_an_empty_child_that_delegates_to_its_original() -> None:
    original = UvmObject(rate=1)

    clone = original.clone()

    assert dict(mirror(clone).slots()) == {"parent*": original}
    assert clone.rate == 1


def test_a_clone_that_is_written_to_leaves_its_original_as_it_was() -> None:
    original = UvmObject(rate=1)
    clone = original.clone(size=2)

    clone.rate = 3

    assert dict(mirror(original).slots()) == {"rate": 1}
    assert mirror(clone).data() == {"size": 2, "rate": 3}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "Python name"),
        ("two words", "Python name"),
        ("7up", "Python name"),
        ("größe", "ASCII"),
        ("class", "Python name"),
        ("*", "Python name"),
        ("parent**", "Python name"),
        ("_slots", "begin with _"),
        ("_p_jar", "begin with _"),
        ("__class__", "begin with _"),
        ("_hidden*", "begin with _"),
        ("clone", "every object has this name"),
        ("parents", "every object has this name"),
    ],
)
def test_a_name_that_cannot_be_a_slots_is_refused_with_the_reason(name: str, why: str) -> None:
    obj = UvmObject()

    with pytest.raises(SlotRefused, match=why) as refused:
        mirror(obj).set(name, 1)

    assert refused.value.slot == name
    assert dict(mirror(obj).slots()) == {}


def test_a_name_has_200_characters_at_most() -> None:
    obj = UvmObject(**{"a" * 200: 1})

    for name in ("a" * 201, "a" * 200 + "*", "a" * 10**6):
        with pytest.raises(SlotRefused, match="has 200 characters at most") as refused:
            mirror(obj).set(name, 1)
        assert len(str(refused.value)) < 200
    with pytest.raises(SlotRefused, match="200 characters"):
        mirror(obj).rename("a" * 200, "b" * 201)

    assert dict(mirror(obj).slots()) == {"a" * 200: 1}


def test_a_longer_name_of_an_older_universe_is_read_and_can_be_renamed() -> None:
    obj, long = UvmObject(), "a" * 1000
    obj.__setstate__({"_slots": {long: 1}})

    child = obj.clone()

    assert getattr(obj, long) == getattr(child, long) == send(child, long) == 1
    mirror(obj).rename(long, "a")
    assert child.a == 1


@pytest.mark.parametrize("name", ["_slots", "_sealed", "__class__", "clone", "parents"])
def test_attribute_assignment_obeys_the_same_rules(name: str) -> None:
    with pytest.raises(SlotRefused):
        setattr(UvmObject(), name, {})


@pytest.mark.parametrize("value", ["text", None, 3, ("text",)])
def test_a_parent_slot_holds_objects_only(value: object) -> None:
    with pytest.raises(SlotRefused, match="holds objects"):
        UvmObject(**{"parent*": value})


def test_a_refused_value_changes_nothing() -> None:
    obj = UvmObject(rate=1)

    with pytest.raises(NotStorable, match="the slot 'rate'"):
        obj.rate = print

    assert obj.rate == 1


def test_removing_a_slot_that_only_a_parent_has_is_refused() -> None:
    parent = UvmObject(rate=1)

    with pytest.raises(SlotRefused, match="no such slot of its own"):
        del parent.clone().rate

    assert parent.rate == 1


def test_an_unknown_name_is_a_send_and_a_known_one_never_is() -> None:
    obj = UvmObject(rate=None)

    assert isinstance(obj.price, Send)
    assert obj.rate is None


def test_names_with_an_underscore_and_protocol_names_are_missing_as_usual() -> None:
    obj = UvmObject()

    for name in ("_repr_html_", "__len__", "__array__", "keys", "shape", "dtype", "fileno"):
        assert not hasattr(obj, name)
        with pytest.raises(AttributeError, match=name):
            getattr(obj, name)


def test_real_slots_with_protocol_names_are_read() -> None:
    obj = UvmObject(shape=(2, 3), keys=["a"])

    assert obj.clone().shape == (2, 3)
    assert list(obj.clone().keys) == ["a"]


def test_a_shallow_copy_has_slots_of_its_own() -> None:
    original = UvmObject(rate=1, words=["a"])

    twin = copy.copy(original)
    twin.rate = 2

    assert original.rate == 1
    assert twin.words is original.words


def test_a_deep_copy_shares_nothing() -> None:
    original = UvmObject(words=["a"]).clone(rate=1)

    twin = copy.deepcopy(original)
    twin.words.append("b")

    assert list(original.words) == ["a"]
    assert twin.parents != original.parents


def test_a_pickle_brings_slots_and_parents_back() -> None:
    original = UvmObject(rate=1).clone(size=2)

    twin = pickle.loads(pickle.dumps(original))

    assert (twin.rate, twin.size) == (1, 2)


def test_dir_names_what_it_understands() -> None:
    names = dir(UvmObject(rate=1).clone(size=2))

    assert {"rate", "size", "clone", "parents"} <= set(names)
    assert "parent*" not in names


def test_a_new_object_says_so_and_a_stored_one_says_its_number(
    traits: Any,
) -> None:
    assert repr(UvmObject()) == "<a new object>"
    assert repr(traits) == f"<object {int.from_bytes(traits._p_oid, 'big'):#x}>"


def test_slots_are_what_is_stored(connection: Any, traits: UvmObject) -> None:
    connection.root()["account"] = traits.clone(balance=100)
    connection.transaction_manager.commit()
    connection.cacheMinimize()

    account = connection.root()["account"]

    assert account._p_changed is None  # a ghost: nothing of it is loaded
    assert account.balance == 100
    assert account.parents == (traits,)


def test_an_abort_takes_slots_back(connection: Any, traits: Any) -> None:
    traits.rate = 1
    connection.transaction_manager.commit()

    traits.rate = 2
    traits.size = 3
    connection.transaction_manager.abort()

    assert mirror(traits).data() == {"rate": 1}


def test_a_slot_of_a_ghost_can_be_written_and_removed(connection: Any, traits: Any) -> None:
    traits.rate = 1
    connection.transaction_manager.commit()

    traits._p_deactivate()
    traits.size = 2
    connection.transaction_manager.commit()
    traits._p_deactivate()
    del traits.rate
    connection.transaction_manager.commit()
    traits._p_deactivate()

    assert mirror(traits).data() == {"size": 2}


def test_what_was_asked_is_pickled_and_copied_like_any_other() -> None:
    clone = UvmObject(rate=1).clone(size=2)
    assert (clone.rate, clone.size) == (1, 2)  # it has a map by now

    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        twin = pickle.loads(pickle.dumps(clone, protocol))
        assert (twin.rate, twin.size) == (1, 2)
    assert copy.deepcopy(clone).rate == 1


def test_a_copy_of_a_primordial_is_one() -> None:
    original = UvmObject(rate=1)
    mirror(original).seal()

    assert copy.copy(original)._sealed
    assert copy.deepcopy(original)._sealed
