"""The README's two commands, as somebody runs them who has just cloned the project."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# what the make and the Python that run this test would hand down
OURS = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "VIRTUAL_ENV", "PYTHONPATH"}

pytestmark = [pytest.mark.fresh, pytest.mark.timeout(2400)]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fresh") / "batos"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(folder)], check=True)
    return folder


def make(clone: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run make in the clone with a home of its own: nothing was pulled or set there."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("BATOS_", "XDG_")) and name not in OURS
    }
    home = {"HOME": str(clone.parent / "home"), "IN_FRESH_CLONE": "1"}
    Path(home["HOME"]).mkdir(exist_ok=True)
    return subprocess.run(
        ["make", *words],
        cwd=clone,
        env=kept | home,
        capture_output=True,
        text=True,
        check=False,
    )


def test_make_run_sets_everything_up_and_shows_an_object_learn(clone: Path) -> None:
    found = make(clone, "run")

    assert found.returncode == 0, found.stdout + found.stderr
    assert "install: def " in found.stderr
    assert "Go on yourself" in found.stdout


def test_make_test_passes_everything(clone: Path) -> None:
    found = make(clone, "test")

    assert found.returncode == 0, found.stdout[-5000:] + found.stderr[-2000:]
    assert " passed" in found.stdout


def test_a_second_make_has_nothing_to_set_up(clone: Path) -> None:
    found = make(clone, "--question", ".venv/.base", ".venv/.test")

    assert found.returncode == 0, found.stdout
