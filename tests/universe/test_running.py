"""The note of which method runs: read by the next owner, whatever is in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from batos.universe.running import RunningNote, left_behind, note_of

NOTE = b"\1receiver" + note_of(b"a method", 7, True, "spin")


def write(note: RunningNote, said: bytes) -> None:
    memory = note.memory or note.made()
    memory[: len(said)] = said


def left_by_a_dead_process(folder: Path, note: bytes, trace: bytes = b"") -> None:
    (folder / "running-dead").write_bytes(note.ljust(4096, b"\0") + trace.ljust(4096, b"\0"))


def test_what_a_dead_process_ran_is_told_once(tmp_path: Path) -> None:
    left_by_a_dead_process(tmp_path, NOTE)

    (ended,) = left_behind(tmp_path)

    told = (ended.receiver, ended.method, ended.proposal, ended.is_the_minds, ended.selector)
    assert told == (b"receiver", b"a method", 7, True, "spin")
    assert not ended.by_watchdog
    assert list(left_behind(tmp_path)) == []
    assert list(tmp_path.iterdir()) == []


def test_a_watchdog_and_the_line_that_ran_are_told(tmp_path: Path) -> None:
    trace = (
        b'Current thread 0x1:\n  File "<method spin>", line 4 in spin\n  File "x.py", line 1\n'
    )
    left_by_a_dead_process(tmp_path, NOTE, trace)

    (ended,) = left_behind(tmp_path)

    assert ended.by_watchdog
    assert ended.where == "line 4 of spin"


def test_a_process_that_ran_nothing_is_not_told_of(tmp_path: Path) -> None:
    left_by_a_dead_process(tmp_path, b"")

    assert list(left_behind(tmp_path)) == []


def test_a_process_that_lives_keeps_its_note(tmp_path: Path) -> None:
    note = RunningNote(tmp_path)
    write(note, NOTE)

    assert list(left_behind(tmp_path)) == []
    assert len(list(tmp_path.iterdir())) == 1
    note.close()
    assert list(tmp_path.iterdir()) == []


def test_a_nested_method_gives_the_note_back(tmp_path: Path) -> None:
    note = RunningNote(tmp_path)

    write(note, NOTE)
    around = note.read()
    write(note, b"\1receiver" + note_of(b"another.", 0, True, "inner"))
    write(note, around)

    (file,) = tmp_path.iterdir()
    assert file.read_bytes()[: len(NOTE)] == NOTE
    note.close()


@pytest.mark.parametrize(
    "content", [b"", b"\1", b"\1" * 5000, os.urandom(8192), b"\1" + b"\xff" * 9000]
)
def test_a_note_of_anything_harms_nobody(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "running-x").write_bytes(content)

    for ended in left_behind(tmp_path):
        assert isinstance(ended.selector, str)

    assert list(tmp_path.iterdir()) == []


def test_where_no_note_can_be_written_methods_run_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    note = RunningNote(tmp_path / "file" / "tmp")

    write(note, NOTE)
    write(note, b"\0")

    note.close()
