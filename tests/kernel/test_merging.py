"""Two changes of one object become one, or a conflict; nothing is lost in silence."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import pytest
from transaction import TransactionManager
from ZODB.POSException import ConflictError

from batos.kernel.merging import merged, same
from batos.kernel.mirror import mirror
from batos.kernel.uvm_object import UvmObject

NOON = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True),
        (0.0, -0.0),
        ((1, (2,)), (1, (2.0,))),
        (frozenset({1}), frozenset({True})),
        (NOON, NOON.astimezone(dt.timezone(dt.timedelta(hours=2)))),
    ],
)
def test_equal_values_of_another_kind_are_another_value(one: object, other: object) -> None:
    assert not same(one, other)
    assert merged({"a": one, "b": 1}, {"a": one, "b": 2}, {"a": other, "b": 1})["a"] is other


def test_not_a_number_is_the_same_as_itself() -> None:
    old = {"a": math.nan, "b": 1}

    assert merged(old, {"a": math.nan, "b": 2}, {"a": math.nan, "b": 1})["b"] == 2


def two_transactions(database: Any) -> tuple[Any, Any, Any, Any]:
    first, second = (database.open(TransactionManager()) for _ in range(2))
    first.root()["it"] = UvmObject(a=[1], b=1)
    first.transaction_manager.commit()
    second.transaction_manager.begin()
    return first, first.root()["it"], second, second.root()["it"]


def test_a_seal_outlives_the_merge_with_another_change(database: Any) -> None:
    first, here, second, there = two_transactions(database)

    here.b = 2
    mirror(there).seal()
    first.transaction_manager.commit()
    second.transaction_manager.commit()
    first.transaction_manager.begin()

    assert here._sealed
    assert here.b == 2
    for connection in (first, second):
        connection.close()


def test_two_new_names_for_one_slot_are_a_conflict(database: Any) -> None:
    first, here, second, there = two_transactions(database)

    mirror(here).rename("a", "y")
    mirror(there).rename("a", "z")
    first.transaction_manager.commit()
    with pytest.raises(ConflictError):
        second.transaction_manager.commit()

    second.transaction_manager.abort()
    for connection in (first, second):
        connection.close()
