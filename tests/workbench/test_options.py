"""Answers in JSON, and text that a terminal can only show."""

from __future__ import annotations

import json
import math

import pytest

from batos.synthesis.growth import Step
from batos.universe.names import BlobOf, Named, Unnamed
from batos.workbench.answers import jsonable
from batos.workbench.printable import printable
from batos.workbench.watching import show_step


def test_json_has_words_for_whatever_a_message_can_answer() -> None:
    answer = {
        (1, 2): {3, 1},
        "who": [Named("account"), Unnamed("0x1")],
        5: b"\x00",
        "far": math.inf,
        "pair": (1.5, None, True),
        "weights": BlobOf(7),
    }

    assert json.loads(json.dumps(jsonable(answer), allow_nan=False)) == {
        "(1, 2)": [1, 3],
        "who": [{"object": "account"}, {"oid": "0x1"}],
        "5": "b'\\x00'",
        "far": "inf",
        "pair": [1.5, None, True],
        "weights": {"blob": 7},
    }


def test_a_terminal_is_shown_escapes_and_does_not_obey_them() -> None:
    assert printable("\x1b]0;owned\x07\r\u202eevil\ud800\tä\n") == (
        r"\x1b]0;owned\x07\r\u202eevil\ud800" "\tä\n"
    )


def test_the_steps_of_a_growth_cannot_write_on_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_step(Step("try", "def f(self):\n    raise \x1b[2J\n=> raises \x1b]0;x"))

    assert r"raise \x1b[2J" in capsys.readouterr().err
