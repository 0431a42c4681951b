"""The story of a message that nobody understands.

`not_understood` is what `doesNotUnderstand_` of the traits does, `reflect` is what
`reflectOn_` of the mind does. A proposal is recorded in the journal before it is used, so
that a message that must be tried again does not think again.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import cast

from batos.engines.contract import Completion, Request
from batos.errors import ApprovalNeeded, BatosError, GrowthFailed, SlotRefused
from batos.kernel import lookup
from batos.kernel.delegation import selectors
from batos.kernel.message import Message, not_understood_error, send
from batos.kernel.method import Method
from batos.kernel.mirror import mirror
from batos.kernel.permissions import permissions_of
from batos.kernel.uvm_object import UvmObject, check_slot_name
from batos.sandbox.meter import METER
from batos.sandbox.policy import POLICY_VERSION
from batos.sandbox.world import capture
from batos.synthesis.choice import choose, nearest
from batos.synthesis.examples import check_on, examples_in, recorded
from batos.synthesis.growth import Growth
from batos.synthesis.question import Question
from batos.synthesis.reflection import reflect_on
from batos.synthesis.values import Candidate, Choice, Failure, Tried
from batos.synthesis.writing import STOP, candidates_from, prompt_for
from batos.universe.journal import Proposal, State, reify

MAX_GROWN = 4  # methods that one message may make grow, one calling for the next
_MAX_TOKENS = 96
_THOUGHT_S = 180.0  # a busy machine thinks ten times as slowly as an idle one


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
            proposal = _agree(receiver, proposal, growth)
        _install(receiver, proposal, growth)
    except BatosError as error:
        if METER.running:
            growth.failed.append(error)
        raise
    return message.send_to(receiver)


def _check(receiver: UvmObject, message: Message, growth: Growth) -> None:
    """Refuse what could not be grown, before anybody thinks about it."""
    name = growth.name_of(receiver)
    is_off = growth.asking.mode == "off" or permissions_of(receiver).grow == "no"
    if is_off or lookup.find(receiver, "reflectOn_") is None:
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
    return _approved(question) or _remembered(question) or _think(question)


def _approved(question: Question) -> Proposal | None:
    """Return what a person approved for this message, if it stands as it did then.

    Examples that come with the message make it another question, unless they are the same.

    Raises:
        GrowthFailed: It does not stand any more; only a person may put it aside.
    """
    growth = question.growth
    for proposal in reversed(growth.journal.answers(question.message_key)):
        shown = examples_in(proposal.provenance)
        if proposal.state is not State.APPROVED or question.examples not in ((), shown):
            continue
        (tried,) = replace(question, examples=shown).try_out([Candidate(proposal.source, 1)])
        growth.tell("try", f"{proposal.source}\n=> {tried.verdict} (proposal {proposal.id})")
        if tried.stands:
            return proposal
        why = (
            f"proposal {proposal.id}, which {proposal.decided_by} approved, does not stand"
            f" any more ({tried.verdict}); `batos pending reject {proposal.id}` puts it aside"
        )
        raise GrowthFailed(proposal.receiver, proposal.selector, why, proposal.id)
    return None


def _remembered(question: Question) -> Proposal | None:
    """Return what the same question was answered with before, if it still stands."""
    usable = (State.PROPOSED, State.APPROVED, State.INSTALLED)
    known = [answer for answer in question.answers if answer.state in usable]
    if not known:
        return None
    newest = known[-1]
    (tried,) = question.try_out([Candidate(newest.source, 1)])
    verdict = f"known already, as proposal {newest.id}: {tried.verdict}"
    question.growth.tell("try", f"{newest.source}\n=> {verdict}")
    provenance = {**newest.provenance, "changes": list(tried.changes)}
    return replace(newest, provenance=provenance) if tried.stands else None


def _think(question: Question) -> Proposal:
    """Ask the mind, try what it says, and once more with the failure of the best."""
    growth, asking = question.growth, question.growth.asking
    seed = question.seed
    tried = _attempt(question, seed, None)
    samples = asking.samples
    choice = choose(tried, samples)
    failure = nearest(tried, len(question.reflection.shown))
    if choice.best is None and failure is not None:
        growth.tell("repair", failure.wrong)
        tried += _attempt(question, seed + 1, failure)
        samples += asking.samples
        choice = choose(tried, samples)
    recorded = growth.journal.record(
        Proposal(
            key=question.key,
            receiver=question.reflection.receiver,
            selector=question.message.selector,
            source=choice.best.candidate.source if choice.best else "",
            provenance=_provenance(question, choice, tried, seed),
            state=State.PROPOSED if choice.best else State.ABSTAINED,
            message_key=question.message_key,
        ),
        question.message,
    )
    if choice.best is None:
        growth.tell("abstain", choice.verdict)
        raise GrowthFailed(recorded.receiver, recorded.selector, choice.verdict, recorded.id)
    growth.tell("choose", choice.verdict)
    return recorded


def _attempt(question: Question, seed: int, failure: Failure | None) -> list[Tried]:
    growth = question.growth
    request = Request(
        prompt_for(question.reflection, failure),
        n=growth.asking.samples,
        max_tokens=_MAX_TOKENS,
        temperature=growth.asking.temperature,
        seed=seed,
        stop=STOP,
        timeout_s=_THOUGHT_S,
    )
    completions = cast("list[Completion]", send(question.receiver, "infer_", request))
    texts = [completion.text for completion in completions]
    rejected = {answer.source for answer in question.answers if answer.state is State.REJECTED}
    known = growth.journal.answers(question.message_key)
    rejected |= {one.source for one in known if one.state is State.QUARANTINED}
    candidates = [
        candidate
        for candidate in candidates_from(texts, question.reflection)
        if candidate.source not in rejected
    ]
    growth.tell("propose", f"{len(texts)} samples, {len(candidates)} different methods")
    tried = question.try_out(candidates)
    for item in tried:
        growth.tell("try", f"{item.candidate.source}\n=> {item.verdict}")
    return tried


def _agree(receiver: UvmObject, proposal: Proposal, growth: Growth) -> Proposal:
    """Return the proposal once it may be installed."""
    why = _why_it_waits(receiver, proposal)
    if (growth.asking.mode == "auto" and not why) or proposal.state is State.APPROVED:
        return proposal
    if proposal.state is State.INSTALLED:  # it was undone since, so a person must want it again
        proposal = growth.journal.decide(proposal.id, State.PROPOSED)
    if growth.asking.approve is None:
        asked = (proposal.receiver, proposal.selector, proposal.id, proposal.source)
        raise ApprovalNeeded(*asked, why)
    if growth.asking.approve(proposal):
        return growth.journal.decide(proposal.id, State.APPROVED)
    growth.journal.decide(proposal.id, State.REJECTED)
    raise GrowthFailed(proposal.receiver, proposal.selector, "you rejected it", proposal.id)


def _why_it_waits(receiver: UvmObject, proposal: Proposal) -> str:
    """Return why a person must see a proposal even in mode auto; nothing, if none must."""
    changes = cast("list[str]", proposal.provenance.get("changes", []))
    others = [place for place in changes if not place.startswith(("self.", "new "))]
    permitted = permissions_of(receiver)
    if others:
        return f"it changes other objects ({', '.join(others)})"
    if permitted.grow == "ask":
        return "its receiver permits growth to a person only"
    if permitted.write == "ask" and changes:
        return "it changes its receiver, which permits that to a person only"
    return ""


def _install(receiver: UvmObject, proposal: Proposal, growth: Growth) -> None:
    approved = proposal.state is State.APPROVED
    by = proposal.decided_by if approved else f"auto, for {growth.user}"
    provenance = {**proposal.provenance, "proposal": proposal.id, "approved_by": by}
    method = Method(proposal.source, provenance)
    mirror(receiver).set(proposal.selector, method, by=f"the mind (proposal {proposal.id})")
    growth.grown.append(proposal)
    growth.installed.append(f"{proposal.selector} (proposal {proposal.id})")
    growth.tell("install", proposal.source)


def _provenance(
    question: Question, choice: Choice, tried: list[Tried], seed: int
) -> dict[str, object]:
    """Return where a method came from, as plain data that anyone can read later."""
    mind = question.mind
    prompt = prompt_for(question.reflection)
    return {
        "by": "the mind",
        "message": question.reflection.text(),
        "examples": recorded(question.examples),
        "mind": {name: mind.get(name) for name in ("name", "sha256", "quantization")},
        "prompt_sha256": hashlib.sha256(prompt.encode()).hexdigest(),
        "seed": seed,
        "candidates": [
            {
                "source": item.candidate.source,
                "samples": item.candidate.samples,
                "verdict": item.verdict,
            }
            for item in tried
        ],
        "verdict": choice.verdict,
        "shapes": list(question.reflection.shapes),
        "changes": list(choice.best.changes) if choice.best else [],
        "policy_version": POLICY_VERSION,
    }
