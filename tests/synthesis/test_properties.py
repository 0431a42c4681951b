"""Questions about methods: each catches, in the real jail, what three examples let pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from batos.kernel.message import Message
from batos.kernel.mirror import mirror
from batos.kernel.uvm_object import UvmObject
from batos.processes import Processes
from batos.sandbox.jail import Jail
from batos.synthesis.claims import Claim
from batos.synthesis.examples import Example
from batos.synthesis.inputs import similar_cases
from batos.synthesis.properties import LIBRARY, Result, check, question_of
from batos.synthesis.trial import try_out
from batos.synthesis.values import Candidate

pytestmark = pytest.mark.walls


@pytest.fixture(scope="module")
def jail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jail]:
    processes = Processes(tmp_path_factory.mktemp("universe"), idle_s=60)
    yield processes.jail()
    processes.close()


WORDS = {"words": ["pear", "fig", "apple"]}
SHOWN_WORDS = (
    Example((), ["apple", "fig", "pear"], given=WORDS),
    Example((), ["a", "b"], given={"words": ["b", "a"]}),
    Example((), ["a", "b", "c"], given={"words": ["a", "c", "b"]}),
)
BALANCE = {"balance": 100}
DEPOSITS = tuple(
    Example((n,), 100 + n, given=BALANCE, after={"balance": 100 + n}) for n in (10, 25, 40)
)

# name, slots, message, three examples, a right method, and a wrong one that agrees with them
CASES: list[tuple[str, Mapping[str, object], Message, tuple[Example, ...], str, str]] = [
    (
        "idempotent",
        {"text": " a b "},
        Message("stripped"),
        tuple(Example((), t.strip(), given={"text": t}) for t in (" a", "b ", " c ")),
        "return self.text.strip()",
        "return self.text[1:] if self.text[:1] == ' ' and self.text[-1:] != ' ' else "
        "self.text[:-1] if self.text[:1] != ' ' else self.text[1:-1]",
    ),
    (
        "involution",
        {"items": [3, 1, 2]},
        Message("reversed"),
        tuple(Example((), x[::-1], given={"items": x}) for x in ([1, 2], [3, 4, 5], [7])),
        "return self.items[::-1]",
        "return sorted(self.items)[::-1]",
    ),
    (
        "inverse withdraw_",
        BALANCE,
        Message("deposit_", (7,)),
        DEPOSITS,
        "self.balance += amount\n    return self.balance",
        "self.balance = max(self.balance, 100) + amount\n    return self.balance",
    ),
    (
        "monotone",
        BALANCE,
        Message("deposit_", (7,)),
        DEPOSITS,
        "self.balance += amount\n    return self.balance",
        "self.balance += amount if amount % 5 == 0 else 0\n    return self.balance",
    ),
    (
        "permutation_invariant",
        {"items": [3, 1, 2]},
        Message("largest"),
        tuple(Example((), max(x), given={"items": x}) for x in ([1, 2], [3, 4, 5], [7, 9])),
        "return max(self.items)",
        "return self.items[-1]",
    ),
    (
        "type_stable",
        {"items": [3, 1]},
        Message("first"),
        tuple(Example((), x[0], given={"items": x}) for x in ([1, 2], [3], [7, 9, 8])),
        "return self.items[0] if self.items else 0",
        "return self.items[0] if len(self.items) < 4 else self.items",
    ),
    (
        "answers bool",
        {"items": []},
        Message("isEmpty"),
        tuple(Example((), not x, given={"items": x}) for x in ([], [1], [2])),
        "return len(self.items) == 0",
        "return len(self.items) == 0 if len(self.items) < 2 else self.items",
    ),
    (
        "bounded",
        {"items": [3.0, 1.0]},
        Message("average"),
        tuple(Example((), x[0], given={"items": x}) for x in ([2.0, 2.0], [3.0], [7.0])),
        "return sum(self.items) / len(self.items)",
        "return sum(self.items) / min(len(self.items), 2)",
    ),
    (
        "pure",
        {"items": [3, 1]},
        Message("size"),
        tuple(Example((), len(x), given={"items": x}) for x in ([1, 2], [3], [])),
        "return len(self.items)",
        "if len(self.items) > 2:\n        self.items = []\n    return len(self.items)",
    ),
    (
        "preserves_length",
        {"words": ["b", "a"]},
        Message("sorted"),
        SHOWN_WORDS,
        "return sorted(self.words)",
        "return sorted(set(self.words))",
    ),
    (
        "preserves_total",
        {"here": 10, "there": 0},
        Message("move_", (4,)),
        tuple(
            Example((n,), given={"here": 10, "there": 0}, after={"here": 10 - n, "there": n})
            for n in (1, 2, 3)
        ),
        "self.here -= amount\n    self.there += amount",
        "self.there += amount\n    self.here = 10 - amount",
    ),
    (
        "deterministic",
        {"items": [3, 1, 2]},
        Message("some"),
        tuple(Example((), x[0], given={"items": x}) for x in ([1], [3, 3], [7, 7])),
        "return self.items[0]",
        "import random\n    return random.choice(self.items)",
    ),
]


def verdict_on(body: str, case: int, jail: Jail) -> tuple[Result, str, bool]:
    """Question a body about a case's claim; tell also whether the examples let it pass."""
    name, slots, message, examples, _, _ = CASES[case]
    receiver = UvmObject(**slots)
    if "balance" in slots:
        source = "def withdraw_(self, n):\n    self.balance -= n\n    return self.balance"
        put_method(receiver, "withdraw_", source)
    parameters = "self, amount" if message.args else "self"
    candidate = Candidate(f"def {message.selector}({parameters}):\n    {body}\n", 1)
    (tried,) = try_out(jail, [candidate], receiver, message, examples)
    claim = Claim(*name.split(" ", 1))
    (found,) = check([claim], candidate, receiver, message, examples, jail=jail)
    return found.result, found.counterexample, tried.passed == len(examples)


