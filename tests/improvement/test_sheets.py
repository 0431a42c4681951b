"""Papers survive an interruption, and no file of anything else is touched."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.improvement.test_scores import PAPER

from batos.errors import ExamRefused
from batos.improvement.sheets import open_sheets

EXAM = {"tasks": "abc", "mind": "def"}


def test_papers_are_there_again(tmp_path: Path) -> None:
    path = tmp_path / "papers.jsonl"
    open_sheets(path, EXAM).add(PAPER)

    found = open_sheets(path, EXAM)

    assert found.papers == [PAPER]
    assert found.done == {(PAPER.task, True)}


def test_a_line_that_was_cut_off_is_sat_again(tmp_path: Path) -> None:
    path = tmp_path / "papers.jsonl"
    sheets = open_sheets(path, EXAM)
    sheets.add(PAPER)
    sheets.add(replace(PAPER, task="two"))
    path.write_bytes(path.read_bytes()[:-20])

    again = open_sheets(path, EXAM)
    again.add(replace(PAPER, task="three"))

    assert [it.task for it in open_sheets(path, EXAM).papers] == [PAPER.task, "three"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'{"exam": {"tasks": "abc", "mind": "other"}}\n', "another mind"),
        (b'{"exam": {"tasks": "abc", "mind": "def", "more": 1}}\n', "another form"),
        (b"my shopping list\n", "says of no exam"),
        (b"my shopping list", "says of no exam"),
        (b"[1]\n", "says of no exam"),
        (b"\xff\xfe\n", "no text"),
        (b'{"exam": {"tasks": "abc", "mind": "def"}}\n{"task": "x"}\n', "no paper"),
        (b'{"exam": {"tasks": "abc", "mind": "def"}}\n7\n', "no paper"),
    ],
)
def test_a_file_of_something_else_is_refused_and_left_alone(
    content: bytes, why: str, tmp_path: Path
) -> None:
    path = tmp_path / "papers.jsonl"
    path.write_bytes(content)

    with pytest.raises(ExamRefused, match=why):
        open_sheets(path, EXAM)

    assert path.read_bytes() == content


def test_without_a_file_papers_are_kept_in_memory() -> None:
    sheets = open_sheets(None, EXAM)
    sheets.add(PAPER)

    assert sheets.papers == [PAPER]
