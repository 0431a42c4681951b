"""The reference names every command, with what it does and with its fields in JSON."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from batos.workbench.cli import _COMMANDS

PAGE = (Path(__file__).parents[2] / "docs/reference/commands.md").read_text()
DOES, FIELDS = (PAGE.split("\n## JSON\n")[part] for part in (0, 1))


@pytest.mark.parametrize("name", _COMMANDS)
@pytest.mark.parametrize("table", [DOES, FIELDS], ids=["does", "fields"])
def test_each_command_has_a_row(name: str, table: str) -> None:
    assert re.search(rf"^\| [^|]*`{name}\b", table, re.MULTILINE)
