from __future__ import annotations

import pytest

from batos.kernel.message import Message
from batos.kernel.method import Method
from batos.kernel.mirror import mirror
from batos.kernel.uvm_object import UvmObject
from batos.synthesis.examples import Example
from batos.synthesis.reading import candidates_from
from batos.synthesis.reflection import reflect_on
from batos.synthesis.values import Failure, Reflection
from batos.synthesis.writing import prompt_for


def reflection_of(*args: object, examples: tuple[Example, ...] = ()) -> Reflection:
    account = UvmObject(balance=100, owners=["Ann"])
    account._slots["interest"] = Method("def interest(self): return 1", {})
    return reflect_on(account, Message("deposit_", args), examples)


def written(text: str, *args: object) -> str:
    (candidate,) = candidates_from([text], reflection_of(*args))
    return candidate.source


def test_the_prompt_ends_at_the_colon_with_slots_as_parameters() -> None:
    prompt = prompt_for(reflection_of(50))

    assert prompt.endswith("\ndef deposit(balance, owners, amount):")


def test_the_prompt_shows_what_the_slots_were_and_became() -> None:
    example = Example((10,), 15, given={"balance": 5}, after={"balance": 15})

    prompt = prompt_for(reflection_of(50, examples=(example,)))

    line = "# deposit(balance=5, owners=['Ann'], amount=10) == 15 and balance == 15\n"
    assert line in prompt


def test_of_three_examples_the_last_is_withheld_from_the_writer() -> None:
    examples = tuple(Example((n,), n + 100) for n in (1, 2, 3))

    prompt = prompt_for(reflection_of(50, examples=examples))

    assert "amount=2" in prompt
    assert "amount=3" not in prompt


def test_a_repair_shows_the_failure() -> None:
    failure = Failure("def deposit_(self, amount):\n    return 1", "answers 1, not 110")

    prompt = prompt_for(reflection_of(50), failure)

    assert "#     return 1\n# because answers 1, not 110\ndef deposit(" in prompt


@pytest.mark.parametrize(
    ("text", "body"),
    [
        (" return balance + amount", "return self.balance + amount"),
        (
            "\n    balance += amount\n    return balance\n",
            "self.balance += amount\n    return self.balance",
        ),
        ("\n    owners.append('x')\n    return owners", "self.owners.append('x')"),
        ("\n    return interest() + amount", "return self.interest() + amount"),
        ("\n    return self.balance", "return self.balance"),
        ("\n    return 1\n\nprint('more')", "return 1"),
        ("\n        return 2\n", "return 2"),
    ],
)
def test_the_name_of_a_slot_becomes_that_slot_of_self(text: str, body: str) -> None:
    source = written(text, 50)

    assert source.startswith("def deposit_(self, amount):\n    ")
    assert body in source


def test_a_name_that_the_function_binds_itself_stays_its_own() -> None:
    source = written("\n    return [balance for balance in owners]", 50)

    assert "[balance for balance in self.owners]" in source


def test_what_is_no_python_is_left_out_and_equal_methods_are_counted() -> None:
    texts = ["\n    return 1", "\n    return (", "\n    return  1", ""]

    (candidate,) = candidates_from(texts, reflection_of(50))

    assert candidate.samples == 2


def test_arguments_are_named_by_the_keywords_or_by_what_they_are() -> None:
    obj = UvmObject(text="taken")

    named = [
        reflect_on(obj, Message("at_put_", ("a", [1])), ()).parameters,
        reflect_on(obj, Message("join", ("a", "b", {})), ()).parameters,
        reflect_on(obj, Message("pay_", (), {"to": 1}), ()).parameters,
        reflect_on(obj, Message("move_from_", (1, 2)), ()).parameters,
    ]

    assert named == [
        ("text2", "put"),
        ("text2", "text3", "mapping"),
        ("to",),
        ("amount", "amount2"),
    ]


def test_a_known_method_is_shown_and_called_without_the_slots_it_brings() -> None:
    box = UvmObject(width=2, height=3)
    mirror(box).set("area", Method("def area(self):\n    return self.width * self.height", {}))
    mirror(box).set("fits_", Method("def fits_(self, size):\n    return self.width < size", {}))
    reflection = reflect_on(box, Message("volume_", (4,)), ())

    prompt = prompt_for(reflection)
    texts = [
        "\n    return area(width, height) * amount",
        " return fits(width, amount)",
        " return area()",
    ]
    sources = [candidate.source for candidate in candidates_from(texts, reflection)]

    assert "def area(width, height):\n    return width * height\n" in prompt
    assert [source.splitlines()[1].strip() for source in sources] == [
        "return self.area() * amount",
        "return self.fits_(amount)",
        "return self.area()",
    ]


def test_methods_that_differ_in_the_names_of_their_own_variables_are_one() -> None:
    texts = [
        "\n    total = balance + 1\n    return total",
        "\n    result = balance + 1\n    return result",
        "\n    result = balance + 1\n    return balance",
    ]

    candidates = candidates_from(texts, reflection_of(50))

    assert [candidate.samples for candidate in candidates] == [2, 1]


def test_an_object_in_a_slot_is_told_by_what_it_has_and_sent_its_own_selectors() -> None:
    purse = UvmObject(money=3)
    mirror(purse).set("put_", Method("def put_(self, coins):\n    return coins", {}))
    reflection = reflect_on(UvmObject(purse=purse, tip=1), Message("earn_", (4,)), ())

    (candidate,) = candidates_from([" return purse.put(amount + tip)"], reflection)

    assert "# purse has money, put_(coins)\ndef earn(purse, tip, amount):" in prompt_for(
        reflection
    )
    assert candidate.source.endswith("return self.purse.put_(amount + self.tip)")
