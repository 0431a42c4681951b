"""Papers in a file, a line each, so that an exam that was interrupted can go on.

The first line says which exam it is. A last line that was cut off is written anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from batos.errors import ExamRefused
from batos.improvement.exam import Paper

_MALFORMED = (ValueError, TypeError, LookupError, AttributeError)


@dataclass(frozen=True)
class Sheets:
    """The papers of one exam, in a file or only in memory."""

    path: Path | None
    papers: list[Paper]

    def add(self, paper: Paper) -> None:
        """Keep a paper; it is in the file when this returns."""
        self.papers.append(paper)
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(paper)) + "\n")

    @property
    def done(self) -> frozenset[tuple[str, bool]]:
        """What was sat already: tasks by name, with examples or without."""
        return frozenset((it.task, it.shown) for it in self.papers)


def open_sheets(path: Path | None, exam: Mapping[str, object]) -> Sheets:
    """Return the papers of an exam, with those that the file has already.

    Args:
        path: The file; None keeps them in memory.
        exam: What makes it the same exam, as JSON knows it.

    Raises:
        ExamRefused: The file is another exam's, or is none.
    """
    if path is None:
        return Sheets(None, [])
    header = json.dumps({"exam": exam})
    lines = _whole_lines(path)
    if lines and lines[0] != header:
        raise ExamRefused(str(path), _why_another(lines[0], exam))
    try:
        papers = [_paper(json.loads(line)) for line in lines[1:]]
    except _MALFORMED as error:
        raise ExamRefused(str(path), f"a line of it is no paper ({error})") from error
    path.write_text("\n".join([header, *lines[1:]]) + "\n", encoding="utf-8")
    return Sheets(path, papers)


def _whole_lines(path: Path) -> Sequence[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except ValueError as error:
        raise ExamRefused(str(path), "it is no text") from error
    return text.split("\n")[:-1] if "\n" in text or not text else [text]


def _why_another(line: str, exam: Mapping[str, object]) -> str:
    try:
        found = json.loads(line)["exam"]
        different = [key for key in exam if found.get(key) != exam[key]]
    except _MALFORMED:
        return "its first line says of no exam"
    return f"it is of an exam with another {', '.join(different) or 'form'}"


def _paper(fields: dict[str, Any]) -> Paper:
    best_of = {int(size): mark for size, mark in fields["best_of"].items()}
    return Paper(**{**fields, "best_of": best_of, "broken": tuple(fields["broken"])})
