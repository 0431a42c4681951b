# ruff: noqa: E501  (one attempt a line)
"""A method changes what its own receiver holds, and nothing that another object holds."""

from __future__ import annotations

from types import MethodType, SimpleNamespace
from typing import Any

import pytest

from batos.errors import NotItsOwn, NotPermitted
from batos.kernel.authority import write_data_slot
from batos.kernel.method import Primitive
from batos.kernel.mirror import mirror
from batos.kernel.runtime import Runtime
from batos.kernel.shared import Counter, Queue
from batos.kernel.uvm_object import UvmObject
from batos.kernel.values import plain
from batos.sandbox.policy import compile_method

OTHERS: dict[str, Any] = {"n": 1, "rows": [[1], [2]], "d": {"a": [1]}, "tags": {1}, "hits": Counter(3), "queue": Queue([1])}  # fmt: skip


def body(*lines: str, parameters: str = "") -> str:
    return "\n    ".join([f"def method(self{parameters}):", *lines])


@pytest.fixture
def me() -> UvmObject:
    """An object that holds containers, and refers to another that holds some, too."""
    jar = SimpleNamespace(
        runtime=Runtime({"set": write_data_slot}, compile_method), register=lambda _obj: None
    )
    traits = UvmObject()
    traits._slots["setSlot_value_"] = Primitive("set")
    mirror(traits).seal()
    traits._p_jar = jar
    prototype = traits.clone(shared=[1], common={"a": 1})
    other = prototype.clone(**OTHERS)
    obj = prototype.clone(
        n=1, rows=[[1], [2]], d={"a": [1]}, tags={1}, hits=Counter(3), other=other
    )
    for one in (prototype, other, obj):
        one._p_jar = jar
    mirror(other).define(
        body("for row in self.rows:", "    f(row)", parameters=", f").replace("method", "each_")
    )
    mirror(other).define("def give(self):\n    return self.rows")
    mirror(other).define("def setN_(self, n):\n    self.n = n\n    return self")
    mirror(other).define("def run_(self, f):\n    return f()")
    return obj


def run(me: UvmObject, *lines: str) -> object:
    return MethodType(compile_method(body(*lines)), me)()


def state(obj: UvmObject) -> dict[str, object]:
    return {name: repr(plain(value)) for name, value in mirror(obj).data().items()}


