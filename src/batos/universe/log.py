"""The log: the transactions of the past as values, and which of them can be undone."""

from __future__ import annotations

import base64
import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from batos.errors import UndoConflict

_FIRST_NOTE = b"initial database creation"  # ZODB's, of the empty root before the birth

_PROPOSAL = re.compile(r"\(proposal (\d+)\)$")  # how `grew` names it

LASTING = "lasting"  # in a transaction's details: a birth or a record, which is never undone


@dataclass(frozen=True)
class Moment:
    """One transaction of the past."""

    tid: str  # 16 hexadecimal digits
    time: dt.datetime
    user: str
    note: str
    details: Mapping[str, object]  # what the program said of it beyond the note

    @property
    def lasts(self) -> bool:
        """Whether it can never be undone: a birth, or an entry of the journal."""
        return LASTING in self.details or self.note == _FIRST_NOTE.decode()

    @property
    def grew(self) -> list[str]:
        """The methods that grew in it, in words."""
        return list(cast("Iterable[str]", self.details.get("grew", ())))

    @property
    def grown(self) -> list[int]:
        """The numbers of the proposals that were installed in it."""
        return [int(found[1]) for words in self.grew if (found := _PROPOSAL.search(words))]

    @property
    def placed(self) -> list[str]:
        """What was done to methods in it in another way than by growing, in words."""
        return list(cast("Iterable[str]", self.details.get("placed", ())))

    @property
    def undoes(self) -> str | None:
        """The transaction that this one has undone, if that is what it did."""
        tid = self.details.get("undoes")
        return None if tid is None else str(tid)


def can_be_undone(info: Mapping[str, object]) -> bool:
    """Tell it of a transaction as it is read, so that a log is read no further than asked."""
    return LASTING not in info and info["description"] != _FIRST_NOTE


def last_change(newest_first: Iterable[Moment]) -> Moment:
    """Return the newest transaction that stands and is no undo itself."""
    undone: set[str] = set()
    for moment in newest_first:
        if moment.undoes is not None:
            if moment.tid not in undone:  # an undo that was undone has no effect any more
                undone.add(moment.undoes)
        elif moment.tid not in undone and not moment.lasts:
            return moment
    raise UndoConflict(
        "(the last one)", "nothing that was done since the awakening still stands"
    )


def moment_of(info: Mapping[str, object]) -> Moment:
    """Return a transaction as ZODB's undo log tells of it."""
    fields = dict(info)
    tid = base64.decodebytes(_as_bytes(fields.pop("id"))).hex()
    time = dt.datetime.fromtimestamp(float(str(fields.pop("time"))), dt.UTC)
    user = str(fields.pop("user_name")).removeprefix("/").strip()  # "/" is Zope's folder
    note = str(fields.pop("description"))
    fields.pop("size", None)
    return Moment(tid, time, user, note, fields)


def _as_bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()
