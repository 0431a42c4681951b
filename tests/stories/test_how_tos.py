"""The how-to pages tell the truth: their commands run, one after the other, and print that.

What differs from run to run is any: transactions, times, sizes, and what a page leaves out
with `...`. A transaction that a page shows in one command and names in a later one is the
one that was printed here.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGES = Path(__file__).parents[2] / "docs" / "how-to"
BLOCK = re.compile(r"^```(?:text|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)  # and what it prints
TID = re.compile(r"\b[0-9a-f]{16}\b")
NAMES = ("NAME", "EMAIL")  # without which git commits nothing
ANY = {  # in a page that went through `re.escape`
    TID: "([0-9a-f]{16})",
    re.compile(r"\d{4}\\-\d\d\\-\d\d(\\ \d\d:\d\d(:\d\d)?)?"): r"[\\d-]+( [\\d:]+)?",
    re.compile(r"[\d,]+\\ bytes"): r"[\\d,]+ bytes",
    re.compile(r"\\\.\\\.\\\."): ".*",
}


def told(page: str) -> list[tuple[str, str]]:
    """Return the commands of a page and what it shows of their output."""
    text = (PAGES / page).read_text()
    return [pair for block in BLOCK.findall(text) for pair in COMMAND.findall(block)]


@pytest.fixture
def shell(universe_path: Path) -> dict[str, str]:
    """What a newcomer's shell has: a universe, and nothing else."""
    folder = universe_path.parent
    universe_path.rename(folder / "my.universe")
    (folder / "batos").write_text(f'#!/bin/sh\nexec {sys.executable} -P -m batos "$@"\n')
    (folder / "batos").chmod(0o755)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("BATOS_", "XDG_"))}
    mine = {"HOME": str(folder), "BATOS_UNIVERSE": "my.universe", "LOGNAME": "ada"}
    git = {f"GIT_{who}_{what}": "ada" for who in ("AUTHOR", "COMMITTER") for what in NAMES}
    return kept | mine | git | {"PATH": f"{folder}:{os.environ['PATH']}"}


@pytest.mark.parametrize("page", ["browse.md", "look-back.md", "export-and-back-up.md"])
def test_each_command_of_a_page_prints_what_is_shown(
    page: str, shell: dict[str, str], tmp_path: Path
) -> None:
    tids: dict[str, str] = {}  # in the page -> here
    commands = told(page)

    assert len(commands) > 8
    for line, shown in commands:
        here = TID.sub(lambda found: tids.get(found[0], found[0]), line)
        found = subprocess.run(
            here,
            shell=True,
            cwd=tmp_path,
            env=shell,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert (found.returncode != 0) is shown.startswith("batos: "), found.stdout
        if shown.strip():
            said = " ".join(found.stdout.split())
            match = re.fullmatch(pattern(shown), said)
            assert match is not None, f"{line}\n{found.stdout}"
            tids.update(zip(TID.findall(shown), TID.findall(said), strict=False))


def pattern(shown: str) -> str:
    """Return what matches an output that is the same, however its lines are broken."""
    wanted = re.escape(" ".join(shown.split()))
    for known, any_ in ANY.items():
        wanted = known.sub(any_, wanted)
    return wanted
