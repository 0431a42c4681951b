from __future__ import annotations

from pathlib import Path

import pytest

from batos.errors import ExamplesRefused, SlotRefused
from batos.synthesis.examples import Example
from batos.universe.names import Named
from batos.workbench.literals import example_of, examples_from, slots_of, value_of

ODD = Example(("a => b", "it's |"), "|=>", {"x": "|"}, {"x": "=>"})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("-2.5", -2.5),
        ("'5'", "5"),
        ("[1, 'a']", [1, "a"]),
        ("house", "house"),
        ("two words", "two words"),
        ("@account", Named("account")),
        ("a@b", "a@b"),
        ("None", None),
        ("__import__('os')", "__import__('os')"),
        ("(" * 5000, "(" * 5000),
    ],
)
def test_a_value_is_a_literal_an_object_or_a_word(text: str, value: object) -> None:
    assert value_of(text) == value


@pytest.mark.parametrize(
    ("text", "example"),
    [
        ("10 => 110", Example((10,), 110)),
        ("=> 'house'", Example((), "house")),
        ("1, 'a' => [1]", Example((1, "a"), [1])),
        ("x=5 | 10 => 15 | x=15, y=[1]", Example((10,), 15, {"x": 5}, {"x": 15, "y": [1]})),
        ("1 => | x=2", Example((1,), after={"x": 2})),
        ('{"args": [1], "result": 2, "given": {"x": 3}}', Example((1,), 2, {"x": 3})),
        ('{"args": ["a | b => c"], "result": null}', Example(("a | b => c",), None)),
        ("x='|' | 'a => b', \"it's |\" => '|=>' | x='=>'", ODD),
        ("'a\\'' => 1", Example(("a'",), 1)),
        ("x=1|=>2|x=2", Example((), 2, {"x": 1}, {"x": 2})),
    ],
)
def test_an_example_reads_as_it_is_written(text: str, example: Example) -> None:
    assert example_of(text) == example


@pytest.mark.parametrize(
    "text",
    [
        "10",
        "=> open('x')",
        "f(1) => 2",
        "x | 1 => 2",
        "1 => 2 | *x",
        '{"arg": 1}',
        '{"args": "abc"}',
        '{"given": [["x", 1]], "result": 1}',
        "{",
        "a => b",
    ],
)
def test_an_example_that_cannot_be_read_says_how_to_write_one(text: str) -> None:
    with pytest.raises(ExamplesRefused, match="write 'arguments => result'"):
        example_of(text)


def test_a_file_has_an_example_a_line(tmp_path: Path) -> None:
    file = tmp_path / "examples"
    file.write_text("# doubles\n1 => 2\n\n  # ä\n2 => 4\n", encoding="utf-8")

    assert examples_from(file) == [Example((1,), 2), Example((2,), 4)]


def test_a_missing_file_is_named() -> None:
    with pytest.raises(ExamplesRefused, match="nowhere"):
        examples_from(Path("nowhere"))


def test_slots_are_name_and_value() -> None:
    assert slots_of(["balance=100", "name=Ann", "eq=a=b"]) == {
        "balance": 100,
        "name": "Ann",
        "eq": "a=b",
    }
    with pytest.raises(SlotRefused, match="name=value"):
        slots_of(["balance"])
