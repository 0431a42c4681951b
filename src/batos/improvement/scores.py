"""From papers to figures: how many tasks were solved, by whom, and how sure that is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from batos.improvement.evaluation import (
    Comparison,
    Rate,
    compare,
    grouped_rate,
    quantile,
    rate,
    rates,
)
from batos.improvement.exam import SIZES, Mark, Paper

Marker = Callable[[Paper], Mark]

CONTROLS: Mapping[str, Marker] = {
    "one greedy sample": lambda paper: paper.greedy,
    "most common sample, none run": lambda paper: paper.most_common,
    "recycled programs, no mind": lambda paper: paper.recycled,
}


@dataclass(frozen=True)
class Scores:
    """What one mind reached, with examples or without; rates are of all tasks."""

    shown: bool
    tasks: int
    solved: Rate  # the interval knows that tasks of one family are alike
    best_of: Mapping[int, Rate]
    controls: Mapping[str, Rate]
    against: Mapping[str, Comparison]  # the search against each control
    false_accepts: Rate  # of what was accepted
    edited: Rate  # of what was accepted, what is an edit
    edits_wrong: Rate  # of these
    doubted: Rate  # of what was accepted, what breaks a claim
    doubted_wrong: Rate  # of these
    abstained: Rate
    kinds: Mapping[str, Rate]
    families: Mapping[str, Rate]
    tokens: int  # of the search, all tasks together
    tokens_each: float
    greedy_tokens: int
    median_s: float
    p95_s: float


@dataclass(frozen=True)
class Report:
    """All that an exam says."""

    scores: tuple[Scores, ...]  # with examples, and without them if that was asked for
    examples_help: Comparison | None  # with against without, the search both times


def report_on(papers: Sequence[Paper]) -> Report:
    """Return the figures of an exam, or of as much of it as there is."""
    arms = [[it for it in papers if it.shown is shown] for shown in (True, False)]
    scores = tuple(_scores(arm) for arm in arms if arm)
    return Report(scores, _help(*arms) if all(arms) else None)


def _scores(papers: Sequence[Paper]) -> Scores:
    shown = papers[0].shown
    accepted = [it for it in papers if it.search != "none"]
    edits = [it for it in accepted if it.edited]
    doubted = [it for it in accepted if it.broken]
    tokens = sum(it.tokens for it in papers)
    seconds = [it.seconds for it in papers]
    # without examples there is nothing that old programs could be held against
    controls = {
        name: marker
        for name, marker in CONTROLS.items()
        if shown or name != "recycled programs, no mind"
    }
    return Scores(
        shown=shown,
        tasks=len(papers),
        solved=_solved(papers, lambda paper: paper.search),
        best_of={
            size: _solved(papers, _best_of(size)) for size in SIZES if size in papers[0].best_of
        },
        controls={name: _solved(papers, marker) for name, marker in controls.items()},
        against={name: _against(papers, marker) for name, marker in controls.items()},
        false_accepts=_wrong(accepted),
        edited=rate(len(edits), len(accepted)),
        edits_wrong=_wrong(edits),
        doubted=rate(len(doubted), len(accepted)),
        doubted_wrong=_wrong(doubted),
        abstained=rate(len(papers) - len(accepted), len(papers)),
        kinds=rates(sorted((it.kind, it.search == "right") for it in papers)),
        families=rates(sorted((it.family, it.search == "right") for it in papers)),
        tokens=tokens,
        tokens_each=tokens / len(papers),
        greedy_tokens=sum(it.greedy_tokens for it in papers),
        median_s=quantile(seconds, 0.5),
        p95_s=quantile(seconds, 0.95),
    )


def _wrong(papers: Sequence[Paper]) -> Rate:
    return rate(sum(it.search == "wrong" for it in papers), len(papers))


def _best_of(size: int) -> Marker:
    return lambda paper: paper.best_of[size]


def _solved(papers: Sequence[Paper], marker: Marker) -> Rate:
    return grouped_rate((it.family, marker(it) == "right") for it in papers)


def _against(papers: Sequence[Paper], marker: Marker) -> Comparison:
    return compare([(it.family, it.search == "right", marker(it) == "right") for it in papers])


def _help(with_examples: Sequence[Paper], without: Sequence[Paper]) -> Comparison:
    bare = {it.task: it.search == "right" for it in without}
    both = [it for it in with_examples if it.task in bare]
    return compare([(it.family, it.search == "right", bare[it.task]) for it in both])
