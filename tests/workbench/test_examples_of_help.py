"""Every command's help has an example that runs as it stands, in a shell."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from batos.errors import ApprovalNeeded
from batos.synthesis.growth import Asking
from batos.uvm import Uvm
from batos.workbench.cli import batos

OpenScripted = Callable[..., Uvm]

NEED_A_MIND = ("awaken", "mind", "mind pull", "mind add", "tour", "eval synthesis")
NEED_AN_ADAPTER = {f"mind adapter{word}" for word in ("", " add", " show", " wear", " remove")}
LACKS_A_MIND = {"doctor": 1}  # which is what it then says


def commands(group: click.Group, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield each command's words and its help."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{path}{name}", command.help or ""
        if isinstance(command, click.Group):
            yield from commands(command, f"{path}{name} ")


COMMANDS = dict(commands(batos))


@pytest.fixture
def shell(open_scripted: OpenScripted, universe_path: Path, tmp_path: Path) -> dict[str, str]:
    """What a shell needs to find `batos`, and a universe with a proposal that waits."""
    uvm = open_scripted(["\n    return balance * 2"])
    with uvm.transaction() as root:
        root["bank"] = root["genesis_obj"].clone()
        root["account"] = root["bank"].clone(balance=100)
    with pytest.raises(ApprovalNeeded):
        uvm.send("account", "double", examples=[((), 200)], asking=Asking("ask", samples=1))
    uvm.close()
    (tmp_path / "batos").write_text(f'#!/bin/sh\nexec {sys.executable} -P -m batos "$@"\n')
    (tmp_path / "batos").chmod(0o755)
    (tmp_path / ".local/share/bash-completion/completions").mkdir(parents=True)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("BATOS_", "XDG_"))}
    mine = {"HOME": str(tmp_path), "BATOS_UNIVERSE": str(universe_path)}
    return kept | mine | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_with_an_example(name: str) -> None:
    example = re.search(r"Example: (.*)$", COMMANDS[name], re.MULTILINE)

    assert example is not None
    assert f"batos {name}" in example[1].replace("-u my.universe ", "")


@pytest.mark.parametrize(
    "name", [name for name in COMMANDS if name not in {*NEED_A_MIND, *NEED_AN_ADAPTER}]
)
def test_every_example_runs(name: str, shell: dict[str, str], tmp_path: Path) -> None:
    def run(line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", line],
            env=shell,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    deposit = "def deposit_(self, much):\n    self.balance += much\n    return self.balance"
    assert run(f"echo '{deposit}' | batos define account").returncode == 0
    for example in re.findall(r"Example: (.*)$", COMMANDS[name], re.MULTILINE):
        if name == "clone":  # once more, under a name that is free
            example = example.replace(" account ", " another ")  # noqa: PLW2901
        found = run(example)

        assert found.returncode == LACKS_A_MIND.get(name, 0), found.stderr
        assert found.stderr == ""
