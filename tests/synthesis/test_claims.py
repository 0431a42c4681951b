"""What a method's name and its writer's words claim."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from batos.synthesis.claims import Claim, claims_for, claims_in
from batos.synthesis.examples import Example
from batos.synthesis.properties import LIBRARY


@pytest.mark.parametrize(
    ("selector", "kinds", "claimed"),
    [
        ("sorted", ("list",), {"idempotent", "permutation_invariant", "preserves_length"}),
        ("sortedByLength", ("list",), {"idempotent", "preserves_length"}),
        ("uniqueSorted", ("list",), {"idempotent", "permutation_invariant"}),
        ("reversed", ("str",), {"involution", "preserves_length"}),
        ("total", ("list",), {"permutation_invariant", "pure"}),
        ("average", ("list",), {"permutation_invariant", "pure", "bounded"}),
        ("isEmpty", ("list",), {"answers bool", "pure"}),
        ("deposit_", ("int", "int"), {"monotone"}),
        ("toggle", ("bool",), {"involution"}),
        ("transfer_", ("int",), {"preserves_total"}),
        ("greet", ("str",), set()),
    ],
)
def test_a_name_suggests_what_its_method_does(
    selector: str, kinds: tuple[str, ...], claimed: set[str]
) -> None:
    found = claims_for(selector, ("amount",), kinds)

    assert {str(claim) for claim in found} - {"deterministic"} == claimed


def test_a_name_of_chance_is_not_said_to_be_deterministic() -> None:
    assert claims_for("rollDice", (), ("int",)) == ()


def test_an_opposite_among_what_is_known_is_claimed_as_the_inverse() -> None:
    found = claims_for("deposit_", ("amount",), ("int",), known=["withdraw_", "balance"])

    assert Claim("inverse", "withdraw_") in found


def test_examples_say_of_which_kind_the_answer_is_and_that_something_changes() -> None:
    examples = [Example((), 3, given={"n": 2}, after={"n": 3}), Example((), 1.5)]

    found = claims_for("count", (), ("int",), examples)

    assert Claim("answers", "number") in found
    assert Claim("pure") not in found


@pytest.mark.parametrize(
    ("text", "claimed"),
    [
        ("# sort is idempotent, and order does not matter", "idempotent,permutation_invariant"),
        ("It is its own inverse and keeps the length.", "involution,preserves_length"),
        ("always returns a bool; no side effects", "answers bool,pure"),
        ("the inverse of `encode`, deterministic", "inverse encode,deterministic"),
        ("not idempotent, isn't monotone", ""),
        ("a method of beauty", ""),
        ("", ""),
    ],
)
def test_a_writers_claims_are_read_and_other_words_ignored(text: str, claimed: str) -> None:
    assert ",".join(map(str, claims_in(text))) == claimed


@given(st.text(max_size=300))
def test_whatever_a_writer_says_only_known_properties_come_of_it(text: str) -> None:
    assert {claim.property for claim in claims_in(text)} <= set(LIBRARY)
