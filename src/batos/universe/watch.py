"""Watches methods run: who is to blame if it ends badly, and who may not run at all.

A method is wrapped when it is compiled. Blamed is the outermost method of the mind's on the
way to the failure: what it calls may be innocent, and is blamed when it is sent by itself. A
person's method is named where no other runs, and is never kept from running.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast, runtime_checkable

from batos.errors import MethodQuarantined
from batos.kernel.message import Message, miss
from batos.kernel.method import Method
from batos.kernel.runtime import context_of
from batos.kernel.uvm_object import UvmObject
from batos.sandbox.meter import METER
from batos.universe.running import RunningNote, note_of

THE_MIND = "the mind"  # in a provenance's `by`
_NEW = bytes(8)


@runtime_checkable
class Regrows(Protocol):
    """A context that may want a method in quarantine to be written anew."""

    def wants_regrown(self, receiver: UvmObject, selector: str) -> bool:
        """Tell whether a message to a method in quarantine counts as not understood."""


@dataclass(frozen=True)
class Ran:
    """A method that ran, and for whom."""

    method: Method
    receiver: UvmObject
    selector: str
    is_the_minds: bool


class _Here(threading.local):
    running: Ran | None = None
    last: Ran | None = None


class Watch:
    """The watch over one universe's methods. Safe to use from several threads."""

    def __init__(self, note: RunningNote) -> None:
        self.quarantined: Mapping[bytes, tuple[str, ...]] = {}
        self._note = note
        self._here = _Here()

    def begin(self) -> None:
        """Forget what ran in this thread: a message begins."""
        self._here.last = None

    @property
    def last(self) -> Ran | None:
        """What ran last in this thread's message, and is to blame if it failed."""
        return self._here.last

    def watched(self, method: Method, function: Callable[..., object]) -> Callable[..., object]:
        """Return a method's function under this watch."""
        here, selector = self._here, function.__name__
        is_the_minds = method.provenance.get("by") == THE_MIND
        number = method.provenance.get("proposal")
        proposal = number if isinstance(number, int) else 0

        @functools.wraps(function)
        def call(*args: Any, **keywords: Any) -> object:
            if self.quarantined and method._p_oid in self.quarantined:
                return self._refused(method, selector, args, keywords)
            around = here.running
            if around is not None and (around.is_the_minds or not is_the_minds):
                return function(*args, **keywords)
            here.running = here.last = Ran(method, args[0], selector, is_the_minds)
            oids = args[0]._p_oid or _NEW, method._p_oid or _NEW
            note = note_of(*oids, proposal, is_the_minds, selector)
            with METER.lock:  # what waits for its turn does not run
                before = self._note.write(note)
                try:
                    return function(*args, **keywords)
                finally:
                    self._note.write(before)
                    here.running = around

        return call

    def _refused(
        self, method: Method, selector: str, args: tuple[Any, ...], keywords: dict[str, Any]
    ) -> object:
        receiver = cast("UvmObject", args[0])
        context = context_of(receiver)
        if isinstance(context, Regrows) and context.wants_regrown(receiver, selector):
            return miss(receiver, Message(selector, args[1:], keywords))
        name_of = getattr(context, "name_of", repr)
        strikes = self.quarantined[method._p_oid]
        raise MethodQuarantined(name_of(receiver), selector, tuple(strikes))
