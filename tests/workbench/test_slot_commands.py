"""Slots from the command line: each call is a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from batos.kernel.shared import Counter, Queue
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


@pytest.mark.parametrize(
    ("text", "kind", "plain"),
    [
        ("Counter(3)", Counter, 3),
        ("batos.Counter()", Counter, 0),
        ("Queue(['a', 1])", Queue, ["a", 1]),
        ("Queue()", Queue, []),
        ("'Counter(3)'", str, "Counter(3)"),
    ],
)
def test_counters_and_queues_can_be_typed(
    batos: Batos, universe_path: Path, text: str, kind: type, plain: object
) -> None:
    assert batos("slot", "set", "account", "it", text).returncode == 0
    assert batos("clone", "account", "other", f"it={text}").returncode == 0

    for name in ("account", "other"):
        values = json.loads(batos("inspect", name, "--json").stdout)["values"]
        assert values["it"] == plain
    universe = open_universe(universe_path)
    with universe.transaction() as root:
        assert {type(root[name].it) for name in ("account", "other")} == {kind}
    universe.close()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["slot", "set", "account", "it", "Counter('a')"], "not str"),
        (["slot", "set", "account", "it", "Counter(hits)"], "text in quotes"),
        (["slot", "set", "account", "it", "Queue(3)"], "the items of a list"),
        (["send", "account", "deposit_", "Counter(3)"], "is no argument"),
    ],
)
def test_what_is_no_counter_or_queue_is_refused_and_not_stored_as_text(
    batos: Batos, words: list[str], says: str
) -> None:
    found = batos(*words)

    assert found.returncode == 2
    assert says in found.stderr
    assert "it" not in json.loads(batos("inspect", "account", "--json").stdout)["slots"]


def test_whoever_takes_the_last_parent_away_is_told_what_that_means(batos: Batos) -> None:
    batos("slot", "set", "account", "law*", "@traits_obj")

    one_of_two = batos("slot", "remove", "account", "law*")
    last = batos("slot", "remove", "account", "parent*")

    assert one_of_two.stdout == "account has no law* of its own now.\n"
    assert "It has no parents any more" in last.stdout
    assert batos("undo").returncode == 0
    assert "parent*" in json.loads(batos("inspect", "account", "--json").stdout)["slots"]


def test_a_name_is_taken_away_and_given_back(batos: Batos) -> None:
    batos("clone", "account", "child")

    kept = batos("unname", "account")
    lost = json.loads(batos("unname", "child", "--json").stdout)

    assert kept.stdout == (
        "account is no name any more. The object stays: child (parent*) leads to it.\n"
    )
    assert lost == {"name": "child", "referrers": []}
    assert not {"account", "child"} & set(json.loads(batos("inspect", "--json").stdout))
    assert batos("undo").stdout == "undone: unname child\n"
    assert batos("undo").stdout == "undone: unname account\n"
    assert batos("send", "child", "balance").stdout == "100\n"


def test_an_object_that_only_its_own_circle_leads_to_is_out_of_reach(batos: Batos) -> None:
    batos("clone", "genesis_obj", "friend", "knows=@account")
    batos("slot", "set", "account", "knows", "@friend")
    batos("unname", "friend")

    assert "Nothing leads to the object any more" in batos("unname", "account").stdout


@pytest.mark.parametrize("name", ["genesis_obj", "pLLM_obj", "journal", "nobody"])
def test_a_name_that_has_to_stay_or_is_none_is_not_taken_away(batos: Batos, name: str) -> None:
    before = batos("inspect").stdout

    assert batos("unname", name).returncode == 2
    assert batos("inspect").stdout == before
