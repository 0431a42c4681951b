"""Mutants are the small mistakes that one makes in a short method."""

from __future__ import annotations

import ast

import pytest

from batos.improvement.mutants import limits_of, mutants_of

SPEND = """\
def spend_(self, amount):
    if amount <= self.balance:
        self.balance -= amount
    return self.balance"""


def lines_of(source: str, *slots: str) -> set[str]:
    """Return the bodies of the mutants of a method of one line, `return ...`."""
    mutants = mutants_of(f"def f(self, x, y):\n    return {source}", slots)
    return {mutant.split("return ")[1] for mutant in mutants}


@pytest.mark.parametrize(
    ("source", "mutants"),
    [
        ("x + y", {"x - y", "y + x", "x", "y"}),
        ("x % 2 == 0", {"x // 2 == 0", "x % 3 == 0", "x % 2 == 1", "x % 2 != 0"}),
        ("x < y", {"x <= y", "x > y"}),
        ("x and y", {"x or y"}),
        ("not x", {"x"}),
        ("max(x, y)", {"min(x, y)", "max(y, x)"}),
        ("x[:y]", {"x[y:]", "x"}),
        ("x.upper()", {"x.lower()", "x"}),
        ("sorted(x)", {"list(x)", "x"}),
        ("'ab' + x", {"'b' + x", "'abx' + x"}),
        ("[i for i in x if i > 1]", {"[i for i in x]"}),
        ("1 if x else 2", {"2 if x else 1"}),
        ("max(x, key=len)", {"max(x)", "min(x, key=len)"}),
    ],
)
def test_an_expression_has_the_mutants_that_one_expects(source: str, mutants: set[str]) -> None:
    assert mutants <= lines_of(source)


def test_a_slot_is_taken_for_another_and_for_the_answer() -> None:
    assert {"self.b + x", "self.b"} <= lines_of("self.a + x", "a", "b")


def test_statements_are_dropped_doubled_and_turned_round() -> None:
    mutants = {mutant.partition("\n")[2] for mutant in mutants_of(SPEND, ["balance"])}

    dropped = "    if amount <= self.balance:\n        pass\n    return self.balance"
    doubled = SPEND.replace("        self", "        self.balance -= amount\n        self", 1)
    without_if = "    self.balance -= amount\n    return self.balance"
    turned = SPEND.replace("amount <= self.balance", "not amount <= self.balance")
    assert {dropped, without_if} <= mutants
    assert {it.partition("\n")[2] for it in (doubled, turned)} <= mutants


def test_mutants_are_different_methods_of_the_same_name_in_a_fixed_order() -> None:
    mutants = mutants_of(SPEND, ["balance"])

    assert mutants == mutants_of(SPEND, ["balance"])
    assert len(set(mutants)) == len(mutants)
    assert ast.unparse(ast.parse(SPEND)) not in mutants
    assert all(mutant.startswith("def spend_(self, amount):") for mutant in mutants)


def test_a_yes_or_no_may_be_guessed_by_one_limit() -> None:
    guesses = limits_of(SPEND, {"self.balance": [3], "amount": [5, 6]})

    assert len(guesses) == 6
    assert "def spend_(self, amount):\n    return self.balance < 3" in guesses
