"""An exam judges by what is hidden, and lets the controls sit the same task."""

from __future__ import annotations

import pytest

from batos.engines.contract import Request, Script, Scripted
from batos.improvement.controls import most_common, recycled
from batos.improvement.curriculum import FAMILIES, draw_tasks, task_of
from batos.improvement.exam import Paper, hold, sit
from batos.improvement.task import Task
from batos.sandbox.jail import Jail
from batos.sandbox.policy import check
from batos.synthesis.search import Effort
from batos.synthesis.values import Candidate

EFFORT = Effort(samples=8, seed=1, rounds=1)
NONSENSE = "\n    return 'nonsense'"


def task(name: str, seed: str = "1") -> Task:
    (family,) = (it for it in FAMILIES if it.name == name)
    return task_of(family, seed)


def right(asked: Task) -> str:
    """What a mind says that knows the answer: slots are parameters to it."""
    return "\n" + asked.reference.partition(":\n")[2].replace("self.", "")


def by_heart(asked: Task) -> str:
    """What a mind says that has learned the visible examples, and no more."""
    lines = [
        f"    if {' and '.join(f'{slot} == {value!r}' for slot, value in it.given.items())}:"
        f" return {it.result!r}"
        for it in asked.visible
    ]
    return "\n".join(["", *lines, "    return 'no idea'"])


def paper(asked: Task, jail: Jail, script: Script, effort: Effort = EFFORT) -> Paper:
    return sit(asked, Scripted(script).complete, jail, effort)


def test_a_mind_that_knows_the_answer_is_right_everywhere(jail: Jail) -> None:
    asked = task("records.bill")

    found = paper(asked, jail, lambda _request, _choice: right(asked))

    assert (found.search, found.greedy, found.most_common) == ("right",) * 3
    assert found.best_of == dict.fromkeys((1, 2, 4, 8), "right")
    assert (found.samples, found.shown, found.kind) == (8, True, "records")
    assert found.tokens == 8 * found.greedy_tokens > 0


def test_learning_the_visible_examples_by_heart_is_a_false_accept(jail: Jail) -> None:
    asked = task("records.bill")

    found = paper(asked, jail, lambda _request, _choice: by_heart(asked))

    assert found.search == "wrong"
    assert "all 3 examples agree" in found.verdict


def test_a_mind_that_knows_nothing_abstains_but_its_guess_is_wrong(jail: Jail) -> None:
    found = paper(task("records.bill"), jail, lambda _request, _choice: NONSENSE)

    assert (found.search, found.greedy, found.most_common) == ("none", "wrong", "wrong")
    assert found.source == ""


def test_more_samples_find_what_fewer_do_not(jail: Jail) -> None:
    asked = task("records.bill")

    found = paper(asked, jail, lambda _request, i: right(asked) if i == 5 else NONSENSE)

    assert found.best_of == {1: "none", 2: "none", 4: "none", 8: "right"}
    assert found.most_common == "wrong"


def test_the_greedy_sample_is_one_at_temperature_0(jail: Jail) -> None:
    asked = task("records.bill")

    def script(request: Request, _choice: int) -> str:
        return right(asked) if request.temperature == 0 and request.n == 1 else NONSENSE

    found = paper(asked, jail, script)

    assert (found.search, found.greedy) == ("none", "right")


def test_the_control_without_execution_gets_the_tokens_of_a_repair_but_not_its_prompt(
    jail: Jail,
) -> None:
    asked = task("records.bill")
    mind = Scripted(lambda _request, _choice: NONSENSE)

    found = sit(asked, mind.complete, jail, Effort(samples=4, seed=1, edits=0))

    plain = [it for it in mind.requests if it.prompt == mind.requests[0].prompt]
    assert found.samples == 8
    assert [(it.n, it.temperature > 0) for it in plain] == [(4, True), (4, True), (1, False)]
    assert len({it.seed for it in mind.requests if it.temperature}) == 3


def test_without_examples_the_prompt_has_none_and_two_samples_must_agree(jail: Jail) -> None:
    asked = task("records.bill")
    alone = Scripted(lambda _request, i: right(asked) if i == 0 else f"\n    return {i}")
    agreed = Scripted(lambda _request, i: right(asked) if i < 2 else f"\n    return {i}")

    one = sit(asked, alone.complete, jail, EFFORT, shown=False)
    two = sit(asked, agreed.complete, jail, EFFORT, shown=False)

    assert (one.search, two.search) == ("none", "right")
    shown = asked.visible[0].result
    assert f"== {shown}" not in alone.requests[0].prompt
    assert one.recycled == "none"


def test_a_side_effect_that_no_visible_example_names_is_found_by_the_hidden_ones(
    jail: Jail,
) -> None:
    asked = task("machines.toggle")

    found = paper(asked, jail, lambda _request, _choice: right(asked) + "\n")
    spoilt = right(asked).replace("\n    return", "\n    presses = 99\n    return")
    other = paper(asked, jail, lambda _request, _choice: spoilt)

    assert (found.search, other.search) == ("right", "wrong")


def test_old_programs_solve_what_they_fit_without_a_mind(jail: Jail) -> None:
    found = paper(task("dates.age"), jail, lambda _request, _choice: NONSENSE)

    assert (found.search, found.recycled) == ("none", "right")


@pytest.mark.parametrize("name", ["numbers.unit", "records.spend", "dicts.write"])
def test_old_programs_are_sources_of_other_families_that_pass_the_gate(name: str) -> None:
    asked = task(name)

    programs = [it.source for it in recycled(asked)]

    assert len(programs) >= 5
    for source in programs:
        found = check(source)
        assert found.name == asked.selector
        assert len(found.parameters) == len(asked.args)
    same = {it.reference for it in draw_tasks(100, 0, "practice") if it.family == asked.family}
    bodies = {source.partition(":\n")[2] for source in same}
    assert not bodies & {source.partition(":\n")[2] for source in programs}


def test_the_most_common_program_is_the_first_of_equals() -> None:
    candidates = [Candidate("a", 1), Candidate("b", 2), Candidate("c", 2)]

    assert most_common(candidates) == candidates[1]
    assert most_common([]) is None


def test_an_exam_goes_on_where_it_was_left_and_thinks_the_same(jail: Jail) -> None:
    tasks = draw_tasks(3, 1, "practice")
    mind = Scripted([NONSENSE])
    effort = Effort(samples=2, seed=4)
    whole = list(hold(tasks, mind.complete, jail, effort, arms=(True, False)))
    seeds = {it.seed for it in mind.requests}

    done = {(it.task, it.shown) for it in whole[:4]}
    again = Scripted([NONSENSE])
    rest = list(hold(tasks, again.complete, jail, effort, arms=(True, False), done=done))

    assert [(it.task, it.shown) for it in [*whole[:4], *rest]] == [
        (asked.name, shown) for asked in tasks for shown in (True, False)
    ]
    assert {it.seed for it in again.requests} < seeds
