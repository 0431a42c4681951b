"""The log, and taking things back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from batos.errors import UndoConflict
from batos.universe.universe import Universe, open_universe

Write = Callable[..., str]
Read = Callable[[str, str], object]


def test_the_log_tells_who_did_what_newest_first(universe: Universe, write: Write) -> None:
    write("account", note="open an account", user="ann", balance=100)
    tid = write("account", note="größere Summe", user="Bjørn B", balance=200)

    second, first, birth, start = universe.log(everything=True)

    assert (second.tid, second.note, second.user) == (tid, "größere Summe", "Bjørn B")
    assert (first.note, first.user) == ("open an account", "ann")
    assert (birth.note, birth.user) == ("awakening", "tester")
    assert second.time >= first.time >= birth.time >= start.time
    assert universe.log() == [second, first]
    assert [len(universe.log(n)) for n in range(4)] == [0, 1, 2, 2]


def test_the_log_keeps_details_that_are_not_empty(universe: Universe) -> None:
    grew: list[str] = []
    with universe.transaction(details={"grew": grew, "nothing": ""}) as root:
        root["account"] = root["genesis_obj"].clone()
        grew.append("deposit_")

    assert dict(universe.log(1)[0].details) == {"grew": ["deposit_"]}
    assert universe.log(1)[0].grew == ["deposit_"]


@pytest.mark.parametrize("note", ["x" * 100_000, "ß" * 100_000, "\ud800 alone", "a\nb"])
def test_any_note_can_be_committed(universe: Universe, write: Write, note: str) -> None:
    write("account", note=note, user=note)

    kept = universe.log(1)[0]
    assert kept.note[:1] == kept.user[:1] == (note[:1] if note[:1] != "\ud800" else "\\")
    assert len(kept.note) <= 1000
    universe.undo(None)


def test_reading_leaves_no_trace(universe: Universe, read: Read) -> None:
    before = universe.log(everything=True)

    read("genesis_obj", "card")

    assert universe.log(everything=True) == before


def test_undo_takes_the_last_change_back(universe: Universe, write: Write, read: Read) -> None:
    write("account", balance=100)
    tid = write("account", note="spend", balance=1)

    undone = universe.undo(None, "ann")

    assert (undone.tid, undone.note) == (tid, "spend")
    assert read("account", "balance") == 100
    trace = universe.log(1)[0]
    assert (trace.note, trace.user, trace.undoes) == ("undo: spend", "ann", tid)


def test_undo_again_goes_further_back_until_the_birth(
    universe: Universe, write: Write, read: Read
) -> None:
    write("account", note="1", balance=1)
    write("account", note="2", balance=2)
    write("account", note="3", balance=3)

    assert universe.undo(None).note == "3"
    assert universe.undo(None).note == "2"
    assert read("account", "balance") == 1
    assert universe.undo(None).note == "1"
    with universe.transaction() as root:
        assert "account" not in root
    with pytest.raises(UndoConflict, match="nothing that was done since the awakening"):
        universe.undo(None)


def test_after_an_undo_new_changes_are_undone_first(
    universe: Universe, write: Write, read: Read
) -> None:
    write("account", note="1", balance=1)
    write("account", note="2", balance=2)
    universe.undo(None)
    write("account", note="3", balance=3)

    assert [universe.undo(None).note for _ in range(2)] == ["3", "1"]


def test_an_undo_can_be_undone_by_its_number(
    universe: Universe, write: Write, read: Read
) -> None:
    write("account", note="1", balance=1)
    write("account", note="2", balance=2)
    universe.undo(None)

    universe.undo(universe.log(1)[0].tid)

    assert read("account", "balance") == 2
    assert universe.undo(None).note == "2"  # it stands again, so it is the last
    assert read("account", "balance") == 1


def test_an_undone_creation_can_be_brought_back(
    universe: Universe, write: Write, read: Read
) -> None:
    write("account", balance=1)
    universe.undo(None)

    universe.undo(universe.log(1)[0].tid)

    assert read("account", "balance") == 1


def test_an_earlier_change_of_another_object_can_be_undone(
    universe: Universe, write: Write, read: Read
) -> None:
    write("ann", balance=1)
    write("bob", balance=1)
    earlier = write("ann", balance=2)
    write("bob", balance=2)

    universe.undo(earlier)

    assert (read("ann", "balance"), read("bob", "balance")) == (1, 2)


def test_a_change_that_was_overwritten_cannot_be_undone(
    universe: Universe, write: Write, read: Read
) -> None:
    earlier = write("account", balance=1)
    write("account", balance=2)

    with pytest.raises(UndoConflict, match="undo that one first") as conflict:
        universe.undo(earlier)

    assert conflict.value.tid == earlier
    assert read("account", "balance") == 2


def test_an_object_that_is_referred_to_since_cannot_be_undone_away(
    universe: Universe, write: Write, read: Read
) -> None:
    write("bob")
    created = write("ann", balance=1)
    with universe.transaction("befriend") as root:
        root["bob"].friend = root["ann"]

    with pytest.raises(UndoConflict, match="refers to what it created"):
        universe.undo(created)

    assert [universe.undo(None).note for _ in range(2)] == ["befriend", ""]
    with universe.transaction() as root:
        assert "ann" not in root


def test_a_reference_to_what_was_undone_away_is_not_brought_back(
    universe: Universe, write: Write
) -> None:
    write("bob")
    created = write("ann")
    with universe.transaction("befriend") as root:
        root["bob"].friend = root["ann"]
    parted = write("bob", friend=None)
    universe.undo(created)

    with pytest.raises(UndoConflict, match="refers to an object that is gone"):
        universe.undo(parted)

    universe.undo(universe.log(1)[0].tid)  # the creation stands again
    universe.undo(parted)
    with universe.transaction() as root:
        assert root["bob"].friend is root["ann"]


@pytest.mark.parametrize("tid", ["0" * 16, "", "no tid", "04"])
def test_a_transaction_that_is_not_there_cannot_be_undone(universe: Universe, tid: str) -> None:
    with pytest.raises(UndoConflict, match="no such transaction"):
        universe.undo(tid)


def test_a_birth_lasts(universe: Universe, read: Read) -> None:
    for moment in universe.log(everything=True):
        with pytest.raises(UndoConflict, match="that lasts"):
            universe.undo(moment.tid)

    assert read("pLLM_obj", "quantization") == "none"


def test_what_was_undone_stays_undone_after_a_restart(universe_path: Path) -> None:
    universe = open_universe(universe_path)
    with universe.transaction() as root:
        root["account"] = root["genesis_obj"].clone()
    universe.undo(None)
    universe.close()

    universe = open_universe(universe_path)

    with universe.transaction() as root:
        assert "account" not in root
    with pytest.raises(UndoConflict):
        universe.undo(None)
    universe.close()
