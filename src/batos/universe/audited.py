"""The journal's book: every change of it lasts, and says who made it.

What its entries mean is left to `journal`; what an audit entry is, to `audit`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar, cast

from BTrees.OOBTree import OOBTree

from batos.universe import audit
from batos.universe.audit import Action, AuditEntry
from batos.universe.conflicts import Turns, retried
from batos.universe.log import LASTING, Moment
from batos.universe.universe import Root, Universe

T = TypeVar("T")


class AuditedBook:
    """The book of one universe, and who writes in it."""

    def __init__(self, universe: Universe, user: str, via: str = "python") -> None:
        """Hold the book of an open universe.

        Args:
            universe: Which one.
            user: Who works here.
            via: What they work with, for the audit.
        """
        self._universe = universe
        self._user = user
        self._via = via
        self._turns = Turns()

    def audit(self, limit: int | None = None) -> Sequence[AuditEntry]:
        """Return who did what to methods and proposals, newest first."""
        with self._universe.transaction() as root:
            return audit.read(_book(root), limit)

    def note(
        self, action: Action, receiver: str = "", selector: str = "", tid: str = ""
    ) -> AuditEntry:
        """Write down what somebody did without a proposal."""
        return self._write(self._entry(action, receiver, selector, tid=tid))

    def catch_up_acts(self, moments: Iterable[Moment]) -> None:
        """Write down what transactions did to methods, the oldest first, if nobody has."""
        last = next(iter(self.audit(1)), None)
        for moment in moments:
            if last is not None and last.at >= moment.time:
                continue
            told = [audit.act_said(words) for words in moment.placed]
            if moment.undoes is not None and last is not None:  # else it is older than any
                told.append(("undone", "", ""))
            for action, receiver, selector in told:
                tid = moment.undoes or moment.tid
                by, at = moment.user, moment.time
                self._write(AuditEntry(action, by, "", at, receiver, selector, 0, tid))

    def _entry(
        self, action: str, receiver: str, selector: str, proposal: int = 0, *, tid: str = ""
    ) -> AuditEntry:
        now = dt.datetime.now(dt.UTC)
        by, via = self._user, self._via
        return AuditEntry(action, by, via, now, receiver, selector, proposal, tid)

    def _write(self, entry: AuditEntry) -> AuditEntry:
        about = f"{entry.receiver} {entry.selector}".strip() or entry.tid
        return self._change(f"journal: {entry.action} {about}", lambda _book: (entry, entry))

    def _change(self, note: str, change: Callable[[OOBTree], tuple[T, AuditEntry]]) -> T:
        """Change the book in a transaction of its own, together with what the audit says."""
        mark = {LASTING: True}

        def attempt() -> tuple[T, AuditEntry]:  # two may ask for the same number at once
            with self._universe.transaction(note, self._user, mark) as root:
                changed, said = change(_book(root))
                audit.write(_book(root), said)
            return changed, said

        changed, said = retried(attempt, self._turns)
        audit.tell(said)
        return changed


def _book(root: Root) -> OOBTree:
    return cast("OOBTree", root["journal"])
