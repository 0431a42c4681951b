"""Verification by questions, for methods: claims about them, asked in the jail.

A property is a question that execution answers without anybody knowing the right answer:
send again what came out, shuffle what goes in, send the opposite, and compare. The jail gets
inputs only; what they would have to come to is judged here. How inputs are found is
`inputs`, which claims are worth a question `claims`; what a verdict is good for is the
caller's business.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
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

    One trial for all first answers, and one for each claim that needs more.

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
    cases = similar_cases(receiver, message, examples, seed)
    report = jail.trial(candidate.source, message.selector, receiver, cases)
    if report.refused is not None:
        return tuple(PropertyVerdict(claim, Result.NOT_APPLICABLE) for claim in claims)
    reads = _read_by(candidate.source)
    answered = [
        Asked(case, outcome, reads, message.selector)
        for case, outcome in zip(cases, report.outcomes, strict=True)
        if outcome.error is None  # what it cannot take says nothing of the rest
    ]
    return tuple(_verdict(claim, answered, bench) for claim in claims)


def _verdict(claim: Claim, answered: Sequence[Asked], bench: _Bench) -> PropertyVerdict:
    asked, sent = LIBRARY.get(claim.property), _sent_next(claim, bench)
    tries = None if asked is None or sent is None else _tries(asked, answered, sent, bench)
    if asked is None or tries is None:
        return PropertyVerdict(claim, Result.NOT_APPLICABLE)
    judged = asked.judge(tries, claim.other)
    wrong = next((text for text in judged if text), "")
    if wrong:
        return PropertyVerdict(claim, Result.BROKEN, wrong, len(judged))
    result = Result.HOLDS if len(judged) >= _ENOUGH else Result.NOT_APPLICABLE
    return PropertyVerdict(claim, result, "", len(judged))


def _sent_next(claim: Claim, bench: _Bench) -> tuple[str, str] | None:
    """Return the source and the selector that the question sends next, if there is one."""
    if claim.property != "inverse":
        return bench.candidate.source, bench.message.selector
    found = lookup.find(bench.receiver, claim.other)
    if found is None or not isinstance(found.value, Method):
        return None
    return found.value.source, claim.other


def _tries(
    asked: Property, answered: Sequence[Asked], sent: tuple[str, str], bench: _Bench
) -> list[Try] | None:
    """Send what the question sends next; None where the jail did not take it."""
    source, selector = sent
    rng = Random(bench.seed)  # noqa: S311  repeatable, and no secret
    prepared = [one.prepared(rng, _arity(source)) for one in answered]
    following = [asked.again(one) for one in prepared]
    cases = [case for some in following for case in some]
    outcomes: list[Outcome] = []
    if cases:  # with other random numbers than at first: who answers by chance is found out
        trial = bench.jail.trial
        report = trial(source, selector, bench.receiver, cases, seed=bench.seed + 1)
        if report.refused is not None:
            return None
        outcomes += report.outcomes
    coming = iter(outcomes)
    tries = [
        Try(one, tuple((case, next(coming)) for case in some))
        for one, some in zip(prepared, following, strict=True)
    ]
    says_enough = asked.again is relations.nothing_more
    return [one for one in tries if one.then or says_enough]


def _read_by(source: str) -> Reads:
    """Return the slots that a method's source names."""
    return frozenset(
        node.attr for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)
    )


def _arity(source: str) -> int:
    """Return how many arguments a method takes, besides its receiver."""
    function = ast.parse(source).body[0]
    return len(function.args.args) - 1 if isinstance(function, ast.FunctionDef) else 0
