"""Behaviour that lies in a slot, and the runtime that it needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from batos.errors import ExtraMissing, OutsideUniverse
from batos.kernel.message import send
from batos.kernel.method import Method, Primitive, bind, is_behaviour
from batos.kernel.runtime import Runtime, runtime_of
from batos.kernel.uvm_object import UvmObject

DOUBLE = "def double(self, n):\n    return 2 * n"


def test_a_method_is_compiled_once_and_when_it_first_runs(connection: Any, traits: Any) -> None:
    compiled: list[str] = []
    compile_plainly = connection.runtime.compile

    def compile_and_count(source: str) -> Callable[..., object]:
        compiled.append(source)
        function: Callable[..., object] = compile_plainly(source)
        return function

    connection.db().runtime = Runtime({}, compile_and_count)
    traits.double = Method(DOUBLE, {})
    assert compiled == []

    assert [traits.clone().double(n) for n in (1, 2)] == [2, 4]

    assert compiled == [DOUBLE]


def test_a_method_keeps_source_and_origin_and_no_function(connection: Any, traits: Any) -> None:
    traits.double = Method(DOUBLE, {"by": "a person"})
    traits.double(1)
    connection.transaction_manager.commit()
    connection.cacheMinimize()

    method: Any = traits._slots["double"]

    assert method.__getstate__() == {"source": DOUBLE, "provenance": {"by": "a person"}}
    assert traits.double(2) == 4


def test_an_aborted_method_is_gone(connection: Any, traits: Any) -> None:
    traits.double = Method(DOUBLE, {})
    traits.double(1)

    connection.transaction_manager.abort()

    assert send(traits, "double", 1) == "heard double"


def test_a_primitive_runs_what_its_name_is_bound_to(connection: Any, traits: Any) -> None:
    connection.db().runtime = Runtime(
        {"test.add": lambda self, n: self.rate + n}, lambda _: print
    )
    account = traits.clone(add=Primitive("test.add"), rate=3)

    assert account.add(4) == 7


def test_a_primitive_without_a_function_fails_only_when_it_is_called(
    traits: Any,
) -> None:
    traits.improve = Primitive("improvement.improve")

    improve = traits.clone().improve

    assert callable(improve)
    with pytest.raises(ExtraMissing, match=r"improvement\.improve"):
        improve("now")


def test_an_object_of_no_universe_runs_nothing() -> None:
    lost = UvmObject(double=Method(DOUBLE, {}))

    with pytest.raises(OutsideUniverse, match="a new object"):
        send(lost, "double", 1)
    with pytest.raises(OutsideUniverse):
        runtime_of(UvmObject().clone())


def test_an_object_that_is_not_stored_yet_runs_in_its_ancestors_universe(
    connection: Any, traits: UvmObject
) -> None:
    assert runtime_of(traits.clone().clone()) is connection.runtime


def test_data_means_itself_to_any_receiver() -> None:
    words = ["a"]

    assert bind(words, UvmObject()) is words
    assert not is_behaviour(words)
    assert is_behaviour(Primitive("x"))
    assert is_behaviour(Method(DOUBLE, {}))
