"""Whether a method can move up to a prototype, and still be the one that answers."""

from __future__ import annotations

import pytest

from batos.errors import PromotionRefused
from batos.kernel.method import Method
from batos.kernel.mirror import mirror
from batos.kernel.moving import promotion
from batos.kernel.uvm_object import UvmObject


def child_of(*parents: UvmObject) -> UvmObject:
    child = UvmObject()
    mirror(child).set("parent*", parents)
    mirror(child).set("greet", Method("def greet(self):\n    return 'hi'", {}))
    return child


def test_by_default_it_moves_to_the_first_parent() -> None:
    left, right = UvmObject(), UvmObject()

    assert promotion(child_of(left, right), "greet", None)[0] is left
    assert promotion(child_of(left, right), "greet", right)[0] is right


def test_it_moves_with_its_source_its_comment_and_its_origin() -> None:
    parent = UvmObject()
    child = child_of(parent)
    mirror(child).annotate("greet", "says hi", "ann")

    mirror(child).promote("greet", by="bob", origin="child")

    moved = mirror(parent).slot("greet")
    assert (moved.comment, moved.by) == ("says hi", "ann")
    assert mirror(child).method("greet").provenance == {
        "promoted_from": "child",
        "promoted_by": "bob",
    }
    assert "greet" not in mirror(child).slots()


def test_what_cannot_move_is_refused_with_its_reason_and_stays() -> None:
    sealed, taken, before, stranger = (UvmObject() for _ in range(4))
    mirror(sealed).seal()
    mirror(taken).set("greet", 1)
    mirror(before).set("greet", 2)
    below = UvmObject()
    refused = {
        "primordial": (child_of(sealed), None),
        "has a slot of this name already": (child_of(taken), None),
        "is asked before it": (child_of(before, below), below),
        "does not delegate to it": (child_of(below), stranger),
        "the object has none": (child_of(), None),
    }

    for why, (child, to) in refused.items():
        with pytest.raises(PromotionRefused, match=why):
            mirror(child).promote("greet", to)
        assert "greet" in mirror(child).slots()
    with pytest.raises(PromotionRefused, match="no such method of its own"):
        mirror(child_of(below)).promote("other")
