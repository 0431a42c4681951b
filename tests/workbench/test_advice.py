"""What a message tells a person to do can be done; each call is a process of its own."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from batos.universe.universe import open_universe

Batos = Callable[..., "subprocess.CompletedProcess[str]"]

WORDS = {  # what a command that reads is given, behind its name
    "inspect": ["account"],
    "source": ["account", "double"],
    "find": ["senders", "balance"],
    "history": ["account"],
    "diff": ["2999-01-01"],
    "export": ["e"],
    "backup": ["b"],
}


def test_the_commands_that_are_said_to_work_while_a_universe_is_in_use_do(
    account: Batos, universe_path: Path, tmp_path: Path
) -> None:
    owner = open_universe(universe_path)
    try:
        busy = account("undo")
        named = re.findall(r"`(?:batos )?([\w ]+)`", busy.stderr)
        found = [
            account(*name.split(), *WORDS.get(name, []), cwd=tmp_path).returncode
            for name in named
        ]
    finally:
        owner.close()

    assert busy.returncode == 5
    assert {"inspect", "source", "find", "history", "pending list", "backup"} <= set(named)
    assert found == [0] * len(named)


@pytest.mark.parametrize(
    ("words", "code", "says", "never"),
    [
        (["recover", "none", "x"], 1, "Name the folder", "`batos backup none`"),
        (["-u", "/etc", "inspect"], 1, "`batos -u FOLDER awaken`", "-u /etc"),
        (["-u", "/etc", "awaken"], 1, "choose a place where nothing is", "with `-u`"),
        (["undo", "nonsense"], 6, "`batos log` shows", "restore"),
        (["restore", "nobody", "f" * 16], 6, "`batos log` shows", "batos history"),
        (["restore", "account", "2999-01-01", "--slot", "x"], 6, "batos history account", "!"),
        (["-u", "zeo://localhost:1?wait_timeout=0.1", "inspect"], 8, "try again", "batos log"),
        (["find", "referrers", "0xfffff"], 2, "no object '0xfffff'", "Nothing found"),
        (["pack", "--keep", "0"], 2, "`--yes`", "Usage"),
        (["forget", "account"], 2, "`--yes`", "Usage"),
        (["import", "none", "--ours", "--theirs"], 2, "say one of them", "none"),
        (["-u", "sqlite:///none", "backup", "b"], 2, "`batos export` writes", "pg_dump"),
        (["-u", "postgres:///none", "verify"], 2, "`pg_dump`", "refused"),
    ],
)
def test_an_error_advises_what_is_possible(
    account: Batos, words: list[str], code: int, says: str, never: str
) -> None:
    found = account(*words)

    assert found.returncode == code
    assert says in found.stderr
    assert never not in found.stderr


def test_the_history_begins_at_a_time_as_the_log_shows_it(
    account: Batos, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")

    birth = account("log", "--all").stdout.splitlines()[-2].split("  ")
    refused = account("inspect", "--at", "1999-01-01").stderr

    assert f"the history begins at {birth[0]}, {birth[1]}. " in refused


def test_a_universe_without_history_says_so_everywhere(batos: Batos, model: Path) -> None:
    uri = f"sqlite://{model.parent}/none?keep_history=0"
    awake = batos("-u", uri, "awaken", "--mind", str(model))
    next_ = awake.stdout.splitlines()[-1].removeprefix("Next: batos ").replace("'", "").split()

    assert batos(*next_).returncode == 0
    assert batos("-u", uri, "log").stdout == f"{uri} keeps no history.\n"
    for words in (["undo"], ["history", "account"], ["diff", "2026-01-01"]):
        found = batos("-u", uri, *words)
        assert found.returncode == 6
        assert "keeps no history" in found.stderr
    assert "no history that could bring it back" in batos("-u", uri, "unname", "account").stdout


@pytest.mark.parametrize("words", [["inspect", "{}"], ["pending", "list", "{}"]])
def test_what_all_commands_understand_may_stand_behind_them(
    account: Batos, universe_path: Path, words: list[str]
) -> None:
    command = words[:-1]

    named = account("-u", "nowhere", *command, "-u", str(universe_path), "--json")
    looked = account(*command, "--safe")

    assert (named.returncode, named.stderr) == (0, "")
    json.loads(named.stdout)
    assert (looked.returncode, looked.stderr) == (0, "")
    assert "--safe" not in account(*command, "--help").stdout


def test_safe_behind_a_command_changes_nothing(account: Batos) -> None:
    assert account("send", "account", "double", "--safe").returncode == 1
    assert account("slot", "set", "account", "balance", "1", "--safe").returncode == 5
    assert "makes a universe" in account("awaken", "--safe").stderr
    assert account("send", "account", "balance").stdout == "100\n"


def test_one_thing_is_told_in_the_singular(account: Batos, tmp_path: Path) -> None:
    exported = account("export", "e", "account", cwd=tmp_path).stdout
    packed = account("pack", "--keep", "0", "--yes").stdout

    assert re.match(
        r"e holds 1 object, 1 method, 0 entries of the journal and 0 files", exported
    )
    assert "; 3 transactions ended." in packed
    assert "This ends 1 transaction before" in account("pack", "--keep", "0").stderr
