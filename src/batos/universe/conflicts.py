"""Try again what met a conflict: another transaction changed the same object first.

The first tries are free for all: they often succeed, and cost nothing. What lost them takes
a *turn*: one waits for the other in order, and nobody begins a try meanwhile. Then at most
those can win against it that had begun before, each once, so that it comes through. Nobody
waits for a try that is under way: it may be thinking.
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import get_ident
from typing import TypeVar

from ZODB.POSException import ConflictError

Answer = TypeVar("Answer")

FREE_TRIES = 1
TRIES_IN_TURN = 50  # other processes take no turns: these can lose, too
_PAUSE_S = 0.002  # the first pause after a conflict; it doubles, with jitter, up to the next
_LONGEST_PAUSE_S = 0.2
_LONGEST_WAIT_S = 2.0  # for somebody's turn: a turn may think, and call for others


class Turns:
    """Who may try now, among the threads of one process."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[int] = deque()  # threads in order; the first has its turn

    def wait(self) -> None:
        """Wait while another thread has its turn, but not for ever."""
        if not self._waiting:  # the common case takes no lock
            return
        with self._changed:
            self._changed.wait_for(self._is_free, _LONGEST_WAIT_S)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn, but not for ever, and have it for a while."""
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

    def _is_free(self) -> bool:
        return not self._waiting or self._waiting[0] == get_ident()


def retried(attempt: Callable[[], Answer], turns: Turns) -> Answer:
    """Run an attempt again while it meets conflicts; see above.

    Raises:
        ConflictError: The last of many tries met one, too.
    """
    for _ in range(FREE_TRIES):
        turns.wait()
        try:
            return attempt()
        except ConflictError:
            pass
    pause_s = _PAUSE_S
    with turns.turn():
        for _ in range(TRIES_IN_TURN - 1):
            try:
                return attempt()
            except ConflictError:
                time.sleep(random.uniform(0, pause_s))  # noqa: S311  jitter, not a secret
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        return attempt()
