"""Figures of an exam as a person reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from batos.workbench.tables import table

if TYPE_CHECKING:
    from batos.improvement.evaluation import Comparison, Rate
    from batos.improvement.scores import Report, Scores


def as_text(report: Report) -> str:
    """Return a report as lines for a terminal."""
    parts = [part for scores in report.scores for part in _scores(scores)]
    if report.examples_help is not None:
        parts.append(f"examples against none: {_against(report.examples_help)}")
    return "\n\n".join(parts) or "No task was finished."


def _scores(scores: Scores) -> Iterator[str]:
    yield "WITH EXAMPLES" if scores.shown else "WITHOUT EXAMPLES"
    rows = [("search", *_solved(scores.solved), "")]
    rows += [(f"best of {n}", *_solved(it), "") for n, it in scores.best_of.items()]
    rows += [
        (name, *_solved(it), _against(scores.against[name]))
        for name, it in scores.controls.items()
    ]
    yield table(rows, ("", "SOLVED", "SHARE", "95 %", "SEARCH AGAINST IT"))
    wrong, none = scores.false_accepts, scores.abstained
    yield table(
        [
            ("accepted, and wrong", *_solved(wrong)),
            ("accepted, and an edit", *_solved(scores.edited)),
            ("of these wrong", *_solved(scores.edits_wrong)),
            ("accepted, and a claim broken", *_solved(scores.doubted)),
            ("of these wrong", *_solved(scores.doubted_wrong)),
            ("abstained", *_solved(none)),
            ("tokens", f"{scores.tokens:,}", f"{scores.tokens_each:.0f} a task", ""),
            ("seconds", f"{scores.median_s:.1f} median", f"{scores.p95_s:.1f} p95", ""),
        ]
    )
    yield _groups("KIND", scores.kinds)
    yield _groups("FAMILY", scores.families)


def _groups(name: str, groups: Mapping[str, Rate]) -> str:
    rows = [(group, *_solved(it)) for group, it in groups.items()]
    return table(rows, (name, "SOLVED", "SHARE", "95 %"))


def _solved(rate: Rate) -> tuple[str, str, str]:
    share, low, high = (100 * it for it in (rate.share, rate.low, rate.high))
    return f"{rate.hits} of {rate.of}", f"{share:.1f} %", f"{low:.1f} to {high:.1f}"


def _against(found: Comparison) -> str:
    difference, low, high = (100 * it for it in (found.difference, found.low, found.high))
    return (
        f"{difference:+.1f} points ({low:+.1f} to {high:+.1f}), +{found.better} -{found.worse},"
        f" p = {found.p:.2g}, one-sided {found.p_better:.2g},"
        f" by family {found.p_better_by_family:.2g}"
    )
