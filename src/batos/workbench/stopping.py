"""How a long command is stopped: by Ctrl-C, or by a polite `kill`, which then does the same."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


@contextmanager
def stopped_by_sigterm() -> Iterator[None]:
    """Let a polite `kill` end like Ctrl-C: in one line, and ready to be resumed."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before: Any = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
