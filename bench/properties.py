"""What do questions about properties add to three examples?

Run `python bench/properties.py`. For some messages every body of a pool of plausible ones is
tried in the jail with three short examples. Of those that agree with all three, the ones that a
set of hidden inputs shows to be wrong are *false accepts*. Then each is asked what its name
claims (`claims_for`). Last line: how many false accepts there are, how many a broken property
catches, and how many right methods one breaks, as JSON. The seed is fixed.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

from batos.kernel.message import Message
from batos.kernel.uvm_object import UvmObject
from batos.processes import Processes
from batos.sandbox.jail import Case, Jail
from batos.synthesis.claims import claims_for
from batos.synthesis.examples import Example
from batos.synthesis.inputs import similar_cases
from batos.synthesis.properties import Result, check
from batos.synthesis.trial import try_out
from batos.synthesis.values import Candidate

ITEMS = """
self.items|sorted(self.items)|sorted(set(self.items))|list(set(self.items))|self.items[::-1]
sorted(self.items)[::-1]|sorted(self.items, reverse=True)|[self.items[-1], *self.items[:-1]]
[*self.items[1:], *self.items[:1]]|sum(self.items)|len(self.items)|len(set(self.items))
max(self.items)|min(self.items)|self.items[0]|self.items[-1]|self.items[len(self.items) // 2]
sum(self.items) / len(self.items)|sum(set(self.items))|sum(self.items[:3])|sum(self.items) / 2
(self.items[0] + self.items[-1]) / 2|(max(self.items) + min(self.items)) / 2
sorted(self.items)[len(self.items) // 2]|max(self.items[:2])|max(self.items) - min(self.items)
self.items[-1] - self.items[0]|abs(self.items[0] - self.items[-1])|max(0, *self.items)
not self.items|len(self.items) < 2|self.items == []|self.items or True|self.items.copy()
"""
BALANCE = """
self.balance += amount|self.balance -= amount|self.balance += abs(amount)|self.balance = amount
self.balance += max(0, amount)|self.balance += min(amount, 10)|self.balance += int(amount)
self.balance = max(self.balance, 0) + amount|self.balance -= min(amount, self.balance)
self.balance = self.balance - amount if amount < self.balance else 0
self.balance = max(0, self.balance - amount)|self.balance = abs(self.balance - amount)
self.balance += amount if amount < 20 else 0|self.balance += amount % 100
"""
TEXT = """
self.text|self.text.strip()|self.text[1:]|self.text.lstrip()|self.text.rstrip()|self.text[:-1]
self.text.replace(' ', '')|self.text.lower()|self.text.upper()|self.text.title()
self.text.capitalize()|self.text[::-1]|self.text.swapcase()|' '.join(self.text.split())
"""

# selector, the right expression, the pool, three examples' slots, and their arguments
Task = tuple[str, str, str, list[dict[str, object]], list[tuple[object, ...]]]


def of_items(selector: str, right: str, *shown: object) -> Task:
    return selector, right, ITEMS, [{"items": one} for one in shown], [()] * len(shown)


def of_balance(selector: str, right: str, *shown: tuple[int, int]) -> Task:
    slots: list[dict[str, object]] = [{"balance": before} for before, _ in shown]
    return selector, right, BALANCE, slots, [(amount,) for _, amount in shown]


def of_text(selector: str, right: str, *shown: str) -> Task:
    return selector, right, TEXT, [{"text": one} for one in shown], [()] * len(shown)


TASKS: list[Task] = [
    of_items("sorted", "sorted(self.items)", [2, 1], [3], [1, 3, 2]),
    of_items("uniqueSorted", "sorted(set(self.items))", [2, 1], [3], [5, 7]),
    of_items("reversed", "self.items[::-1]", [1, 2], [5], [3, 4]),
    of_items("rotated", "[self.items[-1], *self.items[:-1]]", [1, 2], [5], [4, 3]),
    of_items("total", "sum(self.items)", [1, 2], [5, 6], [7]),
    of_items("average", "sum(self.items) / len(self.items)", [2, 4], [6, 8], [3, 3]),
    of_items("largest", "max(self.items)", [1, 2], [5], [3, 4]),
    of_items("smallest", "min(self.items)", [1, 2], [5], [3, 4]),
    of_items("spread", "max(self.items) - min(self.items)", [1, 2], [5, 9], [3, 3]),
    of_items("size", "len(self.items)", [1, 2], [5], [3, 4, 7]),
    of_items("isEmpty", "not self.items", [], [5, 6], [3, 4]),
    of_items("middle", "self.items[len(self.items) // 2]", [1, 2, 3], [5], [3, 4]),
    of_balance("deposit_", "self.balance += amount", (100, 10), (0, 7), (5, 3)),
    of_balance("withdraw_", "self.balance -= amount", (100, 10), (10, 7), (5, 3)),
    of_text("stripped", "self.text.strip()", " a", " b", " cd"),
    of_text("upper", "self.text.upper()", "a", "b", "cd"),
    of_text("reversed", "self.text[::-1]", "ab", "c", "xyz"),
]
HIDDEN = 40


def source_of(selector: str, words: str) -> str:
    """Return the method that answers with an expression, or makes a change."""
    head = f"def {selector}(self{', amount' if 'balance' in words else ''}):"
    changes = f"\n    {words}\n    return self.balance"
    return head + (changes if "balance" in words else f"\n    return {words}")


def examples_of(right: str, task: Task, jail: Jail) -> tuple[Example, ...]:
    selector, _, _, slots, inputs = task
    receiver = UvmObject(**slots[0])
    cases = [Case(args, {}, given) for args, given in zip(inputs, slots, strict=True)]
    outcomes = jail.trial(right, selector, receiver, cases).outcomes
    return tuple(
        Example(
            case.args,
            outcome.result,
            case.given,
            {slot: value for (_, slot), value in outcome.changes.items()},
        )
        for case, outcome in zip(cases, outcomes, strict=True)
    )


def main() -> None:
    processes = Processes(Path(tempfile.mkdtemp()), idle_s=60)
    jail = processes.jail()
    false_accepts = caught = broken_right = right_claims = 0
    started = time.perf_counter()
    for task in TASKS:
        selector, words, pool, slots, inputs = task
        right = source_of(selector, words)
        parameters = ["amount"] if inputs[0] else []
        receiver, message = UvmObject(**slots[0]), Message(selector, inputs[0])
        examples = examples_of(right, task, jail)
        hidden = similar_cases(receiver, message, examples, seed=77, most=HIDDEN)
        wanted = [_behaviour(o) for o in jail.trial(right, selector, receiver, hidden).outcomes]
        kinds = [type(value).__name__ for value in (*slots[0].values(), *inputs[0])]
        claims = claims_for(selector, parameters, kinds, examples)
        verdicts = check(claims, Candidate(right, 1), receiver, message, examples, jail=jail)
        right_claims += len(verdicts)
        wrongly = [str(one) for one in verdicts if one.result is Result.BROKEN]
        broken_right += bool(wrongly)
        accepted = found = 0
        bodies = pool.strip().replace("\n", "|").split("|")
        sources = [source_of(selector, body) for body in bodies if body != words]
        tried = try_out(jail, [Candidate(s, 1) for s in sources], receiver, message, examples)
        for one in tried:
            if not one.stands:
                continue
            source = one.candidate.source
            did = [
                _behaviour(o) for o in jail.trial(source, selector, receiver, hidden).outcomes
            ]
            if did == wanted:
                continue
            accepted += 1
            asked = check(claims, one.candidate, receiver, message, examples, jail=jail)
            found += any(verdict.result is Result.BROKEN for verdict in asked)
        false_accepts, caught = false_accepts + accepted, caught + found
        print(
            f"{selector:<14} {len(sources):>3} tried, {accepted:>2} accepted and wrong,"
            f" {found:>2} caught; claims {', '.join(map(str, claims))}"
            + (f"; WRONGLY {wrongly}" if wrongly else "")
        )
    processes.close()
    print(
        json.dumps(
            {
                "tasks": len(TASKS),
                "false_accepts": false_accepts,
                "caught": caught,
                "right_methods_broken": broken_right,
                "claims": right_claims,
                "seconds": round(time.perf_counter() - started, 1),
            }
        )
    )


def _behaviour(outcome: Any) -> str:
    if outcome.error is not None:
        return "error"
    return repr((outcome.result, sorted(map(repr, outcome.changes.items()))))


if __name__ == "__main__":
    main()
