"""The README tells the truth: its Python block and its walk run, the mind's words scripted."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = (Path(__file__).parents[2] / "README.md").read_text()

# What the embedded mind says in the README, from a mind that needs no weights.
SCRIPTED = """
from batos.engines.contract import Scripted
from batos.processes import Processes

def says(request, _choice):
    if "fahrenheit" in request.prompt.splitlines()[-1]:
        return "\\n    return celsius * 9 / 5 + 32"
    return "\\n    balance += amount\\n    return balance"

Processes.engine = lambda self, _path: Scripted(says)
"""


COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)  # and what it prints
NOT_HERE = ("export ", "batos awaken")  # a universe with a scripted mind is here already


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def environment(**more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("BATOS_", "XDG_"))}
    return kept | more


@pytest.mark.walls
def test_the_python_of_the_readme_runs(universe_path: Path) -> None:
    universe_path.rename(universe_path.with_name("my.universe"))
    (block,) = blocks("python")

    found = subprocess.run(
        [sys.executable, "-c", SCRIPTED + block],
        cwd=universe_path.parent,
        env=environment(HOME=str(universe_path.parent)),
        capture_output=True,
        text=True,
        check=False,
    )

    assert found.stderr == ""
    assert found.stdout == "293.15 False\n68.0\nundone: sensor fahrenheit()\n"


@pytest.mark.walls
def test_each_command_of_the_readme_ends_as_it_is_shown(universe_path: Path) -> None:
    folder = universe_path.parent
    (folder / "scripted.py").write_text(
        f"{SCRIPTED}\nfrom batos.__main__ import main\nmain()\n"
    )
    (folder / "batos").write_text(f'#!/bin/sh\nexec {sys.executable} -P scripted.py "$@"\n')
    (folder / "batos").chmod(0o755)
    shown = environment(
        HOME=str(folder),
        PATH=f"{folder}:{os.environ['PATH']}",
        BATOS_UNIVERSE=str(universe_path),
        BATOS_MODE="auto",  # nobody is at this terminal
    )
    told = [pair for block in blocks("text") for pair in COMMAND.findall(block)]
    commands = [pair for pair in told if not pair[0].startswith(NOT_HERE)]

    assert len(commands) > 8
    for line, output in commands:
        found = subprocess.run(
            line, shell=True, cwd=folder, env=shown, capture_output=True, text=True, check=False
        )
        last = output.rstrip().splitlines()[-1]
        ending = last.split("  ")[-1].removesuffix("...")  # the last column, or the start

        assert found.returncode == 0, found.stderr
        assert ending in found.stdout
