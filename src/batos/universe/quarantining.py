"""What an open universe does about methods that misbehave: strikes, quarantine, release.

A base class of the machine (`uvm`), which tells it how each message ended.
"""

from __future__ import annotations

import dis
import logging
from pathlib import Path
from types import TracebackType
from typing import cast

from ZODB.POSException import POSError

from batos.errors import (
    BatosError,
    DecisionRefused,
    MethodFailed,
    NoSuchProposal,
    NotInQuarantine,
    PrimitiveFailed,
)
from batos.kernel.message import Message
from batos.kernel.method import Method
from batos.kernel.mirror import mirror
from batos.kernel.uvm_object import UvmObject
from batos.kernel.values import plain
from batos.sandbox.meter import METHOD_FILE
from batos.universe.journal import Journal, State
from batos.universe.names import name_in, named_object
from batos.universe.running import Ended, RunningNote, left_behind
from batos.universe.scope import Scoped
from batos.universe.strikes import Record, Strikes, Suspect, quarantined_in
from batos.universe.universe import Root, Universe
from batos.universe.watch import Ran, Watch

_log = logging.getLogger(__name__)


class Quarantining(Scoped):
    """A universe whose methods of the mind's lose trust, and get it back from a person."""

    _universe: Universe
    journal: Journal

    def _begin_watch(self, universe: Universe, user: str) -> None:
        self._strikes = Strikes(universe, user)
        reads = universe.database.storage.isReadOnly()
        self._note = RunningNote(None if reads else universe.path / "tmp")
        self._watch = Watch(self._note)
        self._struck: set[bytes] = set()  # methods with strikes, as far as is known here

    def quarantined(self) -> list[Record]:
        """Return the methods that do not run until a person has looked at them."""
        return [record for record in self._strikes.all() if record.quarantined]

    def release(self, name: str, selector: str) -> Record:
        """Let a method in quarantine run again, its strikes forgotten; return what they were.

        Raises:
            NoSuchObject: The root has no such object.
            NoSuchMethod: The selector leads to no method.
            NotInQuarantine: It leads to another one.
            PersonNeeded: This handle may not.
        """
        self._require_person("release a method from quarantine")
        with self._universe.transaction() as root:
            oid = mirror(named_object(root, name)).method(selector)._p_oid
        record = self._strikes.of(oid)
        if record is None or not record.quarantined:
            known = tuple(
                f"{r.suspect.receiver}.{r.suspect.selector}" for r in self.quarantined()
            )
            raise NotInQuarantine(f"{name}.{selector}", known)
        self._strikes.clear(oid, f"release {name} {selector}")
        self._struck.discard(oid)
        self._mark(record.suspect.proposal, State.INSTALLED)
        return record

    # --- how messages ended ----------------------------------------------------------------

    def _look_at(self, root: Root) -> None:
        """Begin a message: learn what is in quarantine by now."""
        if self._universe.safe:
            return  # nothing runs, and a damaged journal hides nothing else
        self._watch.quarantined = quarantined_in(root)
        self._watch.begin()

    def _went_well(self) -> None:
        ran = self._watch.last
        if ran is not None and self._struck and ran.method._p_oid in self._struck:
            self._struck.discard(ran.method._p_oid)
            self._strikes.clear(ran.method._p_oid, f"strikes: none for {ran.selector} any more")

    def _went_wrong(self, error: BatosError, message: Message) -> None:
        """Blame a failure on a method, if it is its doing."""
        ran = self._watch.last
        if ran is None or not ran.is_the_minds or ran.method._p_oid is None:
            return
        if not _is_its_doing(error, ran, message):
            return
        with self._universe.transaction() as root:
            receiver = _named(root, ran.receiver._p_oid)
        suspect = Suspect(ran.method._p_oid, receiver, ran.selector, _proposal_of(ran.method))
        why = f"{type(error).__name__}: {getattr(error, 'why', error)}"
        try:
            self._strike(suspect, " ".join(why.split()))
        except (BatosError, OSError, POSError) as failure:  # the message's own error counts
            _log.warning("a strike of %s is not written down: %s", ran.selector, failure)

    def _strike(self, suspect: Suspect, why: str, is_enough: bool = False) -> None:
        record = self._strikes.add(suspect, why, is_enough)
        self._struck.add(suspect.method)
        if record.quarantined:
            place = f"{suspect.receiver}.{suspect.selector}"
            _log.warning("%s is in quarantine: %s", place, "; ".join(record.strikes))
            self._mark(suspect.proposal, State.QUARANTINED)

    def _mark(self, proposal: int, state: State) -> None:
        """Say it of the proposal, too, so that it is not proposed again meanwhile."""
        try:
            if proposal:
                self.journal.decide(proposal, state)
        except (NoSuchProposal, DecisionRefused):
            pass  # it came with a bundle, or a sibling's copy of it was marked before

    def _blame_the_dead(self) -> None:
        """Count strikes for methods in the middle of which a process ended.

        A reader leaves that to the next owner.
        """
        if self._universe.database.storage.isReadOnly():
            return
        self._struck |= {record.suspect.method for record in self._strikes.all()}
        for ended in left_behind(Path(self._universe.path / "tmp")):
            with self._universe.transaction() as root:
                method = _method_at(root, ended)
                receiver = _named(root, ended.receiver)
            if method is None or not ended.is_the_minds:
                text = "the process that ran %s.%s ended in the middle of it%s"
                _log.warning(text, receiver, ended.selector, _where(ended))
                continue
            suspect = Suspect(ended.method, receiver, ended.selector, ended.proposal)
            cause = "the kernel ended its process" if ended.by_watchdog else "its process ended"
            self._strike(suspect, f"killed: {cause}{_where(ended)}", ended.by_watchdog)


def _is_its_doing(error: BatosError, ran: Ran, message: Message) -> bool:
    """Tell whether a failure speaks against a method.

    What it raises with `raise` is an answer; what it was sent for the first time in its life
    (another kind of argument than it was tried with) may be the sender's mistake.
    """
    if isinstance(error, PrimitiveFailed):
        return False
    if not isinstance(error, MethodFailed):
        return True
    cause = error.__cause__
    if cause is not None and _was_raised_on_purpose(cause.__traceback__):
        return False
    tried_with = ran.method.provenance.get("shapes")
    if ran.selector != message.selector or not isinstance(tried_with, list):
        return True
    values = (*message.args, *message.keywords.values())
    return [type(plain(value)).__name__ for value in values] == tried_with


def _was_raised_on_purpose(trace: TracebackType | None) -> bool:
    """Tell whether the innermost frame is a method's, at a `raise`."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return False
    code = trace.tb_frame.f_code
    is_raise = dis.opname[code.co_code[trace.tb_lasti]] == "RAISE_VARARGS"
    return is_raise and code.co_filename.startswith(METHOD_FILE)


def _proposal_of(method: Method) -> int:
    number = method.provenance.get("proposal")
    return number if isinstance(number, int) else 0


def _method_at(root: Root, ended: Ended) -> Method | None:
    """Return the method that was running, if it is still there."""
    try:
        found = root._p_jar.get(ended.method)  # type: ignore[attr-defined]
    except (POSError, KeyError):
        return None
    return found if isinstance(found, Method) else None


def _named(root: Root, oid: bytes) -> str:
    try:
        obj = root._p_jar.get(oid)  # type: ignore[attr-defined]
    except (POSError, KeyError):
        return "an object"
    return name_in(root, cast("UvmObject", obj)) or repr(obj)


def _where(ended: Ended) -> str:
    return f" in {ended.where}" if ended.where else ""
