"""Gate and jail against programs at random: no crash, no hang, no leak.

Whatever the gate lets pass runs in one jail. A refusal must name lines, a trial must end in
time, the jail's process must outlive it, and what was planted outside must stay as it is.
`BATOS_FUZZ_S` says for how many seconds; half of them go to each kind of program.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter as Tally
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from tests.sandbox.jails import Spawner, with_first
from tests.sandbox.programs import mutated, programs
from tests.sandbox.test_attacks import CANARY, QUICKLY, Planted, a_target, planted

from batos.errors import SourceRefused
from batos.sandbox.jail import Case, Jail
from batos.sandbox.policy import check

pytestmark = [pytest.mark.walls, pytest.mark.fuzz, pytest.mark.timeout(7200)]

SECONDS = float(os.environ.get("BATOS_FUZZ_S", "60"))
MOST_S = 10.0  # for one program, on a busy machine
PROTECTED = {"greet", "parent*", "infer_"}
__all__ = ["planted"]  # a fixture


class Search:
    """Gate and jail, and what they have said so far."""

    def __init__(self, jail: Jail, spawner: Spawner, planted: Planted) -> None:
        self._jail, self._spawner, self._planted = jail, spawner, planted
        self._target = a_target()
        self._ends = time.monotonic() + SECONDS / 2
        self.said: Tally[str] = Tally()

    @property
    def over(self) -> bool:
        return time.monotonic() > self._ends

    def try_out(self, source: str) -> None:
        """Check a program, and run it if it passes."""
        since = time.monotonic()
        reasons = reasons_against(source)
        assert all(reason.startswith("line ") for reason in reasons), source
        self.said["refused" if reasons else self._run(source)] += 1
        assert time.monotonic() - since < MOST_S, source

    def _run(self, source: str) -> str:
        report = self._jail.trial(source, "method", self._target, [Case()])
        assert len(self._spawner.started) == 1, source
        if report.refused is not None:
            assert "it defines" in report.refused[0], source
            return "another name"
        (outcome,) = report.outcomes
        assert CANARY not in repr(outcome.changes), source
        assert not PROTECTED & {slot for label, slot in outcome.changes if label == "self"}, (
            source
        )
        self._planted.check()
        return report.killed or ("error" if outcome.error else "answer")


def reasons_against(source: str) -> tuple[str, ...]:
    try:
        check(source)
    except SourceRefused as refusal:
        return refusal.reasons
    return ()


@pytest.fixture
def search(planted: Planted) -> Iterator[Search]:
    spawner = Spawner(with_first(QUICKLY))
    jail = Jail(spawner, case_s=0.5)
    found = Search(jail, spawner, planted)
    yield found
    jail.close()
    print(dict(found.said))  # noqa: T201  shown by `make fuzz`


def test_programs_of_a_grammar_do_no_harm(search: Search) -> None:
    @settings(
        max_examples=100, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(programs())
    def some(source: str) -> None:
        search.try_out(source)

    while not search.over:
        some()


def test_mutations_of_attacks_and_idioms_do_no_harm(search: Search) -> None:
    seed = random.SystemRandom().randrange(10**12)
    print("first seed", seed)  # noqa: T201
    while not search.over:
        search.try_out(mutated(seed))
        seed += 1
