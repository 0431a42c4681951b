"""Looking back, and ending history, on the command line."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.universe.test_records import UVM_OBJECT, oid_of, store

Batos = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def tids(account: Batos) -> list[str]:
    """The account's transactions, oldest first, after its balance was doubled once."""
    assert account("send", "account", "double").returncode == 0
    return [one["tid"] for one in json.loads(account("log", "--json").stdout)][::-1]


def test_history_shows_values_and_sources(account: Batos, tids: list[str]) -> None:
    lines = account("history", "account").stdout.splitlines()

    assert lines[0].startswith(tids[2])
    assert "changed: account double()" in lines[0]
    assert lines[1] == "    balance: 100 -> 200"
    assert "      + def double(self):" in lines
    assert "    balance: (none) -> 100" in lines


def test_history_is_json_with_the_full_values(account: Batos, tids: list[str]) -> None:
    events = json.loads(account("history", "account", "-n", "1", "--json").stdout)

    assert [(event["tid"], event["became"]) for event in events] == [(tids[2], "changed")]
    [change] = events[0]["changes"]
    assert change.pop("comment") is None
    assert change == {"slot": "balance", "before": "100", "after": "200", "is_method": False}


def test_inspect_and_source_go_back(account: Batos, tids: list[str]) -> None:
    then = json.loads(account("inspect", "account", "--at", tids[0], "--json").stdout)

    assert then["slots"] == {"parent*": "genesis_obj", "balance": "100"}
    assert account("source", "account", "double", "--at", tids[0]).returncode == 2
    assert "def double" in account("source", "account", "double", "--at", tids[1]).stdout
    assert "account" not in account("inspect", "--at", before(account, tids[0])).stdout


def before(batos: Batos, tid: str) -> str:
    """The transaction before one, which is no entry of the log: the birth."""
    moments = json.loads(batos("log", "--all", "--json").stdout)
    found = [one["tid"] for one in moments]
    return str(found[found.index(tid) + 1])


def test_diff_and_restore(account: Batos, tids: list[str]) -> None:
    assert account("diff", tids[1]).stdout == "account: changed\n    balance: 100 -> 200\n"
    assert account("diff", tids[2]).stdout == "Nothing differs.\n"

    restored = account("restore", "account", tids[1], "--slot", "balance")

    assert restored.stdout.splitlines()[1] == "    balance: 200 -> 100"
    assert account("send", "account", "balance").stdout == "100\n"
    assert account("undo").returncode == 0
    assert account("send", "account", "balance").stdout == "200\n"


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["history", "nobody"], 2, "no object 'nobody'"),
        (["inspect", "--at", "1999-01-01"], 6, "the history begins at"),
        (["inspect", "--at", "yesterday"], 6, "neither a transaction"),
        (["diff", "yesterday"], 6, "neither a transaction"),
        (["restore", "nobody", "f" * 16], 6, "no object of this name"),
        (["restore", "account", "f" * 16, "--slot", "nothing"], 6, "no slot 'nothing'"),
        (["pack"], 2, "Missing option"),
        (["pack", "--keep", "soon"], 2, "no span of time"),
        (["pack", "--keep", "0"], 2, "say so with `--yes`"),
        (["forget", "account"], 2, "say so with `--yes`"),
        (["forget", "nobody", "--yes"], 2, "no object 'nobody'"),
        (["forget", "traits_obj", "--yes"], 6, "primordial"),
    ],
)
def test_bad_input_ends_in_one_line_and_its_exit_code(
    account: Batos, words: list[str], code: int, says: str
) -> None:
    found = account(*words)

    assert found.returncode == code
    assert says in found.stderr
    assert found.stderr.startswith("Usage: ") or len(found.stderr.splitlines()) == 1
    assert found.stdout == ""


def test_pack_says_what_it_ends(account: Batos, tids: list[str]) -> None:
    packed = json.loads(account("pack", "--keep", "0", "--yes", "--json").stdout)

    assert (packed["begins"], packed["ended"]) == (tids[2], 4)
    assert account("inspect", "--at", tids[1]).returncode == 6
    assert "Nothing is that old" in account("pack", "--keep", "1d", "--yes").stdout
    assert account("send", "account", "double").stdout == "400\n"


def test_forget_says_what_it_did_and_cannot_do(
    account: Batos, tids: list[str], universe_path: Path
) -> None:
    account("clone", "account", "child")
    refused = account("forget", "account", "--yes")
    assert refused.returncode == 6
    assert "child: parent*" in refused.stderr

    done = account("forget", "account", "--cut", "--yes")

    assert "account is forgotten. The history begins at" in done.stdout
    assert "Cut: child: parent*" in done.stdout
    assert "Out of reach: backups" in done.stdout
    assert "Still there" not in done.stdout
    data = (universe_path / "Data.fs").read_bytes()
    assert b"account" not in data
    assert b"double" not in data


def test_safe_mode_shows_everything_and_changes_nothing(
    account: Batos, tids: list[str], universe_path: Path
) -> None:
    file = universe_path / "Data.fs"
    file.write_bytes(file.read_bytes().replace(b"UvmObject", b"OldObject"))
    assert "--safe" in account("inspect").stderr

    record = "a record of batos.kernel.uvm_object.OldObject"
    assert f"account          {record}\n" in account("--safe", "inspect").stdout
    assert "balance  200" in account("--safe", "inspect", "account").stdout
    assert "balance: 100 -> 200" in account("--safe", "history", "account").stdout
    assert "balance: 100 -> 200" in account("--safe", "diff", tids[1]).stdout
    assert tids[2] in account("--safe", "log").stdout
    assert "def double" in account("--safe", "source", "account", "double").stdout
    for words in (["send", "account", "double"], ["undo"], ["pack", "--keep", "0", "--yes"]):
        assert account("--safe", *words).returncode != 0


def test_every_transaction_says_who_and_what(account: Batos, tids: list[str]) -> None:
    account("restore", "account", tids[1])
    account("undo")
    account("pack", "--keep", "1d", "--yes")
    account("send", "account", "unknown", "--mode", "auto")  # its mind cannot think
    account("pack", "--keep", "0", "--yes")
    account("clone", "account", "other")
    account("forget", "other", "--yes")

    for moment in json.loads(account("log", "--all", "--json").stdout):
        assert moment["user"]
        assert moment["note"]


def test_safe_mode_shows_the_rest_of_a_universe_with_a_record_that_cannot_be_read(
    account: Batos, universe_path: Path
) -> None:
    oid = oid_of(universe_path, "digital_ether")
    store(universe_path, oid, UVM_OBJECT + b"no pickle at all")

    assert account("inspect").returncode == 1
    lines = account("--safe", "inspect").stdout.splitlines()

    assert any(line.startswith("digital_ether    cannot be read: ") for line in lines)
    assert "account          balance, double" in lines


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 130)])
def test_a_person_at_a_terminal_is_asked_before_history_ends(
    account: Batos, tids: list[str], universe_path: Path, answer: str, code: int
) -> None:
    terminal, end = pty.openpty()
    command = [sys.executable, "-m", "batos", "-u", str(universe_path), "pack", "--keep", "0"]
    asking = subprocess.Popen(command, stdin=end, stderr=end, stdout=subprocess.DEVNULL)
    os.close(end)
    said = ""
    while "[y/N]" not in said:
        said += os.read(terminal, 1000).decode()
    os.write(terminal, f"{answer}\n".encode())

    assert asking.wait(20) == code
    os.close(terminal)
    assert "This ends 4 transactions" in said
    assert account("inspect", "--at", tids[1]).returncode == (6 if answer == "y" else 0)