ATTEMPTS = {
    "a slot": ("self.other.n = 2",),
    "a new slot": ("self.other.m = 2",),
    "a slot by +=": ("self.other.n += 1",),
    "a slot deleted": ("del self.other.n",),
    "a slot by setattr": ("setattr(self.other, 'n', 2)",),
    "a slot by delattr": ("delattr(self.other, 'n')",),
    "a slot by a setattr that is handed on": ("list(map(setattr, [self.other], ['n'], [2]))",),
    "a slot by setSlot_value_": ("self.other.setSlot_value_('n', 2)",),
    "a slot by setSlot_value_ and getattr": ("getattr(self.other, 'setSlot_value_')('n', 2)",),
    "a slot by another self": ("self = self.other", "self.n = 2"),
    "a slot by an inner self": ("def f(self): self.n = 2", "f(self.other)"),
    "a slot by a lambda's self": ("(lambda self: setattr(self, 'n', 2))(self.other)",),
    "a slot as a loop's variable": ("for self.other.n in [2]: pass",),
    "a slot in an unpacking": ("self.n, self.other.n = 5, 6",),
    "a slot by a closure that the other calls": ("o = self.other", "def f(): o.n = 2", "o.run_(f)"),
    "a slot of a clone": ("c = self.clone()", "c.n = 2"),
    "append": ("self.other.rows.append(3)",),
    "append, kept for later": ("f = self.other.rows.append", "f(3)"),
    "append by map": ("list(map(self.other.rows.append, [3]))",),
    "append by partial": ("from functools import partial", "partial(self.other.rows.append, 3)()"),
    "append by getattr": ("getattr(self.other.rows, 'append')(3)",),
    "append to what lies inside": ("self.other.rows[0].append(3)",),
    "append in a loop": ("for row in self.other.rows: row.append(3)",),
    "append to what unpacking gives": ("a, b = self.other.rows", "a.append(3)"),
    "append to what an answer gives": ("self.other.give().append(3)",),
    "append in a closure that the other calls": ("self.other.each_(lambda row: row.append(3))",),
    "append to the values of a dict": ("for v in self.other.d.values(): v.append(3)",),
    "append to a dict's get": ("self.other.d.get('a').append(3)",),
    "append to a sum's rows": ("x = self.other.rows + []", "x[0].append(3)"),
    "append to a slice's rows": ("x = self.other.rows[:]", "x[0].append(3)"),
    "append to a copy's rows": ("x = self.other.rows.copy()", "x[0].append(3)"),
    "+= to a container": ("x = self.other.rows", "x += [3]"),
    "+= to a slot with a container": ("self.other.rows += [3]",),
    "+= to a container inside a dict": ("self.other.d['a'] += [3]",),
    "|= to a dict": ("x = self.other.d", "x |= {'b': 1}"),
    "|= to a set": ("x = self.other.tags", "x |= {2}"),
    "&= to a set": ("x = self.other.tags", "x &= set()"),
    "-= to a set": ("x = self.other.tags", "x -= {1}"),
    "^= to a set": ("x = self.other.tags", "x ^= {1}"),
    "an item": ("self.other.rows[0] = 3",),
    "an item deleted": ("del self.other.rows[0]",),
    "an item of a dict": ("self.other.d['b'] = 3",),
    "a slice": ("self.other.rows[0:1] = [3]",),
    "sort": ("self.other.rows.sort(reverse=True)",),
    "pop": ("self.other.rows.pop()",),
    "clear": ("self.other.d.clear()",),
    "setdefault": ("self.other.d.setdefault('b', 1)",),
    "update": ("self.other.d.update(b=1)",),
    "add": ("self.other.tags.add(2)",),
    "shuffle": ("import random", "random.seed(1)", "random.shuffle(self.other.rows)"),
    "a counter": ("self.other.hits.change(1)",),
    "a counter by +=": ("x = self.other.hits", "x += 1"),
    "a counter by -=": ("x = self.other.hits", "x -= 1"),
    "a counter in a slot by +=": ("self.other.hits += 1",),
    "a queue": ("self.other.queue.put(2)",),
    "take from a queue": ("self.other.queue.take()",),
    "what the parent holds": ("self.shared.append(2)",),
    "an item of what the parent holds": ("self.common['b'] = 2",),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTEMPTS)
def test_what_another_object_holds_is_not_a_methods_to_change(name: str, me: UvmObject) -> None:
    other, parent = me.other, me.parents[0]
    before = state(other), state(parent)

    with pytest.raises(NotItsOwn, match="Send that object") as refused:
        run(me, *ATTEMPTS[name])

    assert (state(other), state(parent)) == before
    assert "lies in" in str(refused.value) or "is a slot of" in str(refused.value)


COPIES = {
    "kept": ("self.rows = self.other.rows", "self.rows.append(3)"),
    "kept inside": ("self.rows = [self.other.rows]", "self.rows[0].append(3)"),
    "appended": ("self.rows.append(self.other.rows)", "self.rows[2].append(3)"),
    "among items": ("self.rows.extend(self.other.rows)", "self.rows[2].append(3)"),
    "among an iterator's items": ("self.rows.extend(iter(self.other.rows))", "self.rows[2].append(3)"),
    "among a generator's items": ("self.rows.extend(r for r in self.other.rows)", "self.rows[2].append(3)"),
    "by +=": ("self.rows += self.other.rows", "self.rows[2].append(3)"),
    "by += of a name": ("x = self.rows", "x += iter(self.other.rows)", "self.rows[2].append(3)"),
    "as a slice": ("self.rows[0:0] = self.other.rows", "self.rows[0].append(3)"),
    "as an item": ("self.d['b'] = self.other.rows", "self.d['b'].append(3)"),
    "by update": ("self.d.update(b=self.other.rows)", "self.d['b'].append(3)"),
    "by update with items": ("self.d.update(self.other.d.items())", "self.d['a'].append(3)"),
    "by setdefault": ("self.d.setdefault('b', self.other.rows).append(3)",),
    "by setSlot_value_": ("self.setSlot_value_('rows', self.other.rows)", "self.rows.append(3)"),
    "by setattr": ("setattr(self, 'rows', self.other.rows)", "self.rows.append(3)"),
    "in a clone": ("c = self.clone(rows=self.other.rows)", "self.rows = c.rows", "self.rows.append(3)"),
    "in a tuple": ("self.pair = (self.other.rows, 1)", "self.pair[0].append(3)"),
}  # fmt: skip


