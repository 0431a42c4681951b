"""Proposals and methods from the command line: read, edited, approved, told, passed on."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import OpenScripted

from batos.errors import ApprovalNeeded, GrowthFailed
from batos.synthesis.examples import Example

Batos = Callable[..., "subprocess.CompletedProcess[str]"]

DEPOSIT = "\n    balance += amount\n    return balance"
BETTER = """\
def deposit_(self, amount):
    self.balance += max(0, amount)
    return self.balance
"""
SHOWN = [
    Example((10,), 110, {"balance": 100}, {"balance": 110}),
    Example((0,), 5, {"balance": 5}),
    Example((1,), 1, {"balance": 0}),
]


@pytest.fixture
def waiting(batos: Batos, open_scripted: OpenScripted) -> Batos:
    """Proposal 1, for account deposit_, waits; 2 is an abstention for account taxed_."""
    said = [
        DEPOSIT,
        "\n    return amount",
        "\n    return amount * 1",
        "\n    return open('\x1b[2J')",
    ]
    uvm = open_scripted(said)
    with uvm.transaction("a family") as root:
        root["bank"] = root["genesis_obj"].clone()
        root["account"] = root["bank"].clone(balance=100)
        root["savings"] = root["bank"].clone(balance=1)
    with pytest.raises(ApprovalNeeded):
        uvm.send("account", "deposit_", 50, examples=SHOWN, mode="ask")
    with pytest.raises(GrowthFailed):
        uvm.send("account", "taxed_", 10, examples=[((10,), 10.5), ((20,), 20)], mode="ask")
    uvm.close()
    return batos


def test_a_list_shows_age_receiver_selector_and_verdict_in_80_columns(waiting: Batos) -> None:
    (row,) = waiting("pending", "list").stdout.splitlines()
    everything = json.loads(waiting("pending", "list", "--all", "--json").stdout)

    assert row.startswith("1  proposed  ")
    assert "account  deposit_  all 3 examples agree" in row
    assert len(row) <= 80
    assert [one["state"] for one in everything] == ["proposed", "abstained"]
    assert everything[0]["verdict"].startswith("all 3 examples agree")


def test_show_tells_what_helps_to_decide(waiting: Batos) -> None:
    found = waiting("pending", "show", "1")

    assert found.returncode == 0
    assert max(map(len, found.stdout.splitlines())) <= 80
    for text in (
        "Proposal 1 for account deposit_, ",
        "waits for you",
        "    def deposit_(self, amount):\n        self.balance += amount\n",
        "  ok    balance=100 | 10 => 110 | balance=110",
        "2 samples, 2 methods; one of them: 1 of 3 examples: answers 10, not 110",
        "Written by the mind (scripted), seed ",
        "4 samples",
        "Next: batos pending approve 1, edit 1, or reject 1",
    ):
        assert text in found.stdout
    assert "\x1b" not in found.stdout


def test_shows_json_has_everything(waiting: Batos) -> None:
    found = json.loads(waiting("pending", "show", "1", "--json").stdout)

    assert found["examples"][0] == {
        "example": "balance=100 | 10 => 110 | balance=110",
        "wrong": None,
    }
    assert [one["samples"] for one in found["others"]] == [2, 1]
    assert found["provenance"]["candidates"][0]["samples"] == 1
    assert found["selector"] == "deposit_"


def test_an_abstention_shows_how_what_came_nearest_did(waiting: Batos) -> None:
    shown = waiting("pending", "show", "2").stdout

    assert "(nothing stood)" in shown
    assert "10 => 10.5" in shown
    assert "  ok    20 => 20\n" in shown


@pytest.mark.parametrize("place", ["-", "a file"])
def test_an_edit_from_a_file_is_tried_shown_and_approved(
    waiting: Batos, tmp_path: Path, place: str
) -> None:
    if place != "-":
        place = str(tmp_path / "better.py")
        Path(place).write_text(BETTER)

    found = waiting("pending", "edit", "1", "--source", place, "--approve", stdin=BETTER)

    assert found.returncode == 0, found.stderr
    assert "Proposal 3 for account deposit_" in found.stdout
    assert "+    self.balance += max(0, amount)" in found.stdout
    assert "Proposal 3 is approved." in found.stdout
    sent = waiting("send", "account", "deposit_", "-7", "-q")
    assert (sent.returncode, sent.stdout) == (0, "100\n")
    assert waiting("pending", "list").stdout == "Nothing waits.\n"


def test_an_edit_that_does_not_stand_ends_with_3_and_records_nothing(waiting: Batos) -> None:
    source = "def deposit_(self, amount):\n    return 1\n"

    found = waiting("pending", "edit", "1", "--source", "-", stdin=source)

    assert found.returncode == 3
    assert "1 of 3 examples: answers 1, not 110" in found.stderr
    assert len(json.loads(waiting("pending", "list", "--all", "--json").stdout)) == 2


def editor(tmp_path: Path, writes: str) -> str:
    """Return a command that writes a text over the file that it is given."""
    text = tmp_path / "typed.py"
    text.write_text(writes)
    script = tmp_path / "editor.sh"
    script.write_text(f'#!/bin/sh\ncat "{text}" > "$1"\n')
    script.chmod(0o755)
    return str(script)


def test_the_editor_of_the_person_is_opened(
    waiting: Batos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISUAL", editor(tmp_path, BETTER))

    found = waiting("pending", "edit", "1", "--json")

    assert json.loads(found.stdout)["source"] == BETTER.rstrip("\n")
    assert json.loads(found.stdout)["provenance"]["edits"] == 1


def test_what_was_typed_in_vain_is_kept_in_a_file(
    waiting: Batos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv(
        "EDITOR", editor(tmp_path, "def deposit_(self, amount):\n    return 2\n")
    )

    found = waiting("pending", "edit", "1")

    kept, error = found.stderr.splitlines()
    assert found.returncode == 3
    assert "answers 2, not 110" in error
    assert "return 2" in Path(kept.removeprefix("What you wrote is kept in ")).read_text()


def test_an_editor_that_changes_nothing_changes_nothing(
    waiting: Batos, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISUAL", "true")

    found = waiting("pending", "edit", "1")

    assert found.returncode == 1
    assert "Nothing was changed; proposal 1 is as it was." in found.stderr


def test_an_edit_of_an_installed_method_runs_at_once_and_undo_says_what_is_back(
    waiting: Batos,
) -> None:
    waiting("pending", "approve", "1")
    waiting("send", "account", "deposit_", "1", "-q")

    edited = waiting("pending", "edit", "1", "--source", "-", "--approve", stdin=BETTER)
    undone = waiting("undo")

    assert "account deposit_ runs it from now on" in edited.stdout
    assert undone.stdout.splitlines()[1:] == [
        "account deposit_ is again what it was before (proposal 1)."
    ]
    assert "max" not in waiting("source", "account", "deposit_").stdout


def test_an_undone_growth_says_what_will_be_tried_next_time(waiting: Batos) -> None:
    waiting("pending", "approve", "1")
    waiting("send", "account", "deposit_", "1", "-q")

    undone = waiting("undo").stdout

    assert "The next send of account deposit_ tries proposal 1 again" in undone


def test_why_tells_the_story_of_a_method_in_words(waiting: Batos) -> None:
    waiting("pending", "approve", "1")
    waiting("send", "account", "deposit_", "1", "-q")

    told, as_two = waiting("why", "account.deposit_"), waiting("why", "account", "deposit_")
    data = json.loads(waiting("why", "account.deposit_", "--json").stdout)

    assert told.stdout == as_two.stdout
    assert max(map(len, told.stdout.splitlines())) <= 80
    for text in (
        "account.deposit_ is a method of its own since 20",
        "sent account deposit_(50) on ",
        "gave 4 samples: 4 different methods",
        "This one was chosen: all 3 examples agree",
        "Approved by ",
        f"Take it back:  batos undo {data['tid']}",
        "Change it:     batos pending edit 1 --approve",
    ):
        assert text in told.stdout
    assert (data["proposal"], data["behaviours"], data["failures"]) == (1, 3, 0)


def test_why_tells_of_data_of_unknown_names_and_of_wrong_use(waiting: Batos) -> None:
    assert "account.balance is data of its own: 100" in waiting("why", "account.balance").stdout
    unknown = waiting("why", "account.taxed_").stdout
    assert "account does not understand taxed_." in unknown
    assert "  2, 20" in unknown
    assert "abstained: " in unknown
    assert waiting("why", "account").returncode == 2
    assert waiting("why", "nobody.x").returncode == 2


def test_provenance_can_be_read_and_the_whole_is_still_python(waiting: Batos) -> None:
    waiting("pending", "approve", "1")
    waiting("send", "account", "deposit_", "1", "-q")

    shown = waiting("source", "account", "deposit_", "--provenance").stdout

    assert "# Written by the mind (scripted), seed " in shown
    assert "#   ok    balance=100 | 10 => 110 | balance=110" in shown
    compile(shown, "shown", "exec")


def test_promote_tells_who_learns_it_and_can_be_undone(waiting: Batos) -> None:
    waiting("pending", "approve", "1")
    waiting("send", "account", "deposit_", "1", "-q")

    dry = waiting("promote", "account", "deposit_", "--dry-run")
    done = json.loads(waiting("promote", "account", "deposit_", "--json").stdout)
    sent = waiting("send", "savings", "deposit_", "4", "--mode", "off")

    assert "deposit_ would move from account to bank." in dry.stdout
    assert (done["learned"], done["tried_on"]) == (["bank", "savings"], ["savings"])
    assert sent.stdout == "5\n"
    assert waiting("promote", "savings", "deposit_").returncode == 3


def test_the_audit_says_who_did_what_and_with_what(waiting: Batos) -> None:
    waiting("pending", "reject", "1")
    waiting("define", "account", stdin="def greet(self):\n    return 'hi'\n")
    waiting("undo")

    lines = waiting("log", "--audit", "-n", "3").stdout.splitlines()
    data = json.loads(waiting("log", "--audit", "--json").stdout)

    assert [line.split("  ")[1].split(" ", 1)[1][:8] for line in lines] == [
        "undone t",
        "defined ",
        "rejected",
    ]
    assert [one["via"] for one in data] == ["cli"] * 3 + ["python"] * 2
    assert data[2]["proposal"] == 1


def test_on_a_terminal_source_has_colours_unless_nobody_wants_them(
    waiting: Batos, universe_path: Path
) -> None:
    assert "\x1b[" in on_a_terminal(universe_path, {"TERM": "xterm"})
    plain = on_a_terminal(universe_path, {"TERM": "xterm", "NO_COLOR": "1"})
    assert "\x1b[" not in plain
    assert r"open('\x1b[2J')" in plain.replace("\\\\", "\\")


def on_a_terminal(universe_path: Path, environment: dict[str, str]) -> str:
    """Return what `batos pending show 1` writes to a terminal."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-P", "-m", "batos", "-u", str(universe_path)]
    with subprocess.Popen(
        [*command, "pending", "show", "1"],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, **environment},
    ) as process:
        os.close(theirs)
        said = b""
        while True:
            try:
                said += os.read(ours, 1 << 16)
            except OSError:  # the other side is closed
                break
        process.wait()
    os.close(ours)
    return said.decode()
