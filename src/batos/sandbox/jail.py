"""The trial jail, from the owner's side: a method is tried on copies before it is kept.

What happens there is `zygote`'s business. This side sends inputs and never what is
expected of them, because a method that broke out of its child could otherwise answer
whatever pleases. It checks every byte that comes back, and replaces a jail that died.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from socket import socket
from typing import Any

from batos.errors import ChildDied, ClosureTooLarge, WallsUnavailable
from batos.kernel.uvm_object import UvmObject
from batos.sandbox.frames import receive_frame, send_frame
from batos.sandbox.launcher import Child, python_argv
from batos.sandbox.world import World, capture

ZYGOTE_ARGV: tuple[str, ...] = python_argv(
    "batos.sandbox.zygote", ("batos", "persistent", "RestrictedPython", "zope.interface")
)
"""The jail's process; the number of its socket comes after it."""

_WORLD_BYTES = 4 << 20
_PATIENCE_S = 5.0  # beyond a trial's own limit, before the jail counts as dead
_START_S = 30.0
_TEXT_CHARACTERS = 1_000  # the most of an error or a reason that is taken from a trial
_MOST_REASONS = 10
_MALFORMED = (ValueError, TypeError, LookupError, ArithmeticError, RecursionError)


class Removed(Enum):
    """The one value that says: the slot is gone."""

    REMOVED = "removed"


REMOVED = Removed.REMOVED


@dataclass(frozen=True)
class Case:
    """One way to send the message. What should come of it stays with the owner."""

    args: tuple[object, ...] = ()
    keywords: Mapping[str, object] = field(default_factory=dict)
    given: Mapping[str, object] = field(default_factory=dict)  # receiver's slots, before


@dataclass(frozen=True)
class Outcome:
    """What came of one case; the objects in it are `Ref`s."""

    result: object = None
    error: str | None = None
    changes: Mapping[tuple[str, str], object] = field(default_factory=dict)
    """(object's label, slot) -> new value or REMOVED, for data slots."""


@dataclass(frozen=True)
class Report:
    """What one trial found."""

    refused: tuple[str, ...] | None  # the language gate's reasons; then there are no outcomes
    killed: str | None  # "out of time", "out of memory", "signal 31"; later cases did not run
    outcomes: tuple[Outcome, ...]  # one for each case, in order
    ms: float


class Jail:
    """Tries methods on copies, in a process that `spawn` starts and that it keeps warm."""

    def __init__(
        self,
        spawn: Callable[[], Child],
        *,
        memory_bytes: int = 512 << 20,
        case_s: float = 2.0,
        unwalled: bool = False,
    ) -> None:
        """Start the jail's process; it gets ready while the owner does something else.

        Args:
            spawn: Starts a process of `ZYGOTE_ARGV`, with an empty environment.
            memory_bytes: The address space of a trial.
            case_s: A trial is killed after this many seconds for each of its cases.
            unwalled: Try methods also where this system has no walls: then the language
                gate and the limits alone hold them.
        """
        self._spawn = spawn
        self._memory_bytes = memory_bytes
        self._case_s = case_s
        self._unwalled = unwalled
        self._lock = threading.Lock()  # one question at a time on the socket
        self._child: Child | None = spawn()
        self._greeted = False

    def trial(
        self,
        source: str,
        selector: str,
        receiver: UvmObject,
        cases: Sequence[Case],
        *,
        seed: int = 0,
    ) -> Report:
        """Send a message to a fresh copy of the receiver for each case, and report.

        The same seed gives the method the same random numbers.

        Raises:
            ClosureTooLarge: The receiver or the arguments reach too much to be copied.
            ChildDied: The jail's process ended, and so did the one that replaced it.
            WallsUnavailable: This system cannot confine a trial.
        """
        started = time.perf_counter()
        world = capture(receiver, _values(cases))
        time_s = 1.0 + self._case_s * len(cases)
        request = json.dumps(
            {
                "source": source,
                "selector": selector,
                "world": world.to_json(),
                "cases": [_described(case, world) for case in cases],
                "seed": seed,
                "memory_bytes": self._memory_bytes,
                "time_s": time_s,
                "walled": not self._unwalled,
            }
        ).encode()
        if len(request) > _WORLD_BYTES:
            raise ClosureTooLarge(repr(receiver), f"the copy takes {len(request):,} bytes")
        answer = self._ask(request, time_s + _PATIENCE_S)
        return _report(answer, world, len(cases), started)

    def close(self) -> None:
        """End the jail's process. A later trial would start another."""
        with self._lock:
            self._bury()

    def _ask(self, request: bytes, timeout_s: float) -> dict[str, Any]:
        with self._lock:
            try:
                return self._exchange(request, timeout_s)
            except ChildDied as error:
                if isinstance(error.__cause__, TimeoutError):
                    raise
                return self._exchange(request, timeout_s)  # it died while nobody looked

    def _exchange(self, request: bytes, timeout_s: float) -> dict[str, Any]:
        child = self._child = self._child or self._spawn()
        try:
            if not self._greeted:
                self._greet(child)
            child.socket.settimeout(timeout_s)
            send_frame(child.socket, request)
            return _received(child.socket, timeout_s)
        except (OSError, EOFError, ValueError) as error:
            said = isinstance(error, (TimeoutError, ValueError))
            why = str(error) if said else child.why_it_died()
            self._bury()
            raise ChildDied("jail", why) from error
        except BaseException:
            self._bury()  # its answer would be taken for the next one's
            raise

    def _greet(self, child: Child) -> None:
        why = _received(child.socket, _START_S)["without_walls"]
        if why is not None and not self._unwalled:
            raise WallsUnavailable(why)
        self._greeted = True

    def _bury(self) -> None:
        child, self._child, self._greeted = self._child, None, False
        if child is not None:
            with contextlib.suppress(OSError):
                child.kill()
            child.socket.close()


