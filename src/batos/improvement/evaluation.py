"""Is one better than another, by how much, how sure: exact tests and honest intervals.

Everything here is arithmetic on counts of tasks that were solved or not. Two that sat the
same tasks are compared task by task, which says more than their two rates. Tasks of one
family are alike, so an interval over them counts for fewer tasks than there are.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

_Z95 = 1.959963984540054  # the standard normal's 97.5 % point

Group = TypeVar("Group", bound=Hashable)


@dataclass(frozen=True)
class Rate:
    """How many of how many, with the interval that covers the truth 95 times of 100."""

    hits: int
    of: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """The rate, 0 where nothing was counted."""
        return self.hits / self.of if self.of else 0.0


@dataclass(frozen=True)
class Comparison:
    """One against another on the same tasks."""

    better: int  # tasks that only the first solved
    worse: int  # tasks that only the second solved
    of: int
    difference: float  # of the rates, in shares
    low: float
    high: float
    p: float  # two-sided: that chance alone sets them so far apart
    p_better: float  # one-sided: that chance alone makes the first so much better
    p_better_by_family: float  # the same, where a family counts once


def rate(hits: int, of: int) -> Rate:
    """Return a rate of independent tasks, with Wilson's score interval (1927)."""
    low, high = wilson(hits, of)
    return Rate(hits, of, low, high)


def grouped_rate(solved: Iterable[tuple[Hashable, bool]]) -> Rate:
    """Return a rate over tasks that come in groups of like ones.

    Wilson's interval for as many tasks as they are worth: the variance between groups says
    how many (Korn and Graubard 1998), and they are never worth more than they are.

    Args:
        solved: For each task its group, and whether it was solved.
    """
    groups: dict[Hashable, list[bool]] = defaultdict(list)
    for group, was in solved:
        groups[group].append(was)
    of = sum(map(len, groups.values()))
    hits = sum(map(sum, groups.values()))
    low, high = _wilson(hits, of, _worth(list(groups.values()), hits, of))
    return Rate(hits, of, low, high)


def rates(solved: Iterable[tuple[Group, bool]]) -> dict[Group, Rate]:
    """Return the rate of each group, in the order in which they come up."""
    groups: dict[Group, list[bool]] = defaultdict(list)
    for group, was in solved:
        groups[group].append(was)
    return {group: rate(sum(found), len(found)) for group, found in groups.items()}


def compare(pairs: Sequence[tuple[Hashable, bool, bool]]) -> Comparison:
    """Compare two that sat the same tasks.

    Args:
        pairs: For each task its family, and whether the first and the second solved it.
    """
    better = sum(one and not other for _, one, other in pairs)
    worse = sum(other and not one for _, one, other in pairs)
    both = sum(one and other for _, one, other in pairs)
    of = len(pairs)
    low, high = paired_interval(both, better, worse, of)
    balance: dict[Hashable, int] = defaultdict(int)
    for family, one, other in pairs:
        balance[family] += one - other
    ahead, behind = (sum(sign * it > 0 for it in balance.values()) for sign in (1, -1))
    return Comparison(
        better=better,
        worse=worse,
        of=of,
        difference=(better - worse) / of if of else 0.0,
        low=low,
        high=high,
        p=sign_test(better, worse),
        p_better=sign_test_better(better, worse),
        p_better_by_family=sign_test_better(ahead, behind),
    )


def sign_test(better: int, worse: int) -> float:
    """Return the two-sided p of McNemar's exact test (1947): binomial, with a half."""
    tail = min(sign_test_better(better, worse), sign_test_better(worse, better))
    return min(1.0, 2 * tail)


def sign_test_better(better: int, worse: int) -> float:
    """Return how likely a fair coin gives at least `better` heads in `better + worse`."""
    tosses = better + worse
    ways = sum(math.comb(tosses, heads) for heads in range(better, tosses + 1))
    return float(ways / 2**tosses)


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a rate; all of 0 to 1 where nothing was counted."""
    return _wilson(hits, of, of)


def paired_interval(both: int, better: int, worse: int, of: int) -> tuple[float, float]:
    """Return the 95 % interval of a difference between two rates on the same tasks.

    Newcombe's tenth method (Statistics in Medicine 17, 1998): it joins the Wilson intervals
    of both rates by their correlation, and never leaves -1 to 1.

    Args:
        both: Tasks that both solved.
        better: Tasks that only the first solved.
        worse: Tasks that only the second solved.
        of: All tasks.
    """
    if of == 0:
        return -1.0, 1.0
    first, second = both + better, both + worse
    low_1, high_1 = wilson(first, of)
    low_2, high_2 = wilson(second, of)
    p_1, p_2 = first / of, second / of
    phi = _correlation(both, better, worse, of)
    below = _joined(p_1 - low_1, high_2 - p_2, phi)
    above = _joined(high_1 - p_1, p_2 - low_2, phi)
    difference = p_1 - p_2
    return max(-1.0, difference - below), min(1.0, difference + above)


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest of the values that at least this share does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


def _wilson(hits: int, of: int, worth: float) -> tuple[float, float]:
    if of == 0 or worth <= 0:
        return 0.0, 1.0
    share, z2 = hits / of, _Z95**2
    middle = (share + z2 / (2 * worth)) / (1 + z2 / worth)
    spread = math.sqrt(share * (1 - share) / worth + z2 / (4 * worth**2))
    half = _Z95 / (1 + z2 / worth) * spread
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    high = 1.0 if hits == of else min(1.0, middle + half)
    return low, high


def _worth(groups: Sequence[Sequence[bool]], hits: int, of: int) -> float:
    """Return how many independent tasks would leave us as unsure as these groups do."""
    if len(groups) < 2 or hits in (0, of):
        return float(len(groups) if groups and hits in (0, of) else of)
    share = hits / of
    between = sum((sum(it) - share * len(it)) ** 2 for it in groups)
    variance = between / of**2 * len(groups) / (len(groups) - 1)
    alone = share * (1 - share)
    return float(of) if variance * of <= alone else alone / variance


def _correlation(both: int, better: int, worse: int, of: int) -> float:
    """Return phi between the two, corrected for continuity as Newcombe does."""
    neither = of - both - better - worse
    margins = (both + better) * (worse + neither) * (both + worse) * (better + neither)
    if margins == 0:
        return 0.0
    product = float(both * neither - better * worse)
    if product > 0:
        product = max(product - of / 2, 0)
    return product / math.sqrt(margins)


def _joined(one: float, other: float, phi: float) -> float:
    return math.sqrt(max(0.0, one**2 - 2 * phi * one * other + other**2))
