"""Which candidate stands: execution decides, never the mind's own opinion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from batos.synthesis.values import Choice, Failure, Tried

_QUORUM = 2  # without examples, one sample alone proves nothing


def choose(
    tried: Sequence[Tried], samples: int, broken: Mapping[str, int] = MappingProxyType({})
) -> Choice:
    """Choose by what the candidates did.

    With examples, those stand that agree with all of them. Candidates that did the same in
    every case form a cluster; the cluster with the most samples behind it wins, and its
    shortest source is taken. Without examples the largest cluster needs two samples.

    Args:
        tried: Every candidate, tried.
        samples: How many samples the mind gave in all.
        broken: How many claims are broken of a cluster's leader, by source; those with
            fewer come first, whatever the samples.
    """
    leading = leaders(tried, len(tried))
    if not leading:
        return Choice(None, _why_none(tried, samples))
    votes = _votes(tried)
    best = min(leading, key=lambda item: broken.get(item.candidate.source, 0))
    backing = votes[best.behaviour]
    if not best.wrong and backing < _QUORUM:
        return Choice(None, f"without examples, no two of {samples} samples agree")
    ground = best.verdict if best.wrong else "no examples"
    if not backing:
        return Choice(best, f"{ground}, a small edit of what came near in {samples} samples")
    return Choice(best, f"{ground}, backed by {backing} of {samples} samples")


def leaders(tried: Sequence[Tried], number: int) -> list[Tried]:
    """Return the simplest candidate of each cluster that stands, the most backed one first."""
    votes = _votes(tried)
    standing = (item for item in tried if item.stands)
    ranked = sorted(standing, key=lambda item: (-votes[item.behaviour], _simplicity(item)))
    first: dict[str, Tried] = {}
    for item in ranked:
        first.setdefault(item.behaviour, item)
    return list(first.values())[:number]


def _votes(tried: Sequence[Tried]) -> Counter[str]:
    """Return how many samples are behind each behaviour that stands."""
    votes = Counter[str]()
    for item in tried:
        if item.stands:
            votes[item.behaviour] += item.candidate.samples
    return votes


def nearest(tried: Sequence[Tried], shown: int) -> Failure | None:
    """Return the candidate that came closest, with what was wrong: worth a repair.

    Where none ran, that is the first that the gate refused, with its reason.

    Args:
        tried: Every candidate, tried.
        shown: How many of the examples the writer may see; of the others it learns nothing,
            so a candidate that fails only there cannot be repaired.
    """
    wrong = [item for item in tried if item.answer is not None and any(item.wrong[:shown])]
    if not wrong:
        refused = (item for item in tried if item.answer is None and item.flaw is not None)
        return next((Failure(it.candidate.source, str(it.flaw)) for it in refused), None)
    best = max(wrong, key=lambda item: (item.passed, item.candidate.samples))
    return Failure(best.candidate.source, next(filter(None, best.wrong[:shown])))


def nearly(tried: Sequence[Tried], number: int) -> list[Tried]:
    """Return the candidates that came nearest to standing, one of each behaviour."""
    ran = [item for item in tried if item.answer is not None]
    first: dict[str, Tried] = {}
    for item in sorted(ran, key=lambda item: (-item.passed, -item.candidate.samples)):
        first.setdefault(item.behaviour, item)
    return list(first.values())[:number]


def _simplicity(item: Tried) -> tuple[int, int]:
    changes = len(item.answer.changes) if item.answer is not None else 0
    return changes, len(item.candidate.source)


def _why_none(tried: Sequence[Tried], samples: int) -> str:
    if not tried:
        return f"none of {samples} samples was Python"
    best = max(tried, key=lambda item: (item.answer is not None, item.passed))
    wrote = f"{len(tried)} different methods in {samples} samples"
    return f"{wrote}, none stands; the best one: {best.verdict}"
