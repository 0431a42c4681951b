"""Tests and intervals agree with published figures, and with what they promise."""

from __future__ import annotations

import itertools
import math
from random import Random

import pytest
from hypothesis import given, strategies as st

from batos.improvement.evaluation import (
    compare,
    grouped_rate,
    paired_interval,
    quantile,
    rate,
    rates,
    sign_test,
    sign_test_better,
    wilson,
)

COUNTS = st.integers(0, 60)


def test_wilson_gives_the_published_intervals() -> None:
    # Newcombe 1998, "Two-sided confidence intervals for the single proportion", method 3
    for hits, of, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        assert wilson(hits, of) == pytest.approx((low, high), abs=5e-5)


def test_the_paired_interval_gives_the_published_one() -> None:
    # Newcombe 1998, "Improved confidence intervals ... paired data", method 10
    found = paired_interval(both=36, better=12, worse=2, of=50)

    assert found == pytest.approx((0.0569, 0.3404), abs=5e-5)


def test_the_sign_test_is_the_binomial_one() -> None:
    assert sign_test_better(9, 1) == 11 / 1024
    assert sign_test(9, 1) == 22 / 1024
    assert sign_test(0, 0) == 1.0
    assert sign_test_better(0, 5) == 1.0


@given(COUNTS, COUNTS)
def test_p_values_are_chances_and_the_sides_add_up(better: int, worse: int) -> None:
    one, other = sign_test_better(better, worse), sign_test_better(worse, better)
    tie = math.comb(better + worse, better) / 2 ** (better + worse)

    assert 0 < one <= 1
    assert sign_test(better, worse) == sign_test(worse, better) <= 1
    assert one + other == pytest.approx(1 + tie)


def test_a_fair_coin_is_called_better_no_more_often_than_promised() -> None:
    tosses, called = 30, 0.0
    for better in range(tosses + 1):
        if sign_test(better, tosses - better) <= 0.05:
            called += math.comb(tosses, better) / 2**tosses

    assert 0 < called <= 0.05


@given(st.integers(1, 200), st.data())
def test_an_interval_holds_its_rate_and_stays_between_0_and_1(
    of: int, data: st.DataObject
) -> None:
    found = rate(data.draw(st.integers(0, of)), of)

    assert 0 <= found.low <= found.share <= found.high <= 1


def test_wilson_covers_the_truth_about_95_times_of_100() -> None:
    of = 40
    for truth in (0.1, 0.3, 0.5, 0.9):
        covered = sum(
            math.comb(of, hits) * truth**hits * (1 - truth) ** (of - hits)
            for hits in range(of + 1)
            if wilson(hits, of)[0] <= truth <= wilson(hits, of)[1]
        )
        assert 0.92 <= covered <= 0.99


@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_a_paired_interval_holds_its_difference_and_turns_with_the_sides(
    both: int, better: int, worse: int, neither: int
) -> None:
    of = both + better + worse + neither
    low, high = paired_interval(both, better, worse, of)
    turned = paired_interval(both, worse, better, of)

    difference = (better - worse) / of if of else 0.0
    assert -1 <= low <= difference + 1e-12
    assert difference - 1e-12 <= high <= 1
    assert turned == pytest.approx((-high, -low))


def test_the_paired_interval_covers_the_truth_about_95_times_of_100() -> None:
    draw, covered, rounds, of = Random(1), 0, 2_000, 60
    truth = 0.25 - 0.10
    for _ in range(rounds):
        cells = draw.choices(("both", "better", "worse", "neither"), (35, 25, 10, 30), k=of)
        both, better, worse = map(cells.count, ("both", "better", "worse"))
        low, high = paired_interval(both, better, worse, of)
        covered += low <= truth <= high

    assert 0.93 <= covered / rounds <= 0.98


def test_tasks_that_are_all_alike_count_for_less() -> None:
    alike = [(family, family % 2 == 0) for family in range(10) for _ in range(20)]
    mixed = [(family, number % 2 == 0) for family in range(10) for number in range(20)]

    plain, by_family = rate(100, 200), grouped_rate(alike)

    assert by_family.share == plain.share
    assert by_family.high - by_family.low > 3 * (plain.high - plain.low)
    assert grouped_rate(mixed) == plain


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=60))
def test_groups_never_make_surer(solved: list[tuple[int, bool]]) -> None:
    found = grouped_rate(solved)
    plain = rate(found.hits, found.of)

    assert found.low <= plain.low + 1e-12
    assert found.high >= plain.high - 1e-12


def test_a_comparison_counts_tasks_and_families() -> None:
    pairs = [("a", True, False)] * 6 + [("b", True, False)] * 6 + [("c", True, True)] * 3

    found = compare(pairs)

    assert (found.better, found.worse, found.of) == (12, 0, 15)
    assert found.difference == 12 / 15
    assert found.p == 2 / 2**12
    assert found.p_better_by_family == 1 / 4
    assert found.low > 0


def test_nothing_counted_says_nothing() -> None:
    assert (rate(0, 0).low, rate(0, 0).high) == (0.0, 1.0)
    assert grouped_rate([]).of == 0
    assert compare([]).p == 1.0


def test_each_group_has_a_rate_of_its_own() -> None:
    found = rates([("a", True), ("b", False), ("a", False)])

    assert [(name, it.hits, it.of) for name, it in found.items()] == [("a", 1, 2), ("b", 0, 1)]


def test_quantiles_are_values_that_occurred() -> None:
    values = [float(it) for it in itertools.chain(range(1, 20), [100])]

    assert quantile(values, 0.5) == 10
    assert quantile(values, 0.95) == 19
    assert quantile([7.0], 0.95) == 7
    assert quantile([], 0.5) == 0
