"""Try methods in the jail, and hold what they did against what was expected.

The comparison happens here, outside: the jail never learns what an example expects.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from batos.kernel import lookup
from batos.kernel.message import Message
from batos.kernel.uvm_object import UvmObject
from batos.kernel.values import plain
from batos.sandbox.jail import REMOVED, Case, Outcome, Report
from batos.synthesis.examples import ANYTHING, Example, agrees
from batos.synthesis.inputs import case_of
from batos.synthesis.values import Candidate, Tried, brief


class Trials(Protocol):
    """Where methods are tried: the jail."""

    def trial(
        self,
        source: str,
        selector: str,
        receiver: UvmObject,
        cases: list[Case],
        *,
        seed: int = 0,
    ) -> Report:
        """Send the message to a fresh copy of the receiver for each case."""


def try_out(
    jail: Trials,
    candidates: Iterable[Candidate],
    receiver: UvmObject,
    message: Message,
    examples: tuple[Example, ...],
    *,
    probes: Sequence[Case] = (),
) -> list[Tried]:
    """Run each candidate on every example's inputs, on the message itself, and on probes.

    Args:
        jail: Where they run.
        candidates: The methods.
        receiver: Who was sent the message; each case gets a copy of its own.
        message: The message.
        examples: What should come of some calls; compared here.
        probes: Further inputs, of which nobody says what should come: they tell apart what
            behaves alike on the examples, and no more.
    """
    cases = [case_of(example, message) for example in examples]
    cases.append(Case(message.args, dict(message.keywords)))
    cases += probes
    return [
        _judge(
            candidate,
            jail.trial(candidate.source, message.selector, receiver, cases),
            receiver,
            examples,
        )
        for candidate in candidates
    ]


def _judge(
    candidate: Candidate, report: Report, receiver: UvmObject, examples: tuple[Example, ...]
) -> Tried:
    if report.refused is not None:
        wrong = ("refused",) * len(examples)
        return Tried(candidate, wrong, None, f"refused: {report.refused[0]}", "refused")
    outcomes, answer = report.outcomes[: len(examples)], report.outcomes[len(examples)]
    return Tried(
        candidate,
        tuple(map(_wrong, examples, outcomes, [receiver] * len(examples))),
        answer,
        _flaw(answer, report.killed),
        " | ".join(_told(outcome) for outcome in report.outcomes),
    )


def _flaw(answer: Outcome, killed: str | None) -> str | None:
    if killed is not None:
        return f"killed: {killed}"
    if answer.error is not None:
        return f"raises {answer.error}"
    if answer.result is None and not answer.changes:
        return "answers nothing and changes nothing"
    return None


def _wrong(example: Example, outcome: Outcome, receiver: UvmObject) -> str | None:
    """Return how an outcome differs from the example, or None."""
    if outcome.error is not None:
        return f"raises {outcome.error}"
    if example.result is not ANYTHING and not agrees(plain(example.result), outcome.result):
        return f"answers {brief(outcome.result)}, not {brief(example.result)}"
    for name, expected in example.after.items():
        left = _value_after(name, example.given, outcome, receiver)
        if not agrees(plain(expected), left):
            return f"leaves {name} = {brief(left)}, not {brief(expected)}"
    return None


def _value_after(
    name: str, given: Mapping[str, object], outcome: Outcome, receiver: UvmObject
) -> object:
    if ("self", name) in outcome.changes:
        return outcome.changes["self", name]
    if name in given:
        return plain(given[name])
    found = lookup.find(receiver, name)
    return REMOVED if found is None else plain(found.value)


def _told(outcome: Outcome) -> str:
    """Return what an outcome is, as text: equal texts, equal behaviour."""
    if outcome.error is not None:
        return f"error: {outcome.error}"
    changes = sorted(
        f"{label}.{slot} = {value!r}" for (label, slot), value in outcome.changes.items()
    )
    return "; ".join([repr(outcome.result), *changes])
