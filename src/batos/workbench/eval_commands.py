"""`batos eval`: measure how well a mind does its work, against controls.

How far it is goes to stderr, the figures to stdout. Interrupted, it says what is known so
far; with `--out` the same command goes on from there.
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from batos.errors import BatosError
from batos.workbench.options import Options, group
from batos.workbench.stopping import stopped_by_sigterm

if TYPE_CHECKING:
    from batos.engines.catalog import Weights
    from batos.improvement.sheets import Sheets
    from batos.improvement.task import Split, Task
    from batos.synthesis.search import Effort

_MOST_SAMPLES = 16
_SPLITS = ("final", "practice")


@group("eval")
def evaluate() -> None:
    """Measure how well a mind does its work.

    Example: batos eval --help
    """


@evaluate.command("synthesis")
@click.option("--n", "count", default=200, show_default=True, type=click.IntRange(1, 5_000))
@click.option("--seed", default=0, show_default=True, help="Which tasks, and which thoughts.")
@click.option(
    "--split",
    default="practice",
    show_default=True,
    type=click.Choice(_SPLITS),
    help="practice: to look at. final: to be judged by; do not tune on it.",
)
@click.option("--samples", default=16, show_default=True, type=click.IntRange(1, _MOST_SAMPLES))
@click.option("--without-examples", is_flag=True, help="Ask each task without them as well.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keep the papers in this file, and go on from those that it has.",
)
@click.option("--mind", default="smollm2", show_default=True, help="As `batos awaken` has it.")
@click.pass_obj
def synthesis_command(
    options: Options,
    count: int,
    seed: int,
    split: Split,
    samples: int,
    without_examples: bool,
    out: Path | None,
    mind: str,
) -> None:
    """Let a mind write methods for tasks that it has never seen, and judge it.

    Each task shows three examples and keeps at least six hidden. What the mind and the jail
    reach together is compared with the mind alone, and with no mind at all. No universe is
    needed. With 16 samples a task takes some seconds.

    Example: batos eval synthesis --n 1 --samples 2
    """
    from batos.engines.catalog import resolve  # noqa: PLC0415  (`--help` stays quick)
    from batos.improvement.curriculum import draw_tasks  # noqa: PLC0415  (as above)
    from batos.improvement.sheets import open_sheets  # noqa: PLC0415  (as above)
    from batos.synthesis.search import Effort  # noqa: PLC0415  (as above)

    weights = resolve(mind, options.cache)
    tasks = draw_tasks(count, seed, split)
    effort = Effort(samples=-(-samples // 2), seed=seed)  # of two rounds
    sheets = open_sheets(out, _identity(tasks, effort, weights))
    exam = _Exam(f"{split} split, seed {seed}", tasks, effort, weights, without_examples)
    try:
        with stopped_by_sigterm():
            _hold(exam, sheets)
    except (KeyboardInterrupt, BatosError):
        _answer(options, exam, sheets)
        raise
    _answer(options, exam, sheets)


@dataclass(frozen=True)
class _Exam:
    """What is asked, and of whom."""

    of: str
    tasks: list[Task]
    effort: Effort
    weights: Weights
    without_examples: bool


def _hold(exam: _Exam, sheets: Sheets) -> None:
    from batos.improvement.exam import hold  # noqa: PLC0415  (`--help` stays quick)
    from batos.processes import without_universe  # noqa: PLC0415  (as above)

    arms = (True, False) if exam.without_examples else (True,)
    with without_universe(exam.weights.path) as (engine, jail):
        papers = hold(
            exam.tasks, engine.complete, jail, exam.effort, arms=arms, done=sheets.done
        )
        for paper in papers:
            sheets.add(paper)
            _tell(sheets, len(exam.tasks) * len(arms))


def _tell(sheets: Sheets, of: int) -> None:
    """Say how far it is: on a terminal in one line, elsewhere in a line each."""
    paper, done = sheets.papers[-1], len(sheets.papers)
    right = sum(it.search == "right" for it in sheets.papers)
    line = (
        f"{done} of {of}, {right} solved; {paper.task} {paper.search} in {paper.seconds:.1f} s"
    )
    if sys.stderr.isatty():
        click.echo(f"\r\033[K{line}", nl=done == of, err=True)
    else:
        click.echo(line, err=True)


def _answer(options: Options, exam: _Exam, sheets: Sheets) -> None:
    from batos.improvement.scores import report_on  # noqa: PLC0415  (`--help` stays quick)
    from batos.workbench.figures import as_text  # noqa: PLC0415  (as above)

    report = report_on(sheets.papers)
    asked = f"{len(exam.tasks)} tasks, {exam.of}, {exam.weights.name}"
    most = exam.effort.samples * exam.effort.rounds
    head = f"{asked}; up to {most} samples"
    options.answer(f"{head}\n\n{as_text(report)}", {"exam": head, "report": report})


def _identity(tasks: list[Task], effort: Effort, weights: Weights) -> dict[str, object]:
    """Return what makes it the same exam: everything that decides what is answered."""
    from batos.synthesis.lessons import all_lessons  # noqa: PLC0415  (`--help` stays quick)

    texts = "".join(lesson.text for lesson in all_lessons())
    return {
        "tasks": hashlib.sha256(repr(tasks).encode()).hexdigest(),
        "lessons": hashlib.sha256(texts.encode()).hexdigest(),
        "effort": repr(effort),
        "mind": weights.sha256,
    }