def put_method(receiver: UvmObject, selector: str, source: str) -> None:
    from batos.kernel.method import Method

    mirror(receiver).set(selector, Method(source, {}))


@pytest.mark.parametrize("case", range(len(CASES)), ids=[case[0] for case in CASES])
def test_a_property_holds_of_the_right_method(case: int, jail: Jail) -> None:
    result, why, passes = verdict_on(CASES[case][4], case, jail)

    assert passes
    assert result is Result.HOLDS, why


@pytest.mark.parametrize("case", range(len(CASES)), ids=[case[0] for case in CASES])
def test_a_property_catches_a_wrong_method_that_agrees_with_three_examples(
    case: int, jail: Jail
) -> None:
    result, why, passes = verdict_on(CASES[case][5], case, jail)

    assert passes, "the wrong method should agree with the examples"
    assert result is Result.BROKEN
    assert CASES[case][2].selector in why


def test_every_property_of_the_library_is_tested_here() -> None:
    assert {case[0].split()[0] for case in CASES} == set(LIBRARY)


def test_a_state_that_is_changed_is_questioned_too(jail: Jail) -> None:
    receiver, message = UvmObject(on=False), Message("toggle")
    right = Candidate("def toggle(self):\n    self.on = not self.on\n", 1)
    wrong = Candidate("def toggle(self):\n    self.on = True\n", 1)

    found = [
        check([Claim("involution"), Claim("idempotent")], one, receiver, message, (), jail=jail)
        for one in (right, wrong)
    ]

    assert [[verdict.result for verdict in some] for some in found] == [
        [Result.HOLDS, Result.BROKEN],
        [Result.BROKEN, Result.HOLDS],
    ]
    assert "leaves on = " in found[0][1].counterexample


@pytest.mark.parametrize(
    "claim",
    [Claim("nonsense"), Claim("inverse", "unknown"), Claim("bounded"), Claim("monotone")],
)
def test_what_cannot_be_asked_is_not_applicable(claim: Claim, jail: Jail) -> None:
    candidate = Candidate("def hello(self):\n    return 'hi ' + self.name\n", 1)

    (found,) = check([claim], candidate, UvmObject(name="Al"), Message("hello"), (), jail=jail)

    assert (found.result, found.counterexample) == (Result.NOT_APPLICABLE, "")


def test_a_candidate_that_the_gate_refuses_or_that_always_fails_proves_nothing(
    jail: Jail,
) -> None:
    for body in ("import os", "return self.name / 0", "return ("):
        candidate = Candidate(f"def hello(self):\n    {body}\n", 1)

        (found,) = check(
            [Claim("pure")], candidate, UvmObject(name="Al"), Message("hello"), (), jail=jail
        )

        assert found.result is Result.NOT_APPLICABLE


def test_a_method_that_is_killed_on_the_way_is_not_called_broken_for_it(jail: Jail) -> None:
    body = "return self.items if len(self.items) < 3 else [0] * 10 ** 9"
    candidate = Candidate(f"def same(self):\n    {body}\n", 1)
    claims = [Claim("idempotent"), Claim("pure")]

    found = check(claims, candidate, UvmObject(items=[1, 2]), Message("same"), (), jail=jail)

    assert Result.BROKEN not in {verdict.result for verdict in found}


def test_the_same_seed_asks_with_the_same_inputs() -> None:
    receiver, message = UvmObject(items=[1, 2], tag="ab", at=(1, "x")), Message("f_", (2.5,))

    first, again, other = (similar_cases(receiver, message, (), seed) for seed in (1, 1, 2))

    assert first == again
    assert first != other
    assert all(isinstance(case.args[0], float) for case in first)
    assert all(case.args[0] >= 0 for case in first)  # type: ignore[operator]
    assert all(isinstance(case.given["at"][1], str) for case in first)  # type: ignore[index]


def test_a_question_can_be_read() -> None:
    claim = Claim("inverse", "withdraw_")

    assert question_of(claim, "deposit_") == "Does withdraw_ take deposit_ back?"
