"""The journal: what the mind proposed, and what became of it.

Each entry is written in a transaction of its own, so that it outlives the message that
caused it: a message that has to be retried finds its proposal here instead of thinking
again, and one that failed is told of all the same.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import cast

from BTrees.IOBTree import IOBTree
from BTrees.OOBTree import OOBTree
from persistent import Persistent

from batos.errors import DecisionRefused, NoSuchProposal, UniverseReadOnly
from batos.kernel.message import Message
from batos.kernel.uvm_object import UvmObject
from batos.kernel.values import plain
from batos.universe import audit
from batos.universe.audit import AuditEntry
from batos.universe.audited import AuditedBook
from batos.universe.remains import GONE, Remains
from batos.universe.universe import Root


class State(StrEnum):
    """What became of a proposal."""

    PROPOSED = "proposed"  # it stands, and waits for a person
    APPROVED = "approved"
    REJECTED = "rejected"
    INSTALLED = "installed"
    ABSTAINED = "abstained"  # nothing stood; there is no source
    FORGOTTEN = "forgotten"  # its receiver was forgotten, and what was said of it


_UNDECIDED_AMONG = 100  # transactions: more than are under way at once
_BY_A_PERSON = (State.APPROVED, State.REJECTED)
_FOLLOWS = {
    State.PROPOSED: (State.APPROVED, State.REJECTED, State.INSTALLED),
    State.APPROVED: (State.APPROVED, State.REJECTED, State.INSTALLED),
    State.INSTALLED: (State.INSTALLED, State.PROPOSED),  # it was undone, and waits again
    State.REJECTED: (),
    State.ABSTAINED: (),
    State.FORGOTTEN: (),
}


@dataclass(frozen=True)
class Proposal:
    """One answer of the mind to one message that nobody understood."""

    key: str  # what was asked: the same question finds the same proposal
    receiver: str  # in words
    selector: str
    source: str
    provenance: Mapping[str, object]  # plain data: prompt, model, candidates, trial, verdict
    state: State = State.PROPOSED
    id: int = 0
    at: dt.datetime | None = None
    decided_by: str = ""
    message_key: str = ""  # which message to whom, whatever the examples: for an approval
    kin_key: str = ""  # which message to an object of this prototype: for its siblings

    @property
    def keys(self) -> tuple[str, ...]:
        """Everything that it is found by."""
        return tuple(filter(None, (self.key, self.message_key, self.kin_key)))

    def __setstate__(self, state: dict[str, object]) -> None:
        """Take a record's state; with it, no record can give the class itself one."""
        self.__dict__.update(state)


class Entry(Persistent):  # type: ignore[misc]  # persistent is untyped
    """A proposal in the book, with the message that asked for it: a record of its own."""

    def __init__(self, proposal: Proposal, message: UvmObject) -> None:
        self.proposal = proposal
        self.message = message


class Journal(AuditedBook):
    """The journal of one universe."""

    def record(self, proposal: Proposal, message: Message) -> Proposal:
        """Write a proposal down, and return it with its number and time.

        The message is reified: kept as an object of its own beside the proposal.
        """
        is_edit = "edited_by" in proposal.provenance

        def append(book: OOBTree) -> tuple[Proposal, AuditEntry]:
            recorded = _append(book, proposal, message)
            return recorded, self._said_of("edited" if is_edit else recorded.state, recorded)

        # forgetting finds the note by the receiver
        about = f"{proposal.receiver} {proposal.selector}"
        return self._change(f"journal: {proposal.state} {about}", append)

    def answers(self, key: str) -> list[Proposal]:
        """Return everything that was proposed for one question or message, oldest first."""
        with self._universe.transaction() as root:
            book = _book(root)
            return [_get(book, number) for number in book["by_key"].get(key, ())]

    def get(self, number: int) -> Proposal:
        """Return a proposal by its number.

        Raises:
            NoSuchProposal: There is none.
        """
        with self._universe.transaction() as root:
            return _get(_book(root), number)

    def message(self, number: int) -> Message:
        """Return the message that a proposal answers; its objects are words.

        Raises:
            NoSuchProposal: There is none.
        """
        with self._universe.transaction() as root:
            _get(_book(root), number)
            kept = _book(root)["entries"][number].message
            slots = {name: plain(value) for name, value in kept._slots.items()}
        args, keywords = slots.get("args", ()), slots.get("keywords", {})
        return Message(
            str(slots["selector"]),
            cast("tuple[object, ...]", args),
            cast("Mapping[str, object]", keywords),
        )

    def list(self, state: State | None = None) -> list[Proposal]:
        """Return the proposals in a state, or all of them, oldest first."""
        with self._universe.transaction() as root:
            proposals = [entry.proposal for entry in _book(root)["entries"].values()]
        return [proposal for proposal in proposals if state in (None, proposal.state)]

    def decide(self, number: int, state: State) -> Proposal:
        """Write down what became of a proposal, and who said so.

        Raises:
            NoSuchProposal: There is none.
            DecisionRefused: What became of it before does not allow that.
        """

        def change(book: OOBTree) -> tuple[Proposal, AuditEntry]:
            proposal = _get(book, number)
            if state not in _FOLLOWS[proposal.state]:
                raise DecisionRefused(number, proposal.state, state)
            by = self._user if state in _BY_A_PERSON else proposal.decided_by
            decided = replace(proposal, state=state, decided_by=by)
            book["entries"][number].proposal = decided
            return decided, self._said_of(state, decided)

        return self._change(f"journal: {state} proposal {number}", change)

    def _said_of(self, action: str, proposal: Proposal) -> AuditEntry:
        return self._entry(action, proposal.receiver, proposal.selector, proposal.id)

    def catch_up(self) -> None:
        """Write down what was installed by a process that was killed before it could say so.

        A reader leaves that to the next owner.
        """
        moments = self._universe.log(_UNDECIDED_AMONG)
        undone = {moment.undoes for moment in moments}
        stand = [moment for moment in reversed(moments) if moment.tid not in undone]
        with suppress(UniverseReadOnly):
            for number in (number for moment in stand for number in moment.grown):
                if self.get(number).state in (State.PROPOSED, State.APPROVED):
                    self.decide(number, State.INSTALLED)
            self.catch_up_acts(reversed(moments))


