from __future__ import annotations

import pytest

from batos.errors import ExamplesRefused
from batos.synthesis.examples import Example, agrees, examples_of


def test_a_pair_is_arguments_and_expected_result() -> None:
    assert examples_of([((10,), 110)], arity=1) == (Example((10,), 110),)


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        ([((10,), 110), ((10,), 111)], "one expects 110 and another 111"),
        (
            [Example((1,), after={"x": 1}), Example((1,), after={"x": 2})],
            "one expects x = 1 and another x = 2",
        ),
        ([((1, 2), 3)], "has 1 argument"),
        ([Example((1,))], "expects nothing"),
        (["10"], "is no pair"),
        ([(10, 110)], "is no pair"),
    ],
)
def test_examples_that_cannot_all_be_true_are_refused(shown: list[object], words: str) -> None:
    with pytest.raises(ExamplesRefused, match=words):
        examples_of(shown, arity=1)  # type: ignore[arg-type]


def test_the_same_arguments_on_another_receiver_contradict_nothing() -> None:
    shown = [Example((1,), 1, given={"x": 0}), Example((1,), 2, given={"x": 1})]

    assert len(examples_of(shown, arity=1)) == 2


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        (68, 68.0),
        (0.3, 0.1 + 0.2),
        ([1, (2.0, "a")], [1.0, (2, "a")]),
        ({"a": [1]}, {"a": [1]}),
        ({1, 2}, {2, 1}),
        (None, None),
    ],
)
def test_equal_answers_agree(expected: object, actual: object) -> None:
    assert agrees(expected, actual)


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        (1, True),
        (True, 1),
        ([1], (1,)),
        ("1", 1),
        (0, None),
        ([1, 2], [1]),
        ({"a": 1}, {"b": 1}),
    ],
)
def test_answers_of_another_kind_do_not_agree(expected: object, actual: object) -> None:
    assert not agrees(expected, actual)
