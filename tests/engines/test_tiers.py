"""A tier keeps its budget, and what was used longest ago leaves first."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from batos.engines.tiers import Counts, Tier

Step = tuple[str, int, bool]


def test_what_was_used_longest_ago_leaves_first() -> None:
    tier = Tier(budget_bytes=3)
    for name in "abc":
        tier.put(name, 1)
    tier.use("a")

    assert tier.put("d", 2) == ["b", "c"]
    assert tier.names == ("a", "d")


def test_what_is_pinned_or_needed_stays() -> None:
    tier = Tier(budget_bytes=3)
    tier.put("pinned", 1, pinned=True)
    tier.put("needed", 1)
    tier.put("idle", 1)

    assert tier.put("new", 1, needed=["needed"]) == ["idle"]
    with pytest.raises(OverflowError, match="2 bytes do not fit into 3 beside 2 that stay"):
        tier.put("more", 2, needed=["needed"])
    assert tier.names == ("pinned", "needed", "new")


def test_hits_misses_and_seconds_are_counted() -> None:
    tier = Tier(budget_bytes=1)
    tier.use("a")
    tier.put("a", 1)
    tier.took(0.5)
    tier.use("a")
    tier.put("b", 1)

    assert tier.counts == Counts(hits=1, misses=1, evicted=1, seconds=0.5)


def test_what_is_dropped_is_no_longer_pinned() -> None:
    tier = Tier(budget_bytes=1)
    tier.put("a", 1, pinned=True)
    tier.drop("a")
    tier.put("a", 1)

    assert tier.put("b", 1) == ["a"]


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 12), st.booleans())))
def test_the_budget_holds_whatever_comes(steps: list[Step]) -> None:
    tier, pinned = Tier(budget_bytes=10), set()
    for name, size, pin in steps:
        before = tier.names, tier.bytes
        try:
            gone = tier.put(name, size, pinned=pin)
        except OverflowError:
            assert (tier.names, tier.bytes) == before
            continue
        if pin:
            pinned.add(name)
        assert not pinned & set(gone)
        assert tier.names[-1] == name
        assert tier.bytes <= 10
        assert set(tier.names) | set(gone) == set(before[0]) | {name}
