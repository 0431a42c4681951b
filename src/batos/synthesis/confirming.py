"""Without examples: what the mind's methods would answer, for a person to say yes to.

A small mind cannot say what it means, but its methods can be run. Each behaviour that came up
is shown as an example of the message itself, the most frequent first; what a person confirms
is an example like any other from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from batos.sandbox.jail import REMOVED, Outcome
from batos.synthesis.choice import leaders
from batos.synthesis.examples import Example
from batos.synthesis.question import Question
from batos.synthesis.values import Tried, brief

Confirm = Callable[[str], bool]
"""Asks a person whether an example, in words, is what they meant."""

_ASKED = 3  # examples: after so many a person would rather give one


def confirmed(question: Question, tried: Sequence[Tried], confirm: Confirm) -> Example | None:
    """Return the first example that a person says yes to, or None."""
    for item in leaders(tried, _ASKED):
        example = _example_of(question, item.answer)
        if example is not None and confirm(_in_words(question, example)):
            return example
    return None


def _example_of(question: Question, answer: Outcome | None) -> Example | None:
    """Return what a method did as an example, unless it touched more than the receiver."""
    if answer is None or any(label != "self" for label, _slot in answer.changes):
        return None
    after = {slot: value for (_, slot), value in answer.changes.items()}
    if REMOVED in after.values() or not all(map(_is_data, [answer.result, *after.values()])):
        return None
    message = question.message
    return Example((*message.args, *message.keywords.values()), answer.result, after=after)


def _is_data(value: object) -> bool:
    return value is None or isinstance(value, bool | int | float | str | list | tuple | dict)


def _in_words(question: Question, example: Example) -> str:
    call = ", ".join(map(brief, example.args))
    told = f"{question.message.selector}({call}) would answer {brief(example.result)}"
    left = [f"{slot} = {brief(value)}" for slot, value in example.after.items()]
    return f"{told} and leave {', '.join(left)}" if left else told
