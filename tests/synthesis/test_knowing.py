from __future__ import annotations

from batos.kernel.method import Method, Primitive
from batos.kernel.mirror import mirror
from batos.kernel.uvm_object import UvmObject
from batos.synthesis.knowing import known_of


def told(source: str, **slots: object) -> str:
    receiver = UvmObject(**slots)
    mirror(receiver).set("area_", Method(source, {}))
    (known,) = known_of(receiver, slots)
    return known.function


def test_a_method_is_told_as_a_function_of_the_slots_that_it_reads() -> None:
    source = "def area_(self, depth):\n    return self.width * depth"

    assert (
        told(source, width=2, height=3) == "def area(width, depth):\n    return width * depth"
    )


def test_a_send_to_self_is_told_as_a_call() -> None:
    source = "def area_(self):\n    return self.side_(2) * self.width"

    assert told(source, width=2) == "def area(width):\n    return side(2) * width"


def test_what_cannot_be_told_plainly_is_known_by_name_only() -> None:
    assert told("def area_(self):\n    return self") == ""
    assert told("def area_(self, width):\n    return self.width + width", width=1) == ""
    assert told("def area_(self):\n" + "    x = 1\n" * 9) == ""


def test_a_primitive_is_known_by_name() -> None:
    receiver = UvmObject()
    mirror(receiver).set("ring", Primitive("kernel.set_slot"))

    (known,) = known_of(receiver, ())

    assert (known.selector, known.name, known.function) == ("ring", "ring", "")


def test_what_primordials_do_is_not_told_again() -> None:
    traits = UvmObject(ring=1)
    mirror(traits).set("ring", Method("def ring(self):\n    return 1", {}))
    mirror(traits).seal()

    assert known_of(UvmObject(**{"parent*": traits}), ()) == ()
