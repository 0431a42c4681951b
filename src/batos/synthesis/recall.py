"""What was answered before: the same message, the same question, or a sibling's.

All of it is tried again on the receiver as it is now, before it is used: what stands there
saves a thought, and what does not is left.
"""

from __future__ import annotations

from dataclasses import replace

from batos.errors import GrowthFailed
from batos.synthesis.examples import examples_in, recorded
from batos.synthesis.question import Question
from batos.synthesis.values import Candidate
from batos.universe.journal import Proposal, State

_USABLE = (State.PROPOSED, State.APPROVED, State.INSTALLED)
_PROVEN = (State.APPROVED, State.INSTALLED)  # a sibling's, which nobody showed us here


def recall(question: Question) -> Proposal | None:
    """Return a proposal that answers the question and stands now, or None.

    Raises:
        GrowthFailed: What a person approved for the message does not stand any more; only a
            person may put it aside.
    """
    return _approved(question) or _remembered(question) or _of_kin(question)


def _approved(question: Question) -> Proposal | None:
    """Return what a person approved for this message, if it stands as it did then.

    Examples that come with the message make it another question, unless they are the same.
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
    known = [answer for answer in question.answers if answer.state in _USABLE]
    if not known:
        return None
    return _if_it_stands(question, known[-1], f"known already, as proposal {known[-1].id}")


def _of_kin(question: Question) -> Proposal | None:
    """Return what proved itself on an object with the same parent, if it stands here."""
    rejected = {answer.source for answer in question.answers if answer.state is State.REJECTED}
    sources: set[str] = set()
    for kin in reversed(question.growth.journal.answers(question.kin_key)):
        if kin.state in _PROVEN and kin.source not in sources | rejected:
            sources.add(kin.source)
            whence = f"grown for {kin.receiver} before, as proposal {kin.id}"
            if _if_it_stands(question, kin, whence) is not None:
                return _recorded(question, kin, whence)
    return None


def _recorded(question: Question, kin: Proposal, whence: str) -> Proposal:
    """Record a proposal of its own: who approved it for another did not approve it here."""
    tried_with = "its examples" if question.examples else "no examples"
    told = {
        "message": question.reflection.text(),
        "examples": recorded(question.examples),
        "verdict": f"{whence}; stands here with {tried_with}",
        "of_kin": kin.id,
    }
    proposal = replace(
        kin,
        key=question.key,
        receiver=question.reflection.receiver,
        provenance={**kin.provenance, **told},
        state=State.PROPOSED,
        decided_by="",
        message_key=question.message_key,
    )
    return question.growth.journal.record(proposal, question.message)


def _if_it_stands(question: Question, proposal: Proposal, whence: str) -> Proposal | None:
    (tried,) = question.try_out([Candidate(proposal.source, 1)])
    verdict = f"{whence}: {tried.verdict}"
    question.growth.tell("try", f"{proposal.source}\n=> {verdict}")
    return proposal if tried.stands else None
