"""The tour tells what happened, whatever the mind gets right."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from batos.workbench.tour import Words, tell


def ending(growths: dict[str, int], told: list[Words]) -> Callable[[Words], int]:
    """Return a way to run commands in which sends of growth end as given, others well."""

    def run(words: Words) -> int:
        told.append(words)
        return growths.get(words[2], 3) if "-e" in words else 0

    return run


def test_it_goes_on_with_what_grew_and_with_nothing_else() -> None:
    told: list[Words] = []

    status, grown = tell(ending({"fahrenheit": 0, "deposit_": 3}, told))

    assert status == 0
    assert [send[1:3] for send in grown] == [("temperature", "fahrenheit")]
    assert ("--json", "send", "temperature", "fahrenheit", "--mode", "off") in told
    assert ("source", "temperature", "fahrenheit") in told
    assert not [words for words in told if words[0] == "source" and "deposit_" in words]


@pytest.mark.parametrize("code", [3, 4])
def test_it_is_told_to_its_end_if_nothing_grew(
    code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[Words] = []

    status, grown = tell(ending(dict.fromkeys(("deposit_", "vowels"), code), told))

    assert (status, grown) == (0, [])
    assert "Nothing stood" in capsys.readouterr().out
    assert told[-1] == ("pending", "list", "--all")


def test_it_ends_with_the_code_that_it_cannot_go_on_from() -> None:
    assert tell(ending({"deposit_": 7}, []))[0] == 7
    assert tell(lambda words: 3 if words[0] == "log" else 0)[0] == 3


def test_nothing_of_the_current_folder_is_run(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("print('owned')\nraise SystemExit(99)\n")

    found = subprocess.run(
        [sys.executable, "-P", "-m", "batos", "tour", "new.universe"],
        cwd=tmp_path,
        env={**os.environ, "BATOS_CACHE": str(tmp_path / "empty")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "owned" not in found.stdout
    assert found.returncode == 7  # there is no mind to awaken with
