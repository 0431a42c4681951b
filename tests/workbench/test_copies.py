"""Text and backups at the command line: each call is a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from batos.opening import open_uvm, rebuild
from batos.universe.universe import open_universe

Batos = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def batos(universe_path: Path, tmp_path: Path) -> Batos:
    def run(*words: str, at: Path = universe_path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-P", "-m", "batos", "-u", str(at), *words]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=tmp_path
        )

    assert run("clone", "genesis_obj", "account", "balance=100").returncode == 0
    return run


def test_a_universe_becomes_text_and_the_text_a_universe(batos: Batos, tmp_path: Path) -> None:
    exported = batos("export", "my.bundle")
    imported = batos("import", "my.bundle", at=tmp_path / "again.universe")

    assert exported.returncode == 0, exported.stderr
    assert "my.bundle holds 5 objects" in exported.stdout
    assert imported.returncode == 0, imported.stderr
    again = batos("--json", "inspect", "account", at=tmp_path / "again.universe")
    assert json.loads(again.stdout)["slots"]["balance"] == "100"


def test_conflicts_are_shown_and_decided(batos: Batos) -> None:
    batos("export", "my.bundle", "account")
    batos("send", "account", "setSlot_value_", "balance", "7")

    looked = batos("import", "my.bundle", "--dry-run")
    refused = batos("--json", "import", "my.bundle")
    kept = batos("import", "my.bundle", "--ours")
    replaced = batos("--json", "import", "my.bundle", "--theirs")

    assert "! account balance: 7 here, 100 there" in looked.stdout
    assert "Found different: 1 slot, and you have to say `--ours`" in looked.stdout
    assert "! account balance: 7 here, 100 there" in kept.stdout
    assert "Found different: 1 slot, kept as here." in kept.stdout
    assert json.loads(replaced.stdout)["decided"] == "theirs"
    assert (looked.returncode, refused.returncode) == (0, 1)
    assert json.loads(refused.stderr)["error"] == "ImportConflict"
    assert kept.returncode == 0
    assert json.loads(replaced.stdout)["conflicts"][0]["slot"] == "balance"
    assert batos("send", "account", "balance").stdout == "100\n"


def test_a_method_that_differs_is_shown_line_by_line(batos: Batos, tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("def hi(self):\n    return 1\n")
    (tmp_path / "two.py").write_text("def hi(self):\n    return 2\n")
    batos("define", "account", "one.py")
    batos("export", "my.bundle", "account")
    batos("define", "account", "two.py")

    shown = batos("import", "my.bundle", "--theirs").stdout.splitlines()

    assert shown[0] == "! account hi: here -, there +"
    assert {"    -     return 2", "    +     return 1"} <= set(shown)
    assert "Found different: 1 slot, replaced by the bundle's." in shown


def test_a_dry_run_where_no_universe_is_shows_what_would_be_made(
    batos: Batos, tmp_path: Path
) -> None:
    batos("export", "my.bundle")

    looked = batos("import", "my.bundle", "--dry-run", at=tmp_path / "again.universe")
    refused = batos("import", "none", "--dry-run", at=tmp_path / "again.universe")

    assert looked.returncode == 0, looked.stderr
    assert "+ account\n" in looked.stdout
    assert "It would add: 5 new objects" in looked.stdout
    assert refused.returncode == 1
    assert not list(tmp_path.glob("*again.universe*"))


def test_backing_up_verifying_and_exporting_need_no_ownership(
    batos: Batos, universe_path: Path, tmp_path: Path
) -> None:
    owner = open_universe(universe_path)

    for words in (["backup", "b"], ["verify"], ["verify", "b"], ["export", "e"]):
        found = batos(*words)
        assert found.returncode == 0, found.stderr
    assert batos("import", "e").returncode == 5

    owner.close()
    assert batos("recover", "b", "again.universe").returncode == 0
    restored = (tmp_path / "again.universe/Data.fs").read_bytes()
    assert restored == (universe_path / "Data.fs").read_bytes()
    assert batos("inspect", "account", at=tmp_path / "again.universe").returncode == 0


def test_damage_ends_with_one_and_says_where(batos: Batos, tmp_path: Path) -> None:
    batos("backup", "b")
    (file,) = (tmp_path / "b/data/0001").iterdir()
    file.write_bytes(file.read_bytes()[:-1])

    found = batos("verify", "b")

    assert found.returncode == 1
    assert "data/0001/0000000000000000.fs is missing, or not as long" in found.stderr


def test_a_program_can_do_the_same(universe_path: Path, tmp_path: Path) -> None:
    with open_uvm(universe_path) as universe:
        with universe.transaction() as root:
            root["account"] = root["genesis_obj"].clone(balance=100)
        universe.export(tmp_path / "bundle", ["account"])
        universe.undo()

        imported = universe.import_(tmp_path / "bundle")

        assert imported.new_objects == ("account",)
        assert universe.send("account", "balance") == 100
        assert universe.backup(tmp_path / "backups").is_whole
        universe.export(tmp_path / "whole")
    rebuild(tmp_path / "again.universe", tmp_path / "whole")
    with open_uvm(tmp_path / "again.universe") as again:
        assert again.send("account", "balance") == 100


def test_safe_mode_makes_no_universe(batos: Batos, tmp_path: Path) -> None:
    for words in (
        ("awaken",),
        ("tour", str(tmp_path / "t")),
        ("import", "b"),
        ("recover", "b", "r"),
    ):
        found = batos("--safe", *words)

        assert found.returncode == 2
        assert "--safe only looks" in found.stderr


def test_a_uri_is_no_folder_to_write_to(batos: Batos, tmp_path: Path) -> None:
    for words in (
        ("backup", "sqlite:///x"),
        ("recover", "b", "zeo://h:1"),
        ("export", "file:///x"),
    ):
        found = batos(*words)

        assert found.returncode == 2
        assert "is a URI; give a folder" in found.stderr
    assert list(tmp_path.glob("*:*")) == []
