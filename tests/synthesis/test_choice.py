from __future__ import annotations

from batos.sandbox.jail import Outcome
from batos.synthesis.choice import choose, nearest
from batos.synthesis.values import Candidate, Tried


def tried(
    source: str,
    *wrong: str | None,
    samples: int = 1,
    behaviour: str = "",
    flaw: str | None = None,
) -> Tried:
    return Tried(Candidate(source, samples), wrong, Outcome(1), flaw, behaviour or source)


def test_only_what_agrees_with_every_example_stands() -> None:
    choice = choose([tried("half", None, "answers 1, not 2"), tried("whole", None, None)], 2)

    assert choice.best is not None
    assert choice.best.candidate.source == "whole"


def test_the_largest_cluster_wins_and_its_shortest_source_is_taken() -> None:
    alone = tried("a", None, behaviour="odd")
    long, short = (tried(s, None, behaviour="common") for s in ("longer", "long"))

    choice = choose([alone, long, short], 3)

    assert choice.best is short
    assert "backed by 2 of 3 samples" in choice.verdict


def test_without_examples_one_sample_alone_proves_nothing() -> None:
    assert choose([tried("a"), tried("b")], 2).best is None


def test_without_examples_two_that_behave_alike_stand() -> None:
    choice = choose([tried("a", samples=2), tried("b")], 3)

    assert choice.best is not None
    assert choice.verdict.startswith("no examples, backed by 2 of 3")


def test_a_flawed_candidate_never_stands() -> None:
    assert choose([tried("a", None, samples=8, flaw="killed: out of time")], 8).best is None


def test_a_repair_starts_from_the_one_that_came_closest() -> None:
    failure = nearest(
        [tried("far", "w", "w"), tried("near", None, "answers 1, not 2")], shown=2
    )

    assert failure is not None
    assert (failure.source, failure.wrong) == ("near", "answers 1, not 2")


def test_what_only_the_withheld_example_knows_is_never_told() -> None:
    assert nearest([tried("near", None, None, "answers 0, not 7877")], shown=2) is None
