"""What can be asked of a universe's past: the half of its facade that looks back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from batos.universe.audit import AuditEntry
from batos.universe.forgetting import Finished, Forgotten, finish, forget
from batos.universe.journal import Journal
from batos.universe.log import Moment
from batos.universe.moments import When, visited
from batos.universe.packing import Ending, Packed, pack, plan_pack, span_of
from batos.universe.past import Difference, Event, diff, history
from batos.universe.restoring import restore
from batos.universe.states import Change
from batos.universe.unfinished import unfinished
from batos.universe.universe import Root, Universe
from batos.universe.why import Why, why


class LooksBack:
    """A universe, and who uses it, as far as its past is concerned."""

    def __init__(self, universe: Universe, user: str, via: str = "python") -> None:
        self._universe = universe
        self._user = user
        self.journal = Journal(universe, user, via)

    @property
    def keeps_history(self) -> bool:
        """Whether there is a log, and a past to look at."""
        return self._universe.keeps_history

    def log(self, limit: int = 20, everything: bool = False) -> list[Moment]:
        """Return the last transactions, newest first; see `Universe.log`."""
        return self._universe.log(limit, everything)

    def undo(self, tid: str | None = None) -> Moment:
        """Undo a transaction, by default the last that still stands; return it.

        Raises:
            UndoConflict: It cannot be undone.
        """
        undone = self._universe.undo(tid, self._user)
        self.journal.note("undone", tid=undone.tid)
        return undone

    def audit(self, limit: int | None = None) -> Sequence[AuditEntry]:
        """Return who did what to methods and proposals, newest first; never undone."""
        return self.journal.audit(limit)

    def why(self, name: str, selector: str) -> Why:
        """Return why an object answers a selector as it does, or would not; see `Why`.

        Raises:
            NoSuchObject: The root has no such object.
        """
        return why(self._universe, self.journal, name, selector)

    def history(self, name: str, limit: int = 20) -> list[Event]:
        """Return what happened to one object, newest first; see `past.history`."""
        return history(self._universe, name, limit)

    @contextmanager
    def at(self, when: When) -> Iterator[Root]:
        """Give the root as it was at a moment: a tid, a time, or a time as text.

        Its objects can be read, and their methods run; a write is refused.

        Raises:
            NoSuchMoment: It cannot be read, or the history does not reach back to it.
            PastReadOnly: Something was to be changed.
        """
        with visited(self._universe, when, self._visitor()) as root:
            yield root

    def diff(self, first: When, second: When | None = None) -> list[Difference]:
        """Return what differs between two moments, by object; `second` None means now."""
        return diff(self._universe, first, second)

    def restore(
        self, name: str, when: When, slots: Collection[str] | None = None
    ) -> tuple[Change, ...]:
        """Let an object, or some of its slots, be again as at a moment; see `restoring`.

        Raises:
            NoSuchMoment: There is no such moment any more.
            RestoreRefused: It was not there then, or refers to what is gone.
        """
        changes = restore(self._universe, name, when, slots, self._user)
        for change in changes:
            if change.is_method:
                self.journal.note("restored", name, change.slot)
        return changes

    def plan_pack(self, keep: dt.timedelta) -> Ending:
        """Return what `pack` would end; nothing is changed."""
        return plan_pack(self._universe, keep)

    def pack(self, keep: dt.timedelta | str) -> Packed:
        """End the history that is older than `keep`, such as "30d"; see `packing.pack`.

        Raises:
            ValueError: It is text that means no span of time.
        """
        span = span_of(keep) if isinstance(keep, str) else keep
        return pack(self._universe, span, self._user)

    def forget(self, name: str, cut: bool = False) -> Forgotten:
        """Remove an object for good, and with it all of the history; see `forgetting`.

        Raises:
            ForgetRefused: It is primordial, or others refer to it; `cut` ends that.
        """
        return forget(self._universe, name, cut, self._user)

    def finish_forgetting(self) -> Finished | None:
        """Do the rest of a forgetting that was broken off; None if none was.

        Raises:
            ForgettingUnfinished: It could not be done this time either.
        """
        return finish(self._universe, self._user)

    def unfinished_forgettings(self) -> int:
        """Return how many objects are out of the present, and their past is not ended."""
        return len(unfinished(self._universe))

    def _visitor(self) -> object:
        """Return the context that objects of the past are loaded with."""
        return None
