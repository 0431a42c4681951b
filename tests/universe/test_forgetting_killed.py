"""A forgetting that is killed on its way: everybody is told, and it can be finished."""

from __future__ import annotations

import datetime as dt
import logging
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from batos.errors import NoSuchObject, UniverseReadOnly
from batos.opening import open_uvm
from batos.universe.forgetting import finish, forget
from batos.universe.packing import pack
from batos.universe.unfinished import unfinished
from batos.universe.universe import Universe, open_universe
from batos.universe.verifying import verify

Write = Callable[..., str]
MARK = "a-unique-marker-0815"
FORGET = """
import os, signal, sys
from pathlib import Path
from batos.universe import forgetting, packing
from batos.universe.universe import open_universe
setattr(eval(sys.argv[2]), sys.argv[3], lambda *_: os.kill(os.getpid(), signal.SIGKILL))
forgetting.forget(open_universe(Path(sys.argv[1])), "confidant")
"""
KILLED_BEFORE = [("forgetting", "pack"), ("packing", "_pack_to"), ("packing", "_note")]


def forget_until_killed(path: Path, module: str, step: str) -> None:
    """Let a process forget the confidant, and kill it when it comes to a step."""
    words = [sys.executable, "-c", FORGET, str(path), module, step]
    ended = subprocess.run(words, check=False, capture_output=True, timeout=120)
    assert ended.returncode == -signal.SIGKILL, ended.stderr


def holds(path: Path, text: str) -> bool:
    return any(text.encode() in file.read_bytes() for file in path.rglob("*") if file.is_file())


@pytest.fixture
def killed(universe: Universe, universe_path: Path, write: Write) -> Path:
    """A universe in which the forgetting ended between its two steps."""
    write("confidant", note=f"confide {MARK}", secret=MARK)
    write("bystander", count=1)
    universe.close()
    forget_until_killed(universe_path, *KILLED_BEFORE[0])
    return universe_path


@pytest.mark.parametrize(("module", "step"), KILLED_BEFORE)
def test_wherever_it_is_killed_it_can_be_finished(
    universe: Universe, universe_path: Path, write: Write, module: str, step: str
) -> None:
    write("confidant", note=f"confide {MARK}", secret=MARK)
    write("bystander", count=1)
    universe.close()
    forget_until_killed(universe_path, module, step)
    again = open_universe(universe_path)
    assert len(unfinished(again)) == 1

    done = finish(again, "ann")

    assert done is not None
    assert (done.objects, done.still_there) == (1, ())
    assert unfinished(again) == ()
    assert finish(again) is None
    with again.transaction() as root:
        assert "confidant" not in root
        assert root["bystander"].count == 1
    again.close()
    assert not holds(universe_path, MARK)
    assert not holds(universe_path, "confidant")


def test_to_forget_the_same_name_again_finishes_it(killed: Path) -> None:
    again = open_universe(killed)

    done = forget(again, "confidant")

    assert (done.still_there, unfinished(again)) == ((), ())
    with pytest.raises(NoSuchObject):
        forget(again, "confidant")
    again.close()
    assert not holds(killed, MARK)


def test_a_new_object_of_that_name_is_not_taken_for_the_old_one(killed: Path) -> None:
    again = open_universe(killed)
    with again.transaction() as root:
        root["confidant"] = root["genesis_obj"].clone(n=1)
    finish(again)

    with again.transaction() as root:
        assert root["confidant"].n == 1
    again.close()
    assert not holds(killed, MARK)


def test_forgetting_another_one_finishes_it_too(killed: Path) -> None:
    again = open_universe(killed)

    forget(again, "bystander")

    assert unfinished(again) == ()
    again.close()
    assert not holds(killed, MARK)


def test_a_pack_that_ends_its_past_strikes_it_off(killed: Path) -> None:
    again = open_universe(killed)

    pack(again, dt.timedelta(days=1))
    assert len(unfinished(again)) == 1
    pack(again, dt.timedelta())

    assert unfinished(again) == ()
    again.close()
    assert not holds(killed, MARK)


def test_opening_says_so_and_ends_nothing(
    killed: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = (killed / "Data.fs").read_bytes()

    with caplog.at_level(logging.WARNING), open_uvm(killed) as uvm:
        assert uvm.unfinished_forgettings() == 1

    assert "`batos forget --finish`" in caplog.text
    assert (killed / "Data.fs").read_bytes() == before


def test_verify_and_safe_mode_tell_it(killed: Path) -> None:
    assert verify(killed).unfinished == 1

    with open_uvm(killed, safe=True) as safe:
        assert safe.unfinished_forgettings() == 1
        with safe.transaction() as root:
            assert root["bystander"].count == 1
        with pytest.raises(UniverseReadOnly):
            safe.finish_forgetting()


def test_one_that_was_brought_back_meanwhile_is_told_and_no_longer_waits(killed: Path) -> None:
    with open_uvm(killed, "unwalled") as uvm:
        uvm.restore("confidant", uvm.log(5, everything=True)[1].tid)

        done = uvm.finish_forgetting()

        assert done is not None
        assert done.still_there[0].startswith("the object: something has come to refer to it")
        assert uvm.unfinished_forgettings() == 0


@pytest.mark.parametrize("said", [5, "x", ("zz",), (b"",), None, ("00" * 9,)])
def test_whatever_the_journal_says_of_it_is_read(universe: Universe, said: object) -> None:
    with universe.transaction() as root:
        root["journal"]["forgetting"] = said

    assert unfinished(universe) == ()
