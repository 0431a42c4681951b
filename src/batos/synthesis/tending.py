"""What a person does with what grew: edit it, approve it, pass it on to its family.

A base class of the machine (`uvm`). Whatever takes effect here is an ordinary transaction,
so `undo` takes it back; what the journal records of it lasts.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import cast

from ZODB.utils import p64

from batos.errors import DecisionRefused, EditRefused, GrowthFailed, NoSuchObject
from batos.kernel.message import Message
from batos.kernel.method import Method
from batos.kernel.runtime import context_of
from batos.kernel.uvm_object import UvmObject
from batos.kernel.values import plain
from batos.sandbox.policy import POLICY_VERSION
from batos.synthesis.examples import Example, examples_in, recorded
from batos.synthesis.growth import Growth
from batos.synthesis.promotion import Promotion, promote
from batos.synthesis.synthesizer import install
from batos.synthesis.trial import try_out
from batos.synthesis.values import Candidate, Tried
from batos.universe.conflicts import Turns, retried
from batos.universe.journal import Journal, Proposal, State
from batos.universe.names import named_object
from batos.universe.universe import Root

_OBJECT = re.compile(r"<object 0x([0-9a-f]{1,16})>")  # how the journal keeps an object
_OF_THE_MIND = ("seed", "mind", "prompt_sha256", "samples", "tokens", "seconds", "properties")


class Tends:
    """Editing, approving and promoting what grew."""

    journal: Journal
    _user: str
    transaction: Callable[..., AbstractContextManager[Root]]

    def edit(self, number: int, source: str) -> Proposal:
        """Record another source for a proposal, as one of the person who works here.

        It passes the same gate and is tried with the same examples and the same message.
        Left out are examples of a state that the receiver is not in any more: those that the
        proposal agreed with, and would not now. What it is an edit of stays as it is.

        Args:
            number: The proposal; an abstention can be edited, too.
            source: The method, with the same selector.

        Returns:
            The new proposal, which waits for an approval.

        Raises:
            NoSuchProposal: There is none.
            NoSuchObject: Its receiver is gone.
            EditRefused: The source does not stand; nothing was recorded.
            DecisionRefused: The proposal was forgotten.
        """
        former = self.journal.get(number)
        if former.state is State.FORGOTTEN:
            raise DecisionRefused(number, former.state, "edited")
        message = self.journal.message(number)
        source = source.strip("\n") + "\n"
        with self.transaction() as root:
            receiver = _receiver_of(former, root)
            sent = _told_again(message, root)
            examples = _still_true(former, receiver, sent)
            tried = _tried(source, receiver, sent, examples)
        if not tried.stands:
            raise EditRefused(number, tried.verdict)
        provenance = _edited(former, source.rstrip("\n"), tried, self._user)
        provenance["examples"] = recorded(examples)
        proposal = replace(
            former,
            source=source.rstrip("\n"),
            provenance=provenance,
            state=State.PROPOSED,
            decided_by="",
        )
        return self.journal.record(proposal, message)

    def approve(self, number: int) -> tuple[Proposal, bool]:
        """Approve a proposal: the next send of its message installs it.

        One that edits a method which is installed takes its place at once, in a transaction
        of its own: nobody would be asked again for a message that is understood. One that
        edits a proposal which still waits puts that aside.

        Returns:
            The proposal, and whether it is installed by now.

        Raises:
            NoSuchProposal: There is none.
            DecisionRefused: What became of it before does not allow that.
            GrowthFailed: It does not stand on its receiver as that is now; it is approved.
        """
        approved = self.journal.decide(number, State.APPROVED)
        edits = approved.provenance.get("edits")
        if not isinstance(edits, int):
            return approved, False
        if self.journal.get(edits).state in (State.PROPOSED, State.APPROVED):
            self.journal.decide(edits, State.REJECTED)
        note = f"edit {approved.receiver} {approved.selector}"
        former = frozenset(_line_of(approved, self.journal))

        def put() -> bool:
            with self.transaction(note) as root:
                return self._put_in_place(approved, former, root)

        is_installed = retried(put, Turns())
        return self.journal.get(number), is_installed

    def promote(
        self, name: str, selector: str, to: str | None = None, dry_run: bool = False
    ) -> Promotion:
        """Move a method to a prototype, so that all of its clones understand it.

        It is tried first in the jail on those that will learn it, with its own examples.

        Args:
            name: The object whose own method it is.
            selector: The method.
            to: The prototype; by default the object's first parent.
            dry_run: Only find out what it would do.

        Raises:
            NoSuchObject: The root has no such object.
            PromotionRefused: The prototype is primordial, somebody would answer otherwise
                than today, or the method does not work on a sibling. Nothing was changed.
        """

        def attempt() -> Promotion:
            note = "" if dry_run else f"promote {name} {selector}"
            with self.transaction(note) as root:
                obj = named_object(root, name)
                target = None if to is None else named_object(root, to)
                message = self._message_of(obj, selector, root)
                return promote(
                    root, obj, selector, target, message, by=self._user, dry_run=dry_run
                )

        return retried(attempt, Turns())

    def _put_in_place(self, approved: Proposal, former: frozenset[int], root: Root) -> bool:
        """Put an edit in the place of the method that it edits, if that is installed."""
        try:
            receiver = _receiver_of(approved, root)
        except NoSuchObject:
            return False
        held = receiver._slots.get(approved.selector)
        if not isinstance(held, Method) or held.provenance.get("proposal") not in former:
            return False
        message = _told_again(self.journal.message(approved.id), root)
        tried = _tried(approved.source, receiver, message, examples_in(approved.provenance))
        if not tried.stands:
            why = f"it was approved, and does not stand any more ({tried.verdict})"
            raise GrowthFailed(approved.receiver, approved.selector, why, approved.id)
        install(receiver, approved, cast("Growth", context_of(receiver)))
        return True

    def _message_of(self, obj: UvmObject, selector: str, root: Root) -> Message | None:
        """Return the message that a method grew for, if it grew."""
        held = obj._slots.get(selector)
        number = held.provenance.get("proposal") if isinstance(held, Method) else None
        if not isinstance(number, int):
            return None
        if self.journal.get(number).state is State.FORGOTTEN:
            return None
        return _told_again(self.journal.message(number), root)


def _receiver_of(proposal: Proposal, root: Root) -> UvmObject:
    """Return the object that a proposal is for.

    Raises:
        NoSuchObject: It is gone, or was never stored.
    """
    found = _object_in(proposal.receiver, root)
    return found if found is not None else named_object(root, proposal.receiver)


def _told_again(message: Message, root: Root) -> Message:
    """Return a message of the journal with its objects instead of words for them."""

    def loaded(value: object) -> object:
        found = _object_in(value, root) if isinstance(value, str) else None
        return value if found is None else found

    keywords = {name: plain(value, loaded) for name, value in message.keywords.items()}
    args = cast("tuple[object, ...]", plain(message.args, loaded))
    return Message(message.selector, args, keywords)


def _object_in(words: str, root: Root) -> UvmObject | None:
    found = _OBJECT.fullmatch(words)
    if found is None:
        return None
    try:
        obj = cast("object", root._p_jar.get(p64(int(found[1], 16))))  # type: ignore[attr-defined]
    except KeyError:  # ZODB's POSKeyError: it is gone
        return None
    return obj if isinstance(obj, UvmObject) else None


def _still_true(former: Proposal, receiver: UvmObject, message: Message) -> tuple[Example, ...]:
    """Return the examples of a proposal, without those of another state of its receiver."""
    examples = examples_in(former.provenance)
    if not former.source:
        return examples
    known = _tried(former.source, receiver, message, examples)
    judged = zip(examples, known.wrong, strict=True)
    return tuple(example for example, wrong in judged if wrong is None)


def _tried(
    source: str, receiver: UvmObject, message: Message, examples: tuple[Example, ...]
) -> Tried:
    growth = cast("Growth", context_of(receiver))
    (tried,) = try_out(growth.jail(), [Candidate(source, 0)], receiver, message, examples)
    return tried


def _edited(former: Proposal, source: str, tried: Tried, by: str) -> dict[str, object]:
    """Return where an edit came from."""
    kept = {key: value for key, value in former.provenance.items() if key not in _OF_THE_MIND}
    diff = difflib.unified_diff(
        former.source.splitlines(),
        source.splitlines(),
        f"proposal {former.id}",
        f"edited by {by}",
        lineterm="",
    )
    tries = {
        "source": source,
        "samples": 0,
        "verdict": tried.verdict,
        "wrong": list(tried.wrong),
        "behaviour": tried.behaviour,
    }
    return {
        **kept,
        "by": by,
        "edited_by": by,
        "edits": former.id,
        "diff": "\n".join(diff),
        "candidates": [tries],
        "verdict": f"{tried.verdict}, edited by {by}",
        "policy_version": POLICY_VERSION,
    }


def _line_of(proposal: Proposal, journal: Journal) -> Iterator[int]:
    """Yield the numbers of what a proposal edits, and of what that edits."""
    number = proposal.provenance.get("edits")
    while isinstance(number, int):
        yield number
        number = journal.get(number).provenance.get("edits")
