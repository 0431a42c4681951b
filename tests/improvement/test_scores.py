"""Figures are those that one would count by hand."""

from __future__ import annotations

from dataclasses import replace

from batos.improvement.exam import Paper
from batos.improvement.scores import report_on
from batos.workbench.figures import as_text

PAPER = Paper(
    task="numbers.one/1",
    family="numbers.one",
    kind="numbers",
    shown=True,
    search="right",
    best_of={1: "none", 2: "right"},
    greedy="wrong",
    most_common="wrong",
    recycled="none",
    samples=2,
    tokens=40,
    greedy_tokens=10,
    seconds=1.0,
    verdict="all 3 examples agree",
    source="def one(self): ...",
    edited=False,
    broken=(),
)
PAPERS = [
    PAPER,
    replace(PAPER, task="numbers.one/2", greedy="right", seconds=2.0),
    replace(PAPER, task="lists.two/1", family="lists.two", kind="lists", search="wrong"),
    replace(PAPER, task="lists.two/2", family="lists.two", kind="lists", search="none"),
]


def test_a_report_counts_what_was_solved_accepted_and_given_up() -> None:
    (scores,) = report_on(PAPERS).scores

    assert (scores.solved.hits, scores.solved.of) == (2, 4)
    assert (scores.best_of[1].hits, scores.best_of[2].hits) == (0, 4)
    assert (scores.false_accepts.hits, scores.false_accepts.of) == (1, 3)
    assert (scores.abstained.hits, scores.abstained.of) == (1, 4)
    assert (scores.tokens, scores.tokens_each, scores.greedy_tokens) == (160, 40, 40)
    assert (scores.median_s, scores.p95_s) == (1.0, 2.0)
    assert scores.kinds["numbers"].share == 1
    assert scores.families["lists.two"].share == 0


def test_a_report_compares_with_each_control_task_by_task() -> None:
    (scores,) = report_on(PAPERS).scores

    greedy = scores.against["one greedy sample"]
    assert (greedy.better, greedy.worse, greedy.p_better) == (1, 0, 0.5)
    recycled = scores.against["recycled programs, no mind"]
    assert (recycled.better, recycled.worse) == (2, 0)


def test_with_and_without_examples_are_told_apart_and_compared() -> None:
    bare = [replace(PAPERS[0], shown=False, search="none")]

    report = report_on([*PAPERS, *bare])

    assert [it.shown for it in report.scores] == [True, False]
    assert "recycled programs, no mind" not in report.scores[1].controls
    assert report.examples_help is not None
    assert (report.examples_help.better, report.examples_help.of) == (1, 1)


def test_a_person_reads_shares_intervals_and_chances() -> None:
    text = as_text(report_on(PAPERS))

    assert "search                        2 of 4  50.0 %" in text
    assert "accepted, and wrong 1 of 3" in " ".join(text.split())
    assert "+25.0 points" in text
    assert as_text(report_on([])) == "No task was finished."
