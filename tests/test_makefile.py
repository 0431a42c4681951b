"""The Makefile on a system that lacks something."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="no make on this system")


def make_run(folder: Path, python: str) -> subprocess.CompletedProcess[str]:
    """Run `make run` in a copy of what it needs, with a Python that is this shell script."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    (folder / "some-python").write_text(f"#!/bin/sh\n{python}")
    (folder / "some-python").chmod(0o755)
    return subprocess.run(
        ["make", "-s", "run", "PYTHON=./some-python"],
        cwd=folder,
        env={k: v for k, v in os.environ.items() if "MAKE" not in k and k != "MFLAGS"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_python_without_venv_is_named_in_one_line_again_and_again(tmp_path: Path) -> None:
    python = (  # as Debian's: makes a Python, fails to make a pip
        f'[ "$1" = -c ] && exec {sys.executable} "$@"\n'
        "mkdir -p .venv/bin; touch .venv/bin/python; chmod +x .venv/bin/python\n"
        "echo many words; exit 1\n"
    )

    for _ in range(2):
        found = make_run(tmp_path, python)

        assert found.returncode == 2
        assert "install python3-venv" in found.stderr.splitlines()[0]
        assert "many words" not in found.stdout + found.stderr


@pytest.mark.parametrize(
    "python",
    [
        f'exec {sys.executable} -c "import sys; sys.version_info = (3, 10); $2"',
        "echo no such command >&2; exit 127",
    ],
)
def test_a_python_that_is_too_old_or_missing_is_named_in_one_line(
    tmp_path: Path, python: str
) -> None:
    found = make_run(tmp_path, python)

    assert found.returncode == 2
    first, *others = found.stderr.splitlines()
    assert "./some-python is not Python 3.11 or later" in first
    assert all(line.startswith("make: ***") for line in others)  # make's own last word
    assert not (tmp_path / ".venv").exists()
