"""Slots from the command line: each call is a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from batos.universe.universe import open_universe

Batos = Callable[..., "subprocess.CompletedProcess[str]"]
DEPOSIT = "def deposit_(self, much):\n    self.balance += much\n    return self.balance\n"


@pytest.fixture
def batos(universe_path: Path, monkeypatch: pytest.MonkeyPatch) -> Batos:
    """A universe with an account, and Ann at the keyboard."""
    monkeypatch.setenv("LOGNAME", "Ann")

    def run(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-P", "-m", "batos", "-u", str(universe_path), *words]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)

    assert run("clone", "genesis_obj", "account", "balance=100").returncode == 0
    assert run("define", "account", stdin=DEPOSIT).returncode == 0
    return run


def test_a_slot_is_set_with_who_and_why_and_inspect_shows_it(batos: Batos) -> None:
    assert batos("slot", "set", "account", "limit", "-5", "--comment", "the least").stdout == (
        "account has limit.\n"
    )

    found = json.loads(batos("--json", "inspect", "account").stdout)
    lines = batos("inspect", "account").stdout.splitlines()
    assert found["slots"]["limit"] == "-5"
    assert (
        found["annotations"]["limit"].items() >= {"comment": "the least", "by": "Ann"}.items()
    )
    assert "balance" not in found["annotations"]
    assert lines[0].split() == ["slot", "holds", "created", "by", "comment"]
    assert lines[2] == "balance   100"


def test_a_comment_is_put_and_taken_away(batos: Batos) -> None:
    batos("slot", "comment", "account", "balance", "two\nlines \x1b[31m")
    assert r"two\nlines \x1b[31m" in batos("inspect", "account").stdout

    batos("slot", "comment", "account", "balance", "")

    assert (
        "balance" not in json.loads(batos("--json", "inspect", "account").stdout)["annotations"]
    )


def test_rename_remove_and_copy_are_one_transaction_each_and_can_be_undone(
    batos: Batos,
) -> None:
    batos("clone", "genesis_obj", "other", "friend=@account")
    batos("slot", "rename", "account", "balance", "money")
    batos("slot", "copy", "account", "deposit_", "other", "--as", "put_")
    batos("slot", "remove", "account", "deposit_")
    batos("slot", "set", "other", "parent*", "@account")

    slots = json.loads(batos("--json", "inspect", "account").stdout)["slots"]
    notes = [moment["note"] for moment in json.loads(batos("--json", "log", "-n4").stdout)]
    assert slots == {"parent*": "genesis_obj", "money": "100"}
    assert notes == [
        "slot set other parent*",
        "slot remove account deposit_",
        "slot copy account deposit_ other",
        "slot rename account balance money",
    ]
    assert "put_" in json.loads(batos("--json", "inspect", "other").stdout)["slots"]
    batos("undo")
    batos("undo")
    assert "deposit_" in json.loads(batos("--json", "inspect", "account").stdout)["slots"]


def test_inspect_tells_where_parents_disagree(batos: Batos) -> None:
    batos("clone", "genesis_obj", "left", "balance=1")
    batos("clone", "left", "both")
    assert batos("slot", "set", "both", "law*", "@account").returncode == 0

    found = json.loads(batos("--json", "inspect", "both").stdout)

    assert found["ambiguities"] == [
        {"selector": "balance", "holder": "left", "hidden": ["account"]}
    ]
    assert "ambiguous: balance of left hides account's" in batos("inspect", "both").stdout


def test_find_answers_in_names_also_while_another_process_owns_the_universe(
    batos: Batos, universe_path: Path
) -> None:
    owner = open_universe(universe_path)
    try:
        senders = batos("find", "senders", "balance").stdout
        owned = json.loads(batos("--json", "find", "understanding", "deposit_").stdout)
        referrers = batos("find", "referrers", "account").stdout
        nobody = batos("find", "implementors", "nothing").stdout
    finally:
        owner.close()

    assert senders == "account  deposit_  reads, writes\n"
    assert owned == [{"object": "account", "slot": "deposit_", "how": "own"}]
    assert referrers == "(the root)  account  name\n"
    assert nobody == "Nothing found.\n"


def test_find_can_be_asked_of_the_past(batos: Batos) -> None:
    [moment] = json.loads(batos("--json", "log", "-n", "1").stdout)
    batos("slot", "remove", "account", "deposit_")

    assert batos("find", "implementors", "deposit_").stdout == "Nothing found.\n"
    then = batos("find", "implementors", "deposit_", "--at", moment["tid"])
    assert then.stdout == "account  deposit_  method\n"
    assert batos("find", "senders", "x", "--at", "long ago").returncode == 6


def test_a_changed_comment_is_in_the_history(batos: Batos) -> None:
    batos("slot", "comment", "account", "balance", "in euros")

    lines = batos("history", "account", "-n", "1").stdout.splitlines()

    assert lines[1:] == ["    balance: comment changed: (none) -> in euros"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["slot", "set", "nobody", "a", "1"], "no object 'nobody'"),
        (["slot", "set", "account", "_a", "1"], "Python's own"),
        (["slot", "set", "account", "a*", "1"], "holds objects"),
        (["slot", "set", "account", "a", "@nobody"], "no object 'nobody'"),
        (["slot", "rename", "account", "balance", "deposit_"], "already"),
        (["slot", "rename", "account", "nothing", "a"], "no such slot"),
        (["slot", "remove", "account", "infer_"], "no such slot of its own"),
        (["slot", "copy", "account", "balance", "account"], "already"),
        (["slot", "comment", "account", "nothing", "x"], "no such slot"),
        (["find", "referrers", "nobody"], "no object 'nobody'"),
        (["find", "owners", "account"], "Invalid value"),
    ],
)
def test_bad_input_is_named_ends_with_2_and_changes_nothing(
    batos: Batos, words: list[str], says: str
) -> None:
    before = batos("inspect", "account").stdout

    found = batos(*words)

    assert found.returncode == 2
    assert says in found.stderr
    assert found.stdout == ""
    assert batos("inspect", "account").stdout == before
