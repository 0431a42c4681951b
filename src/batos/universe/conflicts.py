"""Try again what met a conflict: another transaction changed the same object first.

The first try is free. What loses it takes a *turn*: turns come one after the other, in the
order in which they were asked for. While somebody waits for one, whoever comes asks for a
turn as well. So among the threads of one process a turn can lose only against what had
begun before it, once each, and comes through. Nobody waits for a turn for long: whoever has
it may be thinking.
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import get_ident
from typing import TypeVar

from ZODB.POSException import ConflictError

Answer = TypeVar("Answer")

TRIES_IN_TURN = 50  # other processes take no turns, so a turn may lose, too
_PAUSE_S = 0.002  # the first pause after a conflict; it doubles, with jitter, up to the next
_LONGEST_PAUSE_S = 0.2
_LONGEST_WAIT_S = 0.5  # then one goes on without a turn


class Turns:
    """Who may try now, among the threads of one process."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[int] = deque()  # threads in order; the first has its turn

    def are_taken(self) -> bool:
        """Tell whether another thread has its turn, or waits for it."""
        with self._changed:
            return any(thread != get_ident() for thread in self._waiting)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn, but not for long, and have it for a while."""
        me = get_ident()
        with self._changed:
            self._waiting.append(me)
            self._changed.wait_for(lambda: self._waiting[0] == me, _LONGEST_WAIT_S)
        try:
            yield
        finally:
            with self._changed:
                self._waiting.remove(me)
                self._changed.notify_all()


def retried(attempt: Callable[[], Answer], turns: Turns) -> Answer:
    """Run an attempt again while it meets conflicts; see above.

    Raises:
        ConflictError: The last of many tries met one, too.
    """
    if not turns.are_taken():
        with suppress(ConflictError):
            return attempt()
    pause_s = _PAUSE_S
    with turns.turn():
        for _ in range(TRIES_IN_TURN - 1):
            try:
                return attempt()
            except ConflictError:
                time.sleep(random.uniform(0, pause_s))  # noqa: S311  jitter, not a secret
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        return attempt()