@pytest.mark.parametrize("name", COPIES)
def test_what_another_object_holds_is_copied_when_it_enters_ones_own(
    name: str, me: UvmObject
) -> None:
    other = me.other
    before = state(other)

    run(me, *COPIES[name])

    assert state(other) == before


OWN = {
    "a slot through another name": (("me = self", "me.n = 2", "return self.n"), 2),
    "append through another name": (("x = self.rows", "x.append(3)", "return len(self.rows)"), 3),
    "what lies inside": (("self.rows[0].append(3)", "return self.rows[0]"), [1, 3]),
    "what lies inside, in a loop": (("for row in self.rows: row.append(3)", "return self.rows"), [[1, 3], [2, 3]]),
    "a nested item": (("self.d['a'][0] += 4", "return self.d"), {"a": [5]}),
    "a container that a closure changes": (("f = lambda x: self.rows.append(x)", "list(map(f, [3]))", "return len(self.rows)"), 3),
    "a closure that the other calls": (("self.other.each_(lambda row: self.rows.append(len(row)))", "return self.rows"), [[1], [2], 1, 1]),
    "what the parent holds, by +=": (("self.shared += [2]", "return self.shared"), [1, 2]),
    "a swap": (("self.rows, self.d = self.d, self.rows", "self.d.append(3)", "return len(self.d), self.rows['a']"), (3, [1])),
    "a new list of a sum": (("x = self.rows + [3]", "x.append(4)", "return x"), [[1], [2], 3, 4]),
    "a new dict of a union": (("x = self.d | {'b': 1}", "x['c'] = 2", "return sorted(x)"), ["a", "b", "c"]),
    "a new set of a union": (("x = self.tags | {2}", "x.add(3)", "return sorted(x)"), [1, 2, 3]),
    "a set in place": (("self.tags |= {2}", "self.tags -= {1}", "return sorted(self.tags)"), [2]),
    "shuffle": (("import random", "random.shuffle(self.rows)", "return len(self.rows)"), 2),
    "a counter": (("self.hits += 2", "self.hits -= 1", "return self.hits.value"), 4),
    "a copy of another's": (("x = list(self.other.rows)", "x.append(3)", "return len(x)"), 3),
    "a message to another": (("self.other.setN_(9)", "return self.other.n"), 9),
    "a clone's first slots": (("return self.clone(n=7).n",), 7),
    "an operand that puts another list there": (("def f():", "    self.rows = [9]", "    return [8]", "self.rows += f()", "return self.rows"), [[1], [2], 8]),
}  # fmt: skip


@pytest.mark.parametrize("name", OWN)
def test_what_is_its_own_is_a_methods_to_change(name: str, me: UvmObject) -> None:
    lines, wanted = OWN[name]

    assert plain(run(me, *lines)) == wanted


def test_an_inherited_container_is_left_to_the_parent_by_an_in_place_change(
    me: UvmObject,
) -> None:
    run(me, "self.shared += [2]")

    assert plain(me.parents[0].shared) == [1]


@pytest.mark.parametrize(
    "line",
    [
        "self.n = 2",
        "self.rows.append(1)",
        "self.setSlot_value_('n', 2)",
        "del self.n",
        "self.hits += 1",
    ],
)
def test_where_writing_is_not_permitted_a_method_changes_nothing(
    line: str, me: UvmObject
) -> None:
    mirror(me.parents[0]).permit("write", "no")  # a clone permits what its parents permit
    before = state(me)

    with pytest.raises(NotPermitted, match="write"):
        run(me, line)

    assert state(me) == before


def test_an_own_permission_goes_before_a_parents(me: UvmObject) -> None:
    mirror(me.parents[0]).permit("write", "no")
    mirror(me).permit("write", "yes")

    run(me, "self.n = 2")

    assert me.n == 2


@pytest.mark.parametrize(
    "line", ["return self.other.n", "self.other.setN_(2)", "self.other.clone()"]
)
def test_an_object_without_call_takes_messages_from_outside_only(
    line: str, me: UvmObject
) -> None:
    other = me.other
    mirror(other).permit("call", "no")

    with pytest.raises(NotPermitted, match="keeper"):
        run(me, line)

    assert other.setN_(5).n == 5


def test_an_keepers_methods_may_send_to_what_it_owns(me: UvmObject) -> None:
    me._p_oid = (7).to_bytes(8, "big")
    mirror(me.other).permit("call", "no", keeper=me)

    run(me, "self.other.setN_(2)")

    assert me.other.n == 2
