"""Try again what met a conflict: another transaction changed the same object first."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from ZODB.POSException import ConflictError

Answer = TypeVar("Answer")

_TRIES = 50
_PAUSE_S = 0.002  # the first pause after a conflict; it doubles, with jitter, up to the next
_LONGEST_PAUSE_S = 0.2


def retried(attempt: Callable[[], Answer]) -> Answer:
    """Run an attempt again while it meets conflicts, with growing pauses.

    Raises:
        ConflictError: The last of many tries met one, too.
    """
    pause_s = _PAUSE_S
    for _ in range(_TRIES - 1):
        try:
            return attempt()
        except ConflictError:
            time.sleep(random.uniform(0, pause_s))  # noqa: S311  jitter, not a secret
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
    return attempt()
