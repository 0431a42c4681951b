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


@pytest.fixture
def bare_system(tmp_path: Path) -> dict[str, str]:
    """An environment in which nothing is found but a shell's own tools."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "id", "mkdir"):
        (tools / name).symlink_to(str(shutil.which(name)))
    return {"PATH": str(tools), "PLACES": f"{tmp_path}/pg/*/bin", "CONF": f"{tmp_path}/conf"}


def see_to_postgres(env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    script = str(ROOT / "tests" / "postgres.sh")
    return subprocess.run(
        [str(shutil.which("sh")), script], env=env, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(("ci", "code"), [("", 0), ("true", 1)])
def test_a_missing_postgresql_is_named_in_one_line_and_ends_only_ci(
    ci: str, code: int, bare_system: dict[str, str]
) -> None:
    found = see_to_postgres({**bare_system, "CI": ci})

    assert found.returncode == code
    assert len(found.stderr.splitlines()) == 1
    assert "apt-get install postgresql" in found.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root installs packages")
def test_root_gets_postgresql_installed_once_and_without_a_word(
    bare_system: dict[str, str], tmp_path: Path
) -> None:
    apt, server = tmp_path / "bin" / "apt-get", tmp_path / "pg" / "15" / "bin"
    link = shutil.which("ln")
    apt.write_text(
        f"#!/bin/sh\necho $* >>{tmp_path}/asked; echo many words; echo more >&2\n"
        f"mkdir -p {server}; [ $1 = update ] || {link} -s /bin/sh {server}/initdb\n"
    )
    apt.chmod(0o755)

    first = see_to_postgres({**bare_system, "CI": "true"})
    second = see_to_postgres({**bare_system, "CI": "true"})

    for found in (first, second):
        assert (found.returncode, found.stdout, found.stderr) == (0, "", "")
    assert (tmp_path / "asked").read_text().splitlines() == [
        "update -qq",
        "install -y -qq --no-install-recommends postgresql",
    ]
    assert (tmp_path / "conf" / "createcluster.conf").exists()


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
