"""Which slot of a llama.cpp server a request goes to: the one that knows most of its prompt.

A slot keeps what it computed last, and goes on from there if the next prompt begins alike; with
another adapter it begins anew. The library chooses by time alone, so eight requests over four
adapters would read all of their prompts again. Here each adapter comes back to its own slots.
"""

from __future__ import annotations

import bisect
import threading
from dataclasses import dataclass

_WORTH_KEEPING = 64  # characters; less is read again sooner than another's text is lost


@dataclass
class _Slot:
    number: int
    adapter: str | None = None
    text: str | None = None  # that was read here last; None: nothing that is known
    busy: bool = False
    used: int = 0  # when, in requests


class Slots:
    """The slots of one server, and what each of them knows. Safe to use from threads."""

    def __init__(self, count: int) -> None:
        self._slots = [_Slot(number) for number in range(count)]
        self._requests = 0
        self._lock = threading.Lock()

    def take(self, adapter: str | None, prompt: str) -> int:
        """Return the best free slot for a request, which has it until it gives it back.

        Raises:
            LookupError: All are taken: more were let in than there are.
        """
        with self._lock:
            free = [slot for slot in self._slots if not slot.busy]
            if not free:
                raise LookupError("no slot is free")
            self._requests += 1
            best = max(free, key=lambda slot: _worth(slot, adapter, prompt))
            best.adapter, best.text, best.busy = adapter, prompt, True
            best.used = self._requests
            return best.number

    def give(self, number: int) -> None:
        """Take a slot back."""
        with self._lock:
            self._slots[number].busy = False

    def forget(self) -> None:
        """Forget what idle slots know: the library has used some of them as it liked."""
        with self._lock:
            for slot in self._slots:
                if not slot.busy:
                    slot.text = None


def _worth(slot: _Slot, adapter: str | None, prompt: str) -> tuple[bool, int, bool, int]:
    """Return how good a slot is: it knows the beginning, or nothing; else the longest idle."""
    knows = slot.text is not None and slot.adapter == adapter
    shared = _shared(slot.text or "", prompt) if knows else 0
    helps = shared >= min(_WORTH_KEEPING, len(prompt) // 2)
    return knows and helps, shared if helps else 0, slot.text is None, -slot.used


def _shared(one: str, other: str) -> int:
    """Return how many characters two texts have in common at their beginning.

    >>> _shared("abcd", "abxd"), _shared("", "a"), _shared("ab", "abc")
    (2, 0, 2)
    """
    return bisect.bisect_left(
        range(1, min(len(one), len(other)) + 1), True, key=lambda end: one[:end] != other[:end]
    )