def new_book() -> OOBTree:
    """Return the empty journal that a universe is born with."""
    return OOBTree({"entries": IOBTree(), "by_key": OOBTree()})


def _append(book: OOBTree, proposal: Proposal, message: Message) -> Proposal:
    entries = book["entries"]
    number = entries.maxKey() + 1 if entries else 1
    recorded = replace(proposal, id=number, at=dt.datetime.now(dt.UTC))
    entries[number] = Entry(recorded, reify(message))
    for key in proposal.keys:
        book["by_key"][key] = (*book["by_key"].get(key, ()), number)
    return recorded


def redact(root: Root, remains: Remains) -> int:
    """Take out of the journal what it says of an object.

    Of an entry that was about the object, or whose examples or source hold something of
    it, only the number stays. Elsewhere the texts that tell of it go.

    Returns:
        How many entries it was.
    """
    book, gone, redacted = _book(root), set[int](), 0
    for entry in book["entries"].values():
        proposal = entry.proposal
        if _is_about(proposal, remains):
            for key in set(proposal.keys) & set(book["by_key"]):
                book["by_key"][key] = tuple(n for n in book["by_key"][key] if n != proposal.id)
                if not book["by_key"][key]:
                    del book["by_key"][key]
            entry.proposal = Proposal(
                *("", GONE, GONE, ""),
                {"verdict": GONE, "message": GONE, "candidates": []},
                *(State.FORGOTTEN, proposal.id, proposal.at),
            )
            entry.message = UvmObject(selector=GONE)
            gone.add(proposal.id)
        else:
            redacted += _redact_texts(entry, remains)
    audit.redact(book, remains.names, gone)
    return len(gone) + redacted


def _is_about(proposal: Proposal, remains: Remains) -> bool:
    examples = proposal.provenance.get("examples", [])
    return (
        proposal.receiver in remains.names
        or remains.are_held_in(proposal.source)
        or remains.redacted(examples) != examples
    )


def _redact_texts(entry: Entry, remains: Remains) -> bool:
    """Take out of an entry the texts that tell of an object; tell whether there were any."""
    provenance = remains.redacted(dict(entry.proposal.provenance))
    said = plain(dict(entry.message._slots))
    message = remains.redacted(said)
    if provenance == entry.proposal.provenance and message == said:
        return False
    entry.proposal = replace(entry.proposal, provenance=provenance)
    entry.message = UvmObject(**message)
    return True


def reify(message: Message) -> UvmObject:
    """Return the message as an object, its arguments by value."""
    return UvmObject(
        selector=message.selector,
        args=tuple(plain(value, by_value) for value in message.args),
        keywords={name: plain(value, by_value) for name, value in message.keywords.items()},
    )


def by_value(value: object) -> object:
    """Objects belong to the transaction that failed; the journal keeps their description."""
    return repr(value) if isinstance(value, Persistent) else value


def _book(root: Root) -> OOBTree:
    return root["journal"]


def _get(book: OOBTree, number: int) -> Proposal:
    entry = cast("Entry | None", book["entries"].get(number))
    if entry is None:
        raise NoSuchProposal(number)
    return entry.proposal
