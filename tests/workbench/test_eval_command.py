"""`batos eval` asks the real mind, can be interrupted, and goes on where it was left."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.weights

EVAL = [sys.executable, "-P", "-m", "batos", "eval", "synthesis", "--samples", "1"]


@pytest.fixture
def command(smollm2_path: Path, tmp_path: Path) -> list[str]:
    """An exam of the embedded mind, whose papers go to a file."""
    return [*EVAL, "--mind", str(smollm2_path), "--out", str(tmp_path / "papers.jsonl")]


def test_an_interrupted_exam_says_what_it_knows_and_goes_on_without_thinking_twice(
    command: list[str], tmp_path: Path
) -> None:
    command += ["--n", "2", "--json"]
    exam = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert exam.stderr is not None
    first = exam.stderr.readline()
    exam.send_signal(signal.SIGTERM)
    stdout, stderr = exam.communicate(timeout=120)

    assert first.startswith("1 of 2")
    assert exam.returncode == 130
    assert stderr.strip().endswith("interrupted")
    (scores,) = json.loads(stdout)["report"]["scores"]
    assert scores["tasks"] == 1

    again = subprocess.run(command, capture_output=True, text=True, check=True)

    assert [line[:6] for line in again.stderr.splitlines()] == ["2 of 2"]
    (scores,) = json.loads(again.stdout)["report"]["scores"]
    assert scores["tasks"] == 2
    assert scores["solved"]["of"] == scores["controls"]["one greedy sample"]["of"] == 2
    assert len((tmp_path / "papers.jsonl").read_text().splitlines()) == 3


def test_a_file_of_another_exam_is_refused_before_anybody_thinks(
    command: list[str], tmp_path: Path
) -> None:
    (tmp_path / "papers.jsonl").write_text("a shopping list\n")

    refused = subprocess.run(
        [*command, "--n", "1"], capture_output=True, text=True, check=False
    )

    assert refused.returncode == 2
    assert "cannot go on as this exam" in refused.stderr
    assert (tmp_path / "papers.jsonl").read_text() == "a shopping list\n"
