"""What the jail says of a candidate, in words that a repair can begin from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.sandbox.jails import Spawner

from batos.kernel.message import Message
from batos.kernel.uvm_object import UvmObject
from batos.sandbox.jail import Jail
from batos.synthesis.examples import Example
from batos.synthesis.trial import try_out
from batos.synthesis.values import Candidate

pytestmark = pytest.mark.walls


@pytest.fixture(scope="module")
def jail() -> Iterator[Jail]:
    jail = Jail(Spawner())
    yield jail
    jail.close()


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        (
            "x = 1\n    return sqrt(x)",
            "refused: line 3: the name 'sqrt' is unknown here: write",
        ),
        ("import os", "refused: line 2: import of 'os' is not allowed: there are collections"),
        (
            "return double(2)",
            "refused: line 2: a method is no function: write self.double_",
        ),
        ("return (", "refused: line 2: not Python: '(' was never closed"),
        ("x = n\n    return 1 / (x - x)", "raises ZeroDivisionError: division by zero (line 3"),
        ("return self.balanc + n", "raises TypeError: unsupported operand"),
        ("while n: pass", "raises BudgetSpent: The method was stopped"),
        ("pass", "answers nothing and changes nothing"),
        ("return n", "0 of 1 examples: answers 2, not 4"),
        ("return n * 2", "all 1 examples agree"),
    ],
)
def test_a_verdict_says_what_is_wrong_and_where(jail: Jail, body: str, verdict: str) -> None:
    candidate = Candidate(f"def double_(self, n):\n    {body}", 1)
    examples = (Example((2,), 4),)

    (tried,) = try_out(
        jail, [candidate], UvmObject(balance=1), Message("double_", (3,)), examples
    )

    assert tried.verdict.startswith(verdict)