def _values(cases: Iterable[Case]) -> list[object]:
    return [
        value
        for case in cases
        for value in (*case.args, *case.keywords.values(), *case.given.values())
    ]


def _described(case: Case, world: World) -> dict[str, Any]:
    return {
        "args": [world.encode(value) for value in case.args],
        "keywords": {name: world.encode(value) for name, value in case.keywords.items()},
        "given": {name: world.encode(value) for name, value in case.given.items()},
    }


def _received(channel: socket, timeout_s: float) -> dict[str, Any]:
    frame = receive_frame(channel, ends=time.monotonic() + timeout_s)
    if frame is None:
        raise EOFError
    message: dict[str, Any] = json.loads(frame)
    return message


def _report(answer: dict[str, Any], world: World, cases: int, started: float) -> Report:
    """Read what a child wrote, which may be anything."""
    refused, killed = None, answer["ended"]
    outcomes: list[Outcome] = []
    try:
        for line in answer["written"].split("\n")[:-1][:cases]:
            found = json.loads(line)
            if "refused" in found:
                refused = _refusal(found["refused"])
                break
            outcomes.append(_outcome(found, world))
    except _MALFORMED:
        killed = killed or "it answered what no trial answers"
    if refused is None and len(outcomes) < cases:
        killed = killed or "it ended before its last case"
        outcomes.append(Outcome(error=killed))
        outcomes += [Outcome(error="not tried: an earlier case ended the trial")] * (
            cases - len(outcomes)
        )
    if refused is not None:
        outcomes.clear()
    return Report(refused, killed, tuple(outcomes), (time.perf_counter() - started) * 1000)


def _refusal(reasons: list[str]) -> tuple[str, ...]:
    if type(reasons) is not list or not reasons:
        raise ValueError("a refusal has reasons")
    return tuple(map(_printable, reasons[:_MOST_REASONS]))


def _outcome(found: dict[str, Any], world: World) -> Outcome:
    if "error" in found:
        return Outcome(error=_printable(found["error"]))
    changes = {
        (world.ref(number).label, _printable(slot)): world.decode(value[0])
        if value
        else REMOVED
        for number, slot, value in found["changes"]
    }
    outcome = Outcome(world.decode(found["result"]), None, changes)
    repr(outcome)  # all who compare or show it do this: a number of too many digits cannot
    return outcome


def _printable(said: object) -> str:
    """Return a text that a terminal shows and does not obey."""
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1]
        for character in str(said)[:_TEXT_CHARACTERS]
    )
