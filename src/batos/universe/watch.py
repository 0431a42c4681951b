"""Watches methods run: who is to blame if it ends badly, and who may not run at all.

A method is wrapped when it is compiled. Blamed is the outermost method of the mind's on the
way to the failure: what it calls may be innocent, and is blamed when it is sent by itself. A
person's method is named where no other runs, and is never kept from running.
"""

from __future__ import annotations

import functools
import threading
from _thread import get_ident
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol, cast, runtime_checkable

from batos.errors import MethodQuarantined
from batos.kernel.message import Message, miss
from batos.kernel.method import Method
from batos.kernel.runtime import context_of
from batos.kernel.uvm_object import UvmObject
from batos.sandbox.meter import METER
from batos.universe.running import NOBODY, NOTE_BYTES, RunningNote, note_of

THE_MIND = "the mind"  # in a provenance's `by`
_NEW = bytes(8)


@runtime_checkable
class Regrows(Protocol):
    """A context that may want a method in quarantine to be written anew."""

    def wants_regrown(self, receiver: UvmObject, selector: str) -> bool:
        """Tell whether a message to a method in quarantine counts as not understood."""


class Ran(NamedTuple):
    """A method that ran, and for whom."""

    method: Method
    receiver: UvmObject
    selector: str
    is_the_minds: bool


class _Here(threading.local):
    last: tuple[Method, UvmObject, str, bool] | None = None  # the parts of a `Ran`


class Watch:
    """The watch over one universe's methods. Safe to use from several threads."""

    def __init__(self, note: RunningNote) -> None:
        self.quarantined: Mapping[bytes, tuple[str, ...]] = {}
        self._note = note
        self._here = _Here()
        self._minds_runs = False  # whether somebody is to blame already

    def begin(self) -> None:
        """Forget what ran in this thread: a message begins."""
        self._here.last = None

    @property
    def last(self) -> Ran | None:
        """What ran last in this thread's message, and is to blame if it failed."""
        return None if self._here.last is None else Ran(*self._here.last)

    def watched(self, method: Method, function: Callable[..., object]) -> Callable[..., object]:
        """Return a method's function under this watch."""
        selector, is_the_minds = function.__name__, method.provenance.get("by") == THE_MIND
        here, lock, note = self._here, METER.lock, self._note
        said: bytes | None = None

        @functools.wraps(function)
        def call(*args: Any, **keywords: Any) -> object:
            nonlocal said
            if self.quarantined and method._p_oid in self.quarantined:
                return self._refused(method, selector, args, keywords)
            around = NOBODY
            if METER.runner == get_ident():
                if self._minds_runs or not is_the_minds:
                    return function(*args, **keywords)
                around = note.read()
            if said is None or method._p_oid is None:  # it may be stored by now
                said = _said_of(method, is_the_minds, selector)
            with lock:  # what waits for its turn does not run
                memory = note.memory or note.made()  # one thread makes it
                here.last = (method, args[0], selector, is_the_minds)
                self._minds_runs = is_the_minds
                memory[:NOTE_BYTES] = b"\1" + (args[0]._p_oid or _NEW) + said
                try:
                    return function(*args, **keywords)
                finally:
                    memory[: len(around)] = around
                    self._minds_runs = False

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


def _said_of(method: Method, is_the_minds: bool, selector: str) -> bytes:
    number = method.provenance.get("proposal")
    proposal = number if isinstance(number, int) else 0
    return note_of(method._p_oid or _NEW, proposal, is_the_minds, selector)
