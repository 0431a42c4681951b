"""Verification by questions, for methods: claims about them, asked in the jail.

A property is a question that execution answers without anybody knowing the right answer:
send again what came out, shuffle what goes in, send the opposite, and compare. The jail gets
inputs only; what they would have to come to is judged here. How inputs are found is
`inputs`, which claims are worth a question `claims`; what a verdict is good for is the
caller's business.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from batos.kernel import lookup
from batos.kernel.message import Message
from batos.kernel.method import Method
from batos.kernel.uvm_object import UvmObject
from batos.sandbox.jail import Case, Outcome
from batos.synthesis import judgements, relations
from batos.synthesis.claims import Claim
from batos.synthesis.examples import Example
from batos.synthesis.inputs import similar_cases
from batos.synthesis.relations import Asked, Reads, Try
from batos.synthesis.trial import Trials
from batos.synthesis.values import Candidate

_ENOUGH = 2  # tries that were judged, before a property is said to hold


class Result(StrEnum):
    """What came of a question."""

    HOLDS = "holds"
    BROKEN = "broken"
    NOT_APPLICABLE = "not applicable"  # nothing could be asked, or too little was answered


@dataclass(frozen=True)
class Property:
    """A question that can be asked of a method."""

    name: str
    question: str  # in words; {call} is the method, {other} what the claim names beside it
    again: Callable[[Asked], list[Case]]  # what to send next, after one answer
    judge: Callable[[Sequence[Try], str], list[str | None]]  # per try: None or what is wrong


@dataclass(frozen=True)
class PropertyVerdict:
    """What a claim came to."""

    claim: Claim
    result: Result
    counterexample: str = ""  # in words, if it is broken
    tries: int = 0  # that were judged

    def __str__(self) -> str:
        told = f": {self.counterexample}" if self.counterexample else ""
        return f"{self.claim} {self.result}{told}"


LIBRARY: Mapping[str, Property] = {
    found.name: found
    for found in (
        Property(
            "idempotent",
            "Does {call} twice come to the same as once?",
            relations.sent_again,
            judgements.same_as_once,
        ),
        Property(
            "involution",
            "Does {call} twice bring back what there was?",
            relations.sent_again,
            judgements.as_before,
        ),
        Property(
            "inverse",
            "Does {other} take {call} back?",
            relations.sent_to_opposite,
            judgements.as_before,
        ),
        Property(
            "monotone",
            "Does the answer of {call} go one way as its number grows?",
            relations.with_larger,
            judgements.one_way,
        ),
        Property(
            "permutation_invariant",
            "Does {call} answer the same when the items are shuffled?",
            relations.with_shuffled,
            judgements.same_answer,
        ),
        Property(
            "type_stable",
            "Is the answer of {call} always of one kind?",
            relations.nothing_more,
            judgements.one_kind,
        ),
        Property(
            "answers",
            "Does {call} always answer with a {other}?",
            relations.nothing_more,
            judgements.of_kind,
        ),
        Property(
            "bounded",
            "Does the answer of {call} lie between the smallest and the largest item?",
            relations.nothing_more,
            judgements.within_items,
        ),
        Property(
            "pure",
            "Does {call} change nothing?",
            relations.nothing_more,
            judgements.no_change,
        ),
        Property(
            "preserves_length",
            "Are there as many items after {call} as before?",
            relations.nothing_more,
            judgements.same_length,
        ),
        Property(
            "preserves_total",
            "Is the sum after {call} what it was before?",
            relations.nothing_more,
            judgements.same_total,
        ),
        Property(
            "deterministic",
            "Does {call} answer the same when it is sent again to the same?",
            relations.the_same,
            judgements.same_answer,
        ),
    )
}


def question_of(claim: Claim, selector: str) -> str:
    """Return what a claim asks, in words."""
    return LIBRARY[claim.property].question.format(call=selector, other=claim.other)


@dataclass(frozen=True)
class _Bench:
    """What all questions about one candidate share."""

    candidate: Candidate
    receiver: UvmObject
    message: Message
    jail: Trials
    seed: int


Sent = tuple[str, str]  # a method's source and its selector


@dataclass(frozen=True)
class _Question:
    """A claim with what it makes of the first answers."""

    claim: Claim
    asked: Property
    sent: Sent
    first: tuple[Asked, ...]
    following: tuple[list[Case], ...]  # for each of them


def check(
    claims: Sequence[Claim],
    candidate: Candidate,
    receiver: UvmObject,
    message: Message,
    examples: Sequence[Example],
    *,
    jail: Trials,
    seed: int = 0,
) -> tuple[PropertyVerdict, ...]:
    """Question a candidate in the jail about what is claimed of it.

    One trial for the first answers, one for what all questions send next, and one more for
    each other message that an inverse needs.

    Args:
        claims: What to ask; an unknown property is not applicable.
        candidate: The method.
        receiver: The object that it would belong to.
        message: The message that it answers.
        examples: Whose inputs are asked with, and others like them; never their results.
        jail: Where it is tried.
        seed: Of the inputs.

    Returns:
        A verdict for each claim, in their order.
    """
    if not claims:
        return ()
    bench = _Bench(candidate, receiver, message, jail, seed)
    answered = _first_answers(examples, bench)
    questions = [_question(claim, answered, bench) for claim in claims]
    answers = _sent_next([one for one in questions if one is not None], bench)
    return tuple(
        PropertyVerdict(claim, Result.NOT_APPLICABLE)
        if question is None
        else _verdict(question, answers[question.sent])
        for claim, question in zip(claims, questions, strict=True)
    )


def _first_answers(examples: Sequence[Example], bench: _Bench) -> list[Asked]:
    source, selector = bench.candidate.source, bench.message.selector
    cases = similar_cases(bench.receiver, bench.message, examples, bench.seed)
    outcomes = _outcomes((source, selector), cases, bench, bench.seed)
    if not any(outcomes):
        return []
    reads = _read_by(source)
    return [
        Asked(case, outcome, reads, selector)
        for case, outcome in zip(cases, outcomes, strict=True)
        if outcome is not None and outcome.error is None  # what it cannot take says nothing
    ]


def _question(claim: Claim, answered: Sequence[Asked], bench: _Bench) -> _Question | None:
    """Return what a claim asks; None where that cannot be asked."""
    asked, sent = LIBRARY.get(claim.property), (bench.candidate.source, bench.message.selector)
    if claim.property == "inverse":
        found = lookup.find(bench.receiver, claim.other)
        if found is None or not isinstance(found.value, Method):
            return None
        sent = found.value.source, claim.other
    if asked is None or not answered:
        return None
    rng = Random(bench.seed)  # noqa: S311  repeatable, and no secret
    first = tuple(one.prepared(rng, _arity(sent[0])) for one in answered)
    return _Question(claim, asked, sent, first, tuple(map(asked.again, first)))


def _sent_next(
    questions: Sequence[_Question], bench: _Bench
) -> dict[Sent, Iterator[Outcome | None]]:
    """Send what the questions send next; their answers come out in the same order."""
    cases: dict[Sent, list[Case]] = {}
    for question in questions:
        for some in question.following:
            cases.setdefault(question.sent, []).extend(some)
    # with other random numbers than at first: who answers by chance is found out
    return {
        sent: iter(_outcomes(sent, some, bench, bench.seed + 1)) for sent, some in cases.items()
    }


def _verdict(question: _Question, answers: Iterator[Outcome | None]) -> PropertyVerdict:
    tries, says_enough = [], question.asked.again is relations.nothing_more
    for one, some in zip(question.first, question.following, strict=True):
        told = [(case, next(answers)) for case in some]
        whole = [(case, outcome) for case, outcome in told if outcome is not None]
        if len(whole) == len(told) and (told or says_enough):
            tries.append(Try(one, tuple(whole)))
    judged = question.asked.judge(tries, question.claim.other)
    wrong = next((text for text in judged if text), "")
    if wrong:
        return PropertyVerdict(question.claim, Result.BROKEN, wrong, len(judged))
    result = Result.HOLDS if len(judged) >= _ENOUGH else Result.NOT_APPLICABLE
    return PropertyVerdict(question.claim, result, "", len(judged))


def _outcomes(sent: Sent, cases: list[Case], bench: _Bench, seed: int) -> list[Outcome | None]:
    """Return what came of cases; None for those that a refusal or a kill left without."""
    if not cases:
        return []
    report = bench.jail.trial(*sent, bench.receiver, cases, seed=seed)
    if report.refused is not None:
        return [None] * len(cases)
    told = list[Outcome | None](report.outcomes)
    ends = [n for n, outcome in enumerate(report.outcomes) if outcome.error == report.killed]
    if report.killed is not None and ends:
        told[ends[0] :] = [None] * (len(cases) - ends[0])
    return told


def _read_by(source: str) -> Reads:
    """Return the slots that a method's source names."""
    return frozenset(
        node.attr for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)
    )


def _arity(source: str) -> int:
    """Return how many arguments a method takes, besides its receiver."""
    function = ast.parse(source).body[0]
    return len(function.args.args) - 1 if isinstance(function, ast.FunctionDef) else 0
