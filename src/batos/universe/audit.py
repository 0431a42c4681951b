"""Who did what to methods and proposals: entries that outlive every abort and every undo.

They lie in the journal's book, each written in a transaction that lasts, and go to the
process's log as well. What was done by hand to data is what `log` and `history` tell.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from typing import Literal

from BTrees.IOBTree import IOBTree
from BTrees.OOBTree import OOBTree

from batos.kernel.method import Method
from batos.universe.remains import GONE

_log = logging.getLogger("batos.audit")

AUDIT = "audit"  # in the journal's book

Action = Literal[
    "proposed",
    "abstained",
    "edited",
    "approved",
    "rejected",
    "installed",
    "defined",
    "copied",
    "promoted",
    "restored",
    "undone",
]

_SAID = {"proposed": "made the mind propose", "abstained": "asked in vain for"}


@dataclass(frozen=True)
class AuditEntry:
    """One thing that somebody did."""

    action: str  # an `Action`, or what a later version calls one
    by: str
    via: str  # "cli", "python": what they did it with; "" where a killed process did not say
    at: dt.datetime
    receiver: str = ""  # in words
    selector: str = ""
    proposal: int = 0
    tid: str = ""  # the transaction: for "undone" the one that was undone
    id: int = 0

    def __str__(self) -> str:
        about = [self.receiver, self.selector]
        about += [f"proposal {self.proposal}"] if self.proposal else []
        about += [f"transaction {self.tid}"] if self.action == "undone" else []
        with_ = f" ({self.via})" if self.via else ""
        did = _SAID.get(self.action, self.action)
        return f"{self.by} {did} {' '.join(filter(None, about))}{with_}"


@dataclass(frozen=True)
class Act:
    """What a transaction is about to do to a method, before it has committed."""

    action: Action
    receiver: str  # in words
    selector: str
    method: Method

    def __str__(self) -> str:
        return f"{self.action} {self.receiver} {self.selector}"

    @property
    def tid(self) -> str:
        """The transaction, once it has committed."""
        return bytes(self.method._p_serial or b"").hex()


def act_said(words: str) -> tuple[str, str, str]:
    """Return action, receiver and selector of what an act said of itself in a log."""
    action, _, rest = words.partition(" ")
    receiver, _, selector = rest.rpartition(" ")
    return action, receiver, selector


def write(book: OOBTree, entry: AuditEntry) -> AuditEntry:
    """Put an entry into the journal's book; return it with its number."""
    kept = book.get(AUDIT)
    if kept is None:  # a universe of before there was an audit
        kept = book[AUDIT] = IOBTree()
    numbered = replace(entry, id=kept.maxKey() + 1 if kept else 1)
    kept[numbered.id] = asdict(numbered)
    return numbered


def read(book: OOBTree, limit: int | None = None) -> list[AuditEntry]:
    """Return the last entries, newest first."""
    kept = book.get(AUDIT, {})
    numbers = list(kept.keys())[::-1][:limit]
    return [_entry(kept[number]) for number in numbers]


def redact(book: OOBTree, receivers: Collection[str], proposals: Collection[int]) -> None:
    """Take out what entries say of some receivers; who did something, and when, stays."""
    kept = book.get(AUDIT, {})
    for number, fields in list(kept.items()):
        if fields["receiver"] in receivers or fields["proposal"] in proposals:
            kept[number] = {**fields, "receiver": GONE, "selector": GONE}


def tell(entry: AuditEntry) -> None:
    """Tell the process's log."""
    said = str(entry)
    _log.info("%s", said if said.isprintable() else ascii(said))


def _entry(fields: dict[str, object]) -> AuditEntry:
    known = AuditEntry.__dataclass_fields__
    return AuditEntry(**{name: value for name, value in fields.items() if name in known})  # type: ignore[arg-type]
