"""A forgetting that was broken off, at the command line."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.universe.test_forgetting_killed import forget_until_killed

Batos = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def killed(universe_path: Path, batos: Batos) -> Batos:
    assert batos("clone", "genesis_obj", "confidant", "secret=abcdefghijkl").returncode == 0
    forget_until_killed(universe_path, "forgetting", "pack")
    return batos


@pytest.mark.parametrize("words", [["log"], ["doctor"], ["verify"], ["--safe", "inspect"]])
def test_every_look_says_that_it_is_unfinished(killed: Batos, words: list[str]) -> None:
    seen = killed(*words)

    assert "`batos forget --finish`" in seen.stdout + seen.stderr


def test_it_asks_then_finishes_and_says_what_it_did(killed: Batos, universe_path: Path) -> None:
    refused = killed("forget", "--finish")
    assert refused.returncode == 2
    assert "--yes" in refused.stderr

    done = killed("forget", "--finish", "--yes", "--json")

    assert json.loads(done.stdout)["finished"] == 1
    assert b"abcdefghijkl" not in (universe_path / "Data.fs").read_bytes()
    again = killed("forget", "--finish")
    assert (again.returncode, again.stdout) == (0, "No forgetting is unfinished.\n")
    assert again.stderr == ""


@pytest.mark.parametrize("words", [["forget"], ["forget", "confidant", "--finish"]])
def test_a_name_and_finish_exclude_each_other(killed: Batos, words: list[str]) -> None:
    wrong = killed(*words)

    assert wrong.returncode == 2
    assert "either NAME or --finish" in wrong.stderr
