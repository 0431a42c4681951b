"""Entries of the journal as text, and back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NoReturn, cast

from BTrees.OOBTree import OOBTree
from persistent import Persistent

from batos.errors import NotExportable
from batos.kernel.mirror import mirror
from batos.kernel.uvm_object import UvmObject
from batos.kernel.values import plain
from batos.universe.bundle.atoms import NotPortable
from batos.universe.bundle.values import Place, decode, encode
from batos.universe.journal import Entry, Proposal, State

_TEXTS = ("key", "receiver", "selector", "source", "decided_by")
KEYS = {*_TEXTS, "id", "state", "at", "provenance", "message"}


class Alone:
    """Data that stands for itself: there is nothing around it to refer to."""

    def refer(self, value: Persistent, _place: Place) -> None:
        if isinstance(value, UvmObject):
            raise NotPortable("an object lies where data belongs")

    def rank(self, value: Persistent) -> NoReturn:
        raise NotPortable(f"a {type(value).__name__} lies where data belongs")


def told(book: OOBTree) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each entry of the journal with its number, as a file has it."""
    for number, entry in book["entries"].items():
        try:
            yield number, _told(entry)
        except NotPortable as error:
            raise NotExportable(f"journal {number}", str(error)) from error


def _told(entry: Entry) -> dict[str, Any]:
    proposal, alone = entry.proposal, Alone()
    texts = {name: encode(getattr(proposal, name), (), alone) for name in _TEXTS}
    message = mirror(entry.message).slots()
    return {
        "id": proposal.id,
        "state": str(proposal.state),
        "at": proposal.at.isoformat() if proposal.at else None,
        **texts,
        "provenance": encode(dict(proposal.provenance), (), alone),
        "message": {slot: encode(value, (), alone) for slot, value in message.items()},
    }


def data_of(encoded: object) -> object:
    """Return what an encoded value means, as Python's own types.

    Raises:
        NotPortable: It means more than data, or nothing.
    """
    return plain(decode(encoded, _nothing))


def _nothing(word: str, _value: object) -> NoReturn:
    raise NotPortable(f"${word} has no place here")


def read(number: int, text: Mapping[str, Any]) -> Entry:
    """Return the entry that a file means.

    Raises:
        NotPortable: It means none.
    """
    texts = {name: decode(text[name], _nothing) for name in _TEXTS}
    for name, value in texts.items():
        if not isinstance(value, str):
            raise NotPortable(f"{name} is no text")
    provenance, message = data_of(text["provenance"]), text["message"]
    if text["id"] != number or type(text["id"]) is not int or number < 1:
        raise NotPortable(f"its id is not {number}, as its file says")
    if not isinstance(provenance, dict) or not isinstance(message, dict):
        raise NotPortable("its provenance or its message is no mapping")
    try:
        state = State(text["state"])
        at = None if text["at"] is None else dt.datetime.fromisoformat(text["at"])
    except (TypeError, ValueError) as error:
        raise NotPortable(str(error)) from error
    slots = {name: decode(value, _nothing) for name, value in message.items()}
    facts = cast("dict[str, str]", texts)
    proposal = Proposal(**facts, provenance=provenance, state=state, id=number, at=at)
    return Entry(proposal, UvmObject(**slots))


def add(book: OOBTree, entry: Entry, number: int) -> None:
    """Put an entry into the journal under a number that is free."""
    entry.proposal = replace(entry.proposal, id=number)
    book["entries"][number] = entry
    key = entry.proposal.key
    book["by_key"][key] = (*book["by_key"].get(key, ()), number)


def merge(book: OOBTree, entries: Iterable[Entry]) -> int:
    """Put in the entries that the journal lacks, under new numbers; return how many.

    An approval counts where it was given: here its proposal waits for a person again.
    """
    known = {_identity(entry.proposal) for entry in book["entries"].values()}
    added = 0
    for entry in entries:
        if _identity(entry.proposal) in known:
            continue
        if entry.proposal.state is State.APPROVED:
            entry.proposal = replace(entry.proposal, state=State.PROPOSED, decided_by="")
        add(book, entry, book["entries"].maxKey() + 1 if book["entries"] else 1)
        added += 1
    return added


def _identity(proposal: Proposal) -> tuple[object, ...]:
    return proposal.key, proposal.selector, proposal.source, proposal.at
