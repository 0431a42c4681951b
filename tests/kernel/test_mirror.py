"""Look at an object, or change it, without sending."""

from __future__ import annotations

from typing import Any

import pytest

from batos.errors import NoSuchMethod, NotStorable, SlotRefused
from batos.kernel.message import Message
from batos.kernel.method import Method, Primitive
from batos.kernel.mirror import mirror
from batos.kernel.uvm_object import UvmObject

GREET = "def greet(self, name):\n    return f'hi {name}, I am {self.name}'"


def test_slots_show_everything_of_its_own_and_cannot_be_written() -> None:
    parent = UvmObject(rate=1)
    child = parent.clone(size=2, greet=Primitive("test.greet"))

    slots: Any = mirror(child).slots()

    assert slots == {"parent*": parent, "size": 2, "greet": Primitive("test.greet")}
    with pytest.raises(TypeError):
        slots["size"] = 3


def test_data_leaves_parents_and_behaviour_out() -> None:
    child = UvmObject(rate=1).clone(size=2, greet=Primitive("test.greet"))

    assert mirror(child).data() == {"size": 2}


def test_questions_about_lookup() -> None:
    parent = UvmObject(rate=1)
    child = parent.clone(size=2)
    image = mirror(child)

    assert image.parents() == (parent,)
    assert image.selectors() == ["size", "rate"]
    assert image.understands("rate")
    assert not image.understands("price")
    found = image.find("rate")
    assert found is not None
    assert found.holder is parent
    assert image.find("price") is None


def test_looking_sends_nothing_and_runs_nothing(
    traits: UvmObject, heard: list[tuple[UvmObject, Message]]
) -> None:
    image = mirror(traits.clone(broken=Method("this is no Python", {})))

    image.slots()
    image.data()
    image.selectors()
    image.understands("price")
    assert image.method("broken").source == "this is no Python"
    assert heard == []


def test_set_and_remove_change_slots_of_its_own() -> None:
    parent, child = UvmObject(rate=1), UvmObject()

    mirror(child).set("parent*", parent)
    mirror(child).set("size", 2)
    assert (child.rate, child.size) == (1, 2)
    mirror(child).remove("size")
    mirror(child).remove("parent*")

    assert mirror(child).slots() == {}
    with pytest.raises(SlotRefused):
        mirror(child).remove("size")
    with pytest.raises(NotStorable):
        mirror(child).set("size", print)


def test_define_installs_a_persons_method(traits: UvmObject) -> None:
    account = traits.clone(name="Ann")

    selector = mirror(account).define(GREET)

    assert selector == "greet"
    assert account.greet("Bob") == "hi Bob, I am Ann"
    assert mirror(account.clone()).method("greet").provenance == {"by": "a person"}


def test_define_writes_nothing_when_the_source_is_refused(traits: UvmObject) -> None:
    account = traits.clone()

    with pytest.raises(SyntaxError):
        mirror(account).define("def greet(self:")
    with pytest.raises(SlotRefused):
        mirror(account).define("def clone(self):\n    return 1")

    assert list(mirror(account).slots()) == ["parent*"]


@pytest.mark.parametrize("selector", ["rate", "price", "primitive"])
def test_only_a_method_has_source(selector: str) -> None:
    obj = UvmObject(rate=1, primitive=Primitive("test.greet"))

    with pytest.raises(NoSuchMethod, match="no method with source"):
        mirror(obj).method(selector)
