"""The Makefile on a system that lacks something."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.skipif(shutil.which("make") is None, reason="no make on this system")
def test_a_python_without_venv_is_named_in_one_line_again_and_again(tmp_path: Path) -> None:
    python = tmp_path / "half-python"  # as Debian's: makes a Python, fails to make a pip
    python.write_text(
        "#!/bin/sh\nmkdir -p .venv/bin; touch .venv/bin/python; chmod +x .venv/bin/python\n"
        "echo many words; exit 1\n"
    )
    python.chmod(0o755)
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    kept = {k: v for k, v in os.environ.items() if "MAKE" not in k and k != "MFLAGS"}

    for _ in range(2):
        found = subprocess.run(
            ["make", "-s", "run", f"PYTHON={python}"],
            cwd=tmp_path,
            env=kept,
            capture_output=True,
            text=True,
            check=False,
        )

        assert found.returncode == 2
        assert "install python3-venv" in found.stderr.splitlines()[0]
        assert "many words" not in found.stdout + found.stderr
