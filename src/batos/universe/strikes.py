"""Strikes: what methods of the mind's did wrong, and which of them are in quarantine.

A strike is written in a transaction of its own, which lasts, after the message that failed
was undone. It counts against one method in one slot (its record in the database), not
against its source: the same source may be right elsewhere. Three in a row, or one time that
the kernel had to end the process, and the method runs no more until a person releases it. A
message that goes well takes its strikes away: three failures in a month of good answers say
something of the messages, three in a row say something of the method.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from BTrees.OOBTree import OOBTree
from persistent.mapping import PersistentMapping

from batos.universe.conflicts import Turns, retried
from batos.universe.log import LASTING
from batos.universe.universe import Root, Universe

ENOUGH = 3
_STRIKES, _QUARANTINE = "strikes", "quarantine"  # in the journal's book
_MOST_CHARACTERS = 300
Changed = TypeVar("Changed")

_NOTHING: Mapping[bytes, Any] = {}


@dataclass(frozen=True)
class Suspect:
    """A method that a failure is blamed on: the outermost of the mind's that ran."""

    method: bytes  # oid
    receiver: str  # in words
    selector: str
    proposal: int  # 0: none is known


@dataclass(frozen=True)
class Record:
    """What stands against one method."""

    suspect: Suspect
    strikes: tuple[str, ...]  # when and what, in words, oldest first
    quarantined: bool


class Strikes:
    """The strikes of one universe."""

    def __init__(self, universe: Universe, user: str) -> None:
        self._universe = universe
        self._user = user
        self._turns = Turns()

    def add(self, suspect: Suspect, why: str, is_enough: bool = False) -> Record:
        """Write a strike down; return what stands against the method by now."""
        said = f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M:%S} {why}"[:_MOST_CHARACTERS]

        def change(book: OOBTree) -> Record:
            before = _read(suspect.method, _records(book).get(suspect.method))
            strikes = (said,) if before is None else (*before.strikes, said)
            record = Record(suspect, strikes, is_enough or len(strikes) >= ENOUGH)
            _keep(book, record)
            return record

        return self._changed(f"strike: {suspect.receiver} {suspect.selector}", change)

    def clear(self, method: bytes, why: str) -> Record | None:
        """Take the strikes of a method away; return what stood against it."""

        def change(book: OOBTree) -> Record | None:
            record = _read(method, _records(book).get(method))
            if record is not None:
                del book[_STRIKES][method]
                if method in book[_QUARANTINE]:
                    del book[_QUARANTINE][method]
            return record

        return self._changed(why, change)

    def of(self, method: bytes) -> Record | None:
        """Return what stands against a method."""
        with self._universe.transaction() as root:
            return _read(method, _records(root["journal"]).get(method))

    def all(self) -> list[Record]:
        """Return everything that stands against any method."""
        with self._universe.transaction() as root:
            found = [_read(oid, said) for oid, said in _records(root["journal"]).items()]
        return [record for record in found if record is not None]

    def _changed(self, note: str, change: Callable[[OOBTree], Changed]) -> Changed:
        def attempt() -> Changed:
            with self._universe.transaction(note, self._user, {LASTING: True}) as root:
                return change(root["journal"])

        return retried(attempt, self._turns)


def quarantined_in(root: Root) -> Mapping[bytes, Any]:
    """Return the methods in quarantine by their oids, with their strikes."""
    found = root["journal"].get(_QUARANTINE)
    return _NOTHING if found is None else dict(found)  # its transaction ends before we do


def redact_strikes(book: OOBTree, receivers: Collection[str]) -> None:
    """Take away what stands against methods of some receivers."""
    for oid, said in list(_records(book).items()):
        if said[0] in receivers:
            del book[_STRIKES][oid]
            if oid in book[_QUARANTINE]:
                del book[_QUARANTINE][oid]


# A record is (receiver, selector, strikes, quarantined, proposal): plain data, whatever
# class a later version makes of it.


def _records(book: OOBTree) -> Mapping[bytes, Any]:
    records: Mapping[bytes, Any] = book.get(_STRIKES, _NOTHING)
    return records


def _keep(book: OOBTree, record: Record) -> None:
    if _STRIKES not in book:
        book[_STRIKES], book[_QUARANTINE] = OOBTree(), PersistentMapping()
    one = record.suspect
    said = (one.receiver, one.selector, record.strikes, record.quarantined, one.proposal)
    book[_STRIKES][one.method] = said
    if record.quarantined:
        book[_QUARANTINE][one.method] = record.strikes


def _read(method: bytes, said: Any) -> Record | None:
    if said is None:
        return None
    receiver, selector, strikes, quarantined, proposal = said
    return Record(Suspect(method, receiver, selector, proposal), strikes, quarantined)
