"""The story of a message that nobody understands.

`not_understood` is what `doesNotUnderstand_` of the traits does, `reflect` is what
`reflectOn_` of the mind does. A proposal is recorded in the journal before it is used, so
that a message that must be tried again does not think again.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import partial
from typing import cast

from batos.engines.contract import Completion, Request
from batos.errors import ApprovalNeeded, BatosError, GrowthFailed, SlotRefused
from batos.kernel import lookup
from batos.kernel.delegation import selectors
from batos.kernel.message import Message, not_understood_error, send
from batos.kernel.method import Method
from batos.kernel.mirror import mirror
from batos.kernel.uvm_object import UvmObject, check_slot_name
from batos.sandbox.meter import METER
from batos.sandbox.policy import POLICY_VERSION
from batos.sandbox.world import capture
from batos.synthesis.choice import choose, leaders
from batos.synthesis.confirming import Confirm, confirmed
from batos.synthesis.examples import check_on, recorded
from batos.synthesis.growth import Growth
from batos.synthesis.question import Question
from batos.synthesis.recall import recall
from batos.synthesis.reflection import reflect_on
from batos.synthesis.search import Effort, Searched, search
from batos.synthesis.values import Choice
from batos.synthesis.writing import prompt_for
from batos.universe.journal import Proposal, State, reify

_BEHAVIOUR_CHARACTERS = 400  # of what a candidate did, kept to compare it with others
MAX_GROWN = 4  # methods that one message may make grow, one calling for the next


def not_understood(receiver: UvmObject, message: Message, *, growth: Growth) -> object:
    """Grow the method that is missing, install it on the receiver, and send again.

    Raises:
        MessageNotUnderstood: Growing is off, or the receiver delegates to no mind.
        SlotRefused: The selector cannot be a slot's name, or the receiver is primordial.
        GrowthFailed: No proposal stood; nothing was changed.
        ApprovalNeeded: One stands, and nobody is there to approve it.
        WallsNeeded: Nothing confines this process, and nobody was to be asked.
    """
    try:
        _check(receiver, message, growth)
        with METER.paused():  # thinking is not the calling method's time
            proposal = cast("Proposal", send(receiver, "reflectOn_", message))
            proposal = _agree(proposal, growth)
        install(receiver, proposal, growth)
    except BatosError as error:
        if METER.running:
            growth.failed.append(error)
        raise
    return message.send_to(receiver)


def _check(receiver: UvmObject, message: Message, growth: Growth) -> None:
    """Refuse what could not be grown, before anybody thinks about it."""
    name = growth.name_of(receiver)
    if growth.asking.mode == "off" or lookup.find(receiver, "reflectOn_") is None:
        raise not_understood_error(receiver, message.selector, name)
    check_slot_name(message.selector)
    if receiver._sealed:
        why = f"{name} is primordial, and every object would get it; send it to a clone"
        raise SlotRefused(message.selector, why)
    if len(growth.grown) >= MAX_GROWN:
        why = f"this message made {MAX_GROWN} methods grow already"
        raise GrowthFailed(name, message.selector, why)
    examples = growth.examples_for(receiver, message)
    check_on(examples, _answers_of(receiver))
    reify(message)  # what cannot last cannot be recorded
    recorded(examples)
    capture(receiver, [*message.args, *message.keywords.values()])
    if growth.asking.mode == "auto":
        growth.require_walls()


def _answers_of(receiver: UvmObject) -> dict[str, object]:
    found = {name: lookup.find(receiver, name) for name in selectors(receiver)}
    return {name: slot.value for name, slot in found.items() if slot is not None}


def reflect(receiver: UvmObject, message: Message, *, growth: Growth) -> Proposal:
    """Return a proposal for the message that stands and is recorded in the journal.

    Raises:
        GrowthFailed: None stands, and that is recorded too; or the one that a person approved
            does not stand any more.
    """
    examples = growth.examples_for(receiver, message)
    reflection = reflect_on(receiver, message, examples, growth.name_of)
    growth.tell("reflect", reflection.text())
    question = Question(receiver, message, examples, reflection, growth)
    return recall(question) or _think(question)


def _think(question: Question) -> Proposal:
    """Search for a method, and record what came of it."""
    growth, asking, key = question.growth, question.growth.asking, question.key
    rejected = {answer.source for answer in question.answers if answer.state is State.REJECTED}
    effort = Effort(asking.samples, temperature=asking.temperature, seed=question.seed)
    found = search(
        question.reflection,
        partial(_ask, question),
        question.try_out,
        effort,
        check=question.check,
        watch=growth.tell,
        rejected=rejected,
    )
    if not question.examples and asking.confirm is not None:
        question, found = _confirmed(question, found, asking.confirm)
    best, verdict = found.choice.best, found.choice.verdict
    recorded = growth.journal.record(
        Proposal(
            key=key,
            receiver=question.reflection.receiver,
            selector=question.message.selector,
            source=best.candidate.source if best else "",
            provenance=_provenance(question, found, effort),
            state=State.PROPOSED if best else State.ABSTAINED,
            message_key=question.message_key,
            kin_key=question.kin_key,
        ),
        question.message,
    )
    if best is None:
        growth.tell("abstain", verdict)
        raise GrowthFailed(recorded.receiver, recorded.selector, verdict, recorded.id)
    growth.tell("choose", verdict)
    return recorded


def _ask(question: Question, request: Request) -> list[Completion]:
    """Send the mind a request; the adapter that writers wear is on."""
    worn = replace(request, adapter=question.adapter)
    return cast("list[Completion]", send(question.receiver, "infer_", worn))


def _confirmed(
    question: Question, found: Searched, confirm: Confirm
) -> tuple[Question, Searched]:
    """Let a person say what was meant, and choose by that."""
    if not leaders(found.tried, 1):
        return question, found  # there is nothing to ask about
    example = confirmed(question, found.tried, confirm)
    if example is None:
        why = "no answer that the samples gave was confirmed"
        return question, replace(found, choice=Choice(None, why), properties=())
    shown = replace(question, examples=(example,))
    tried = shown.try_out([item.candidate for item in found.tried])
    choice = choose(tried, found.samples)
    told = replace(choice, verdict=f"{choice.verdict}; the example is one that you confirmed")
    return shown, replace(found, choice=told, tried=tuple(tried))


def _agree(proposal: Proposal, growth: Growth) -> Proposal:
    """Return the proposal once it may be installed."""
    if growth.asking.mode == "auto" or proposal.state is State.APPROVED:
        return proposal
    if proposal.state is State.INSTALLED:  # it was undone since, so a person must want it again
        proposal = growth.journal.decide(proposal.id, State.PROPOSED)
    if growth.asking.approve is None:
        raise ApprovalNeeded(proposal.receiver, proposal.selector, proposal.id, proposal.source)
    if growth.asking.approve(proposal):
        return growth.journal.decide(proposal.id, State.APPROVED)
    growth.journal.decide(proposal.id, State.REJECTED)
    raise GrowthFailed(proposal.receiver, proposal.selector, "you rejected it", proposal.id)


def install(receiver: UvmObject, proposal: Proposal, growth: Growth) -> None:
    """Put a proposal's method into a slot of the receiver, with its provenance."""
    approved = proposal.state is State.APPROVED
    by = proposal.decided_by if approved else f"auto, for {growth.user}"
    provenance = {**proposal.provenance, "proposal": proposal.id, "approved_by": by}
    method = Method(proposal.source, provenance)
    mirror(receiver).set(proposal.selector, method, by=_origin(proposal))
    growth.grown.append(proposal)
    growth.installed.append(f"{proposal.selector} (proposal {proposal.id})")
    growth.tell("install", proposal.source)


def _origin(proposal: Proposal) -> str:
    return f"{proposal.provenance.get('by', 'the mind')} (proposal {proposal.id})"


def _provenance(question: Question, found: Searched, effort: Effort) -> dict[str, object]:
    """Return where a method came from, as plain data that anyone can read later."""
    mind = question.mind
    prompt = prompt_for(question.reflection)
    return {
        "by": "the mind",
        "message": question.reflection.text(),
        "examples": recorded(question.examples),
        "mind": {name: mind.get(name) for name in ("name", "sha256", "quantization")},
        **({"adapter": question.adapter} if question.adapter else {}),
        "prompt_sha256": hashlib.sha256(prompt.encode()).hexdigest(),
        "seed": effort.seed,
        "samples": found.samples,
        "tokens": found.tokens,
        "seconds": round(found.seconds, 2),
        "candidates": [
            {
                "source": item.candidate.source,
                "samples": item.candidate.samples,
                "verdict": item.verdict,
                "wrong": list(item.wrong),
                "behaviour": item.behaviour[:_BEHAVIOUR_CHARACTERS],
            }
            for item in found.tried
        ],
        "properties": [str(verdict) for verdict in found.properties],
        "verdict": found.choice.verdict,
        "policy_version": POLICY_VERSION,
    }
