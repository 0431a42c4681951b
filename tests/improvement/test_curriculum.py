"""Tasks are the same for the same seed, can be told from wrong methods, and are split."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections import Counter
from random import Random

import pytest

from batos.improvement.curriculum import (
    FAMILIES,
    HIDDEN,
    MUTANTS_KILLED,
    VISIBLE,
    draw_tasks,
    inputs_of,
    task_of,
)
from batos.improvement.families.sketch import Family, Sketch
from batos.improvement.mutants import mutants_of
from batos.improvement.reference import Effect, Inputs, guarded, plainly
from batos.improvement.task import KINDS, Split, Task
from batos.sandbox.policy import check
from batos.synthesis.examples import agrees, check_on, examples_of

SEEDS = ("1", "2", "3")
EVERY_FAMILY = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)


def examples_agree(task: Task, source: str) -> bool:
    """Tell whether a method agrees with all examples of a task, by plain Python."""
    behaviour = plainly(source, task.methods, task.companions)
    for example in (*task.visible, *task.hidden):
        effect = behaviour(Inputs(example.given, example.args))
        if effect is None or not agrees(example.result, effect.result):
            return False
        if not all(
            agrees(value, effect.after.get(name)) for name, value in example.after.items()
        ):
            return False
    return True


def is_wrong(task: Task, source: str, known: list[tuple[Inputs, Effect]]) -> bool:
    """Tell whether a mutant runs, and does something else for some of these inputs."""
    behaviour = plainly(source, task.methods, task.companions)
    done = [behaviour(inputs) for inputs, _ in known]
    right = [effect.equals(it) for (_, effect), it in zip(known, done, strict=True)]
    return not all(right) and any(done)


@EVERY_FAMILY
def test_every_reference_passes_the_gate_and_agrees_with_its_examples(family: Family) -> None:
    for seed in SEEDS:
        task = task_of(family, seed)

        assert check(task.reference).name == task.selector
        assert examples_agree(task, task.reference)
        for example in (*task.visible, *task.hidden):
            effect = guarded(task, Inputs(example.given, example.args))
            assert agrees(example.result, effect.result)
            assert all(agrees(want, effect.after[name]) for name, want in example.after.items())


@EVERY_FAMILY
def test_the_examples_of_every_family_tell_its_method_from_its_mutants(family: Family) -> None:
    for seed in SEEDS:
        draw = Random(f"{family.name}/{seed}")
        sketch = family.sketch(draw)
        task = task_of(family, seed, sketch)
        # inputs that the choice of the examples has not seen say which mutants are wrong
        fresh = list(inputs_of(sketch, Random("others"), 400))
        wrong = [
            it for it in mutants_of(sketch.source, sketch.slots) if is_wrong(task, it, fresh)
        ]

        survivors = [source for source in wrong if examples_agree(task, source)]

        assert len(wrong) >= 2
        assert len(wrong) - len(survivors) >= MUTANTS_KILLED * len(wrong), survivors


@EVERY_FAMILY
def test_every_task_has_different_examples_that_a_universe_would_take(family: Family) -> None:
    for seed in SEEDS:
        task = task_of(family, seed)
        calls = [repr((it.given, it.args)) for it in (*task.visible, *task.hidden)]

        assert len(task.visible) == VISIBLE
        assert len(task.hidden) >= HIDDEN
        assert len(set(calls)) == len(calls)
        assert examples_of(task.visible, len(task.args)) == task.visible
        check_on(task.visible, task.slots)


def test_tasks_show_answers_that_differ_where_answers_can() -> None:
    (family,) = (it for it in FAMILIES if it.name == "numbers.within")

    shown = [task_of(family, seed).visible[:2] for seed in SEEDS]

    assert all({first.result, second.result} == {True, False} for first, second in shown)


def test_visible_examples_name_only_slots_that_the_method_changes() -> None:
    (family,) = (it for it in FAMILIES if it.name == "machines.wrap")
    task = task_of(family, "1")

    assert all(example.after.keys() == task.slots.keys() for example in task.hidden)
    (family,) = (it for it in FAMILIES if it.name == "machines.toggle")
    task = task_of(family, "1")
    assert "presses" in task.hidden[0].after
    assert all("presses" not in example.after for example in task.visible)


def digest(tasks: list[Task]) -> str:
    return hashlib.sha256(repr(tasks).encode()).hexdigest()


def test_the_same_seed_gives_the_same_tasks_in_another_process() -> None:
    program = (
        "import hashlib; from batos.improvement.curriculum import draw_tasks;"
        "print(hashlib.sha256(repr(draw_tasks(41, 5, 'practice')).encode()).hexdigest())"
    )
    run = [sys.executable, "-c", program]

    answers = {
        subprocess.run(
            run, env={"PYTHONHASHSEED": salt}, capture_output=True, text=True, check=True
        ).stdout.strip()
        for salt in ("1", "2")
    }

    assert answers == {digest(draw_tasks(41, 5, "practice"))}


def test_another_seed_gives_other_tasks() -> None:
    assert digest(draw_tasks(10, 1, "practice")) != digest(draw_tasks(10, 2, "practice"))


def test_a_draw_takes_as_many_tasks_of_each_family() -> None:
    tasks = draw_tasks(100, 1, "practice")

    counts = Counter(task.family for task in tasks)

    assert max(counts.values()) - min(counts.values()) <= 1
    assert {task.split for task in tasks} == {"practice"}


def test_few_of_200_tasks_ask_for_the_same_method() -> None:
    methods = Counter(task.reference for task in draw_tasks(200, 1, "practice"))

    assert sum(count - 1 for count in methods.values()) <= 20


def test_names_of_families_are_unique_and_every_kind_has_some_in_both_splits() -> None:
    names = [family.name for family in FAMILIES]

    assert len(set(names)) == len(names) >= 48
    for kind in KINDS:
        splits = Counter(family.split for family in FAMILIES if family.kind == kind)
        assert min(splits["practice"], splits["final"]) >= 3


def test_the_split_is_the_one_that_was_drawn() -> None:
    final = "\n".join(sorted(family.name for family in FAMILIES if family.split == "final"))

    assert hashlib.sha256(final.encode()).hexdigest()[:16] == "23c57d126febae4b"


def test_no_method_of_the_final_is_one_of_practice() -> None:
    bodies: dict[Split, set[str]] = {"practice": set(), "final": set()}
    for family in FAMILIES:
        sketches = [family.sketch(Random(seed)) for seed in range(100)]
        bodies[family.split] |= {body_without_names(it) for it in sketches}

    assert not bodies["practice"] & bodies["final"]


def body_without_names(sketch: Sketch) -> str:
    """Return a method's text, with places for the names of slots and parameters."""
    text = sketch.body
    for number, name in enumerate([*sketch.slots, *sketch.companions, *sketch.args]):
        text = re.sub(rf"\b{name}\b", f"name{number}", text)
    return text
