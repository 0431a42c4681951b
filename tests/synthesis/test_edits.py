from __future__ import annotations

import ast
from itertools import islice

import pytest

from batos.synthesis.edits import constants_in, edits_of, in_turns
from batos.synthesis.examples import Example
from batos.synthesis.lessons import all_lessons


def method(body: str, *parameters: str) -> str:
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return f"def wanted({', '.join(['self', *parameters])}):\n{lines}"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("return sum(self.prices) / len(self.prices)", "return sum(self.prices)"),
        ("return self.count - 1", "return self.count + 1"),
        ("return len(self.words) > 3", "return len(self.words) >= 3"),
        ("return len(self.words) > 3", "return len(self.words) > 4"),
        ("return self.count", "return self.words"),
        ("return max(self.words)", "return min(self.words)"),
        ("return set(self.words)", "return sorted(set(self.words))"),
        ("return number in self.words", "return number not in self.words"),
        ("return self.count > 0", "return not self.count > 0"),
        (
            "self.count += 1\nself.count = 0\nreturn self.count",
            "self.count += 1\nreturn self.count",
        ),
        ("return self.count == 'red'", "return self.count == 'blue'"),
        ("return [w for w in self.words if self.count]", "return [w for w in self.words if w]"),
    ],
)
def test_what_was_meant_is_one_edit_away(written: str, meant: str) -> None:
    slots = ("prices", "count", "words")

    edits = list(edits_of(method(written, "number"), slots, ("blue",)))

    assert method(meant, "number") in edits
    assert len(edits) == len(set(edits))
    assert method(written, "number") not in edits


@pytest.mark.parametrize("lesson", all_lessons(), ids=lambda lesson: lesson.name)
def test_every_edit_is_python(lesson: object) -> None:
    source = lesson.source.replace(f"def {lesson.name}(", "def wanted(self, ")  # type: ignore[attr-defined]

    for edit in edits_of(source, ("one", "two"), (1, "x")):
        ast.parse(edit)


def test_self_alone_is_never_taken_for_a_value() -> None:
    edits = edits_of(method("return self.count"), ("count",), ())

    assert not [edit for edit in edits if "self)" in edit.split(":", 1)[1]]


def test_an_edit_is_undone_before_the_next_one() -> None:
    source = method("return self.count + 1")
    edits = list(edits_of(source, (), ()))

    assert all(edit.count("return") == 1 for edit in edits)
    assert method("return self.count + 2") in edits
    assert method("return self.count - 2") not in edits


def test_series_are_taken_by_turns_up_to_a_limit() -> None:
    series = [iter(["a", "b", "c"]), iter(["x", "a"])]

    assert in_turns(series, 3) == ["a", "x", "b"]


def test_constants_come_from_what_goes_into_examples_and_never_from_answers() -> None:
    examples = (
        Example((5,), "grand", given={"size": 2}, after={"size": 7}),
        Example((True,), 1.5),
    )

    assert constants_in(examples) == (5, 2)


def test_edits_come_lazily() -> None:
    long = method("\n".join(f"x = self.count + {n}" for n in range(500)) + "\nreturn x")

    assert len(list(islice(edits_of(long, ("count",), ()), 5))) == 5
