"""Who may compute: nobody whose worst case does not fit, and nobody who would starve others."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

import pytest

from batos.engines import admission
from batos.engines.admission import Admission, Guest


class Visit:
    """A guest in a thread, who stays until told to go."""

    def __init__(self, room: Admission, guest: Guest, *, alone: bool = False) -> None:
        self.guest = guest
        self.inside = threading.Event()
        self._go = threading.Event()

        def stay() -> None:
            with room.admitted(guest, math.inf, alone=alone):
                self.inside.set()
                self._go.wait(60)

        self._thread = threading.Thread(target=stay)
        self._thread.start()

    def leave(self) -> None:
        self._go.set()
        self._thread.join()


def until(holds: Callable[[], bool]) -> bool:
    ends = time.monotonic() + 30
    while not holds() and time.monotonic() < ends:
        time.sleep(0.001)
    return holds()


def test_who_does_not_fit_waits_until_another_leaves() -> None:
    room = Admission(samples=4, tokens=100)
    first = Visit(room, Guest(1, 60, None))
    assert first.inside.wait(30)

    second = Visit(room, Guest(1, 60, None))
    assert not second.inside.wait(0.05)
    first.leave()

    assert second.inside.wait(30)
    second.leave()


def test_nobody_overtakes() -> None:
    room = Admission(samples=4, tokens=100)
    first = Visit(room, Guest(1, 60, None))
    assert first.inside.wait(30)
    large = Visit(room, Guest(1, 90, None))
    assert until(lambda: len(room._waiting) == 1)
    small = Visit(room, Guest(1, 1, None))

    assert not small.inside.wait(0.05)
    first.leave()
    assert large.inside.wait(30)
    large.leave()
    assert small.inside.wait(30)
    small.leave()


def test_one_who_is_larger_than_the_room_gets_it_alone() -> None:
    room = Admission(samples=1, tokens=10)
    large = Visit(room, Guest(1, 1000, None))

    assert large.inside.wait(30)
    large.leave()


def test_who_wants_to_be_alone_is() -> None:
    room = Admission(samples=9, tokens=100)
    first = Visit(room, Guest(1, 1, None))
    assert first.inside.wait(30)
    alone = Visit(room, Guest(1, 1, None), alone=True)
    assert not alone.inside.wait(0.05)
    first.leave()
    assert alone.inside.wait(30)
    third = Visit(room, Guest(1, 1, None))

    assert not third.inside.wait(0.05)
    alone.leave()
    assert third.inside.wait(30)
    third.leave()


def test_who_waits_too_long_goes_and_others_come_in() -> None:
    room = Admission(samples=1, tokens=100)
    first = Visit(room, Guest(1, 1, None))
    assert first.inside.wait(30)

    with (
        pytest.raises(TimeoutError),
        room.admitted(Guest(1, 1, None), time.monotonic() + 0.01),
    ):
        pass

    first.leave()
    with room.admitted(Guest(1, 1, None), time.monotonic() + 30):
        pass


def test_nobody_waits_for_one_whose_adapter_is_still_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(admission, "PATIENCE_S", 0.01)
    room = Admission(samples=9, tokens=100)
    loads = Visit(room, Guest(1, 1, "b"))
    assert loads.inside.wait(30)
    time.sleep(0.02)

    another = Visit(room, Guest(1, 1, "a"))

    assert another.inside.wait(30)
    for visit in (loads, another):
        visit.leave()


def test_newcomers_wait_for_one_who_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """llama.cpp computes one adapter until none of its requests is left."""
    monkeypatch.setattr(admission, "PATIENCE_S", 0.01)
    room = Admission(samples=9, tokens=100)
    runs = Visit(room, Guest(1, 1, "a"))
    still = Visit(room, Guest(1, 1, "b"))
    assert runs.inside.wait(30)
    assert still.inside.wait(30)
    room.begins(runs.guest)
    room.moves(runs.guest)
    room.begins(still.guest)
    time.sleep(0.02)

    another = Visit(room, Guest(1, 1, "a"))
    assert not another.inside.wait(0.05)
    room.moves(still.guest)

    assert another.inside.wait(30)
    for visit in (runs, still, another):
        visit.leave()
