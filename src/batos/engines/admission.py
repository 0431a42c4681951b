"""Who may compute now: requests wait here until there is room for them, first come first.

llama.cpp fails everybody who computes when its pool of tokens overflows. So nobody is let in
whose worst case does not fit beside the others' worst cases. And it computes one adapter at a
time, the one whose request lies first: those of others stand still meanwhile, for as long as
new ones of the first come in. So newcomers wait when somebody has stood still for too long.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

PATIENCE_S = 1.0  # of one who stands still because another adapter computes


@dataclass(eq=False)
class Guest:
    """A request that was let in."""

    samples: int
    tokens: int  # at most, of its prompt and all samples
    adapter: str | None
    began: float = math.inf  # when a server had it; until then nobody can starve it
    moved: bool = False  # something of its answer has come


class Admission:
    """Room for so many samples and tokens at once. Safe to use from threads."""

    def __init__(self, samples: int, tokens: int) -> None:
        self._samples = samples
        self._tokens = tokens
        self._changed = threading.Condition()
        self._waiting: list[Guest] = []  # in the order of their coming
        self._inside: list[Guest] = []
        self._closed_for: Guest | None = None  # one who wants to be alone is inside

    @contextmanager
    def admitted(self, guest: Guest, ends: float, *, alone: bool = False) -> Iterator[None]:
        """Wait for room, then be inside for as long as the block lasts.

        Args:
            guest: Who comes.
            ends: Until when it waits, by `time.monotonic()`.
            alone: Let nobody else be inside meanwhile.

        Raises:
            TimeoutError: There was no room in time.
        """
        with self._changed:
            self._waiting.append(guest)
            try:
                while not self._may_enter(guest, alone):
                    self._wait(ends)
                self._inside.append(guest)
                self._closed_for = guest if alone else None
            finally:
                self._waiting.remove(guest)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._inside.remove(guest)
                if self._closed_for is guest:
                    self._closed_for = None
                self._changed.notify_all()

    def begins(self, guest: Guest) -> None:
        """Note that a server has a guest now."""
        with self._changed:
            guest.began = time.monotonic()

    def moves(self, guest: Guest) -> None:
        """Note that an answer to a guest has begun."""
        if not guest.moved:
            with self._changed:
                guest.moved = True
                self._changed.notify_all()

    def _may_enter(self, guest: Guest, alone: bool) -> bool:
        if self._waiting[0] is not guest or self._closed_for is not None:
            return False
        if not self._inside:
            return True  # whatever it takes: nobody else can come to harm
        if alone or self._stands_still(guest.adapter):
            return False
        samples = sum(other.samples for other in self._inside) + guest.samples
        tokens = sum(other.tokens for other in self._inside) + guest.tokens
        return samples <= self._samples and tokens <= self._tokens

    def _stands_still(self, adapter: str | None) -> bool:
        """Tell whether one with another adapter has waited inside for too long."""
        latest = time.monotonic() - PATIENCE_S
        return any(
            not other.moved and other.began < latest and other.adapter != adapter
            for other in self._inside
        )

    def _wait(self, ends: float) -> None:
        left_s = ends - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        self._changed.wait(min(left_s, PATIENCE_S))  # also looks whether somebody stands still
