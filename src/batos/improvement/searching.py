"""How a mind is asked in an exam: the stages of a growth, without a database.

It does what `synthesizer` does with a question that nobody asked before, and answers with
everything that it saw.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from batos.engines.contract import Completion, Request
from batos.synthesis.choice import choose, nearest
from batos.synthesis.values import Candidate, Choice, Failure, Reflection, Tried
from batos.synthesis.writing import STOP, candidates_from, prompt_for

Ask = Callable[[Request], list[Completion]]
TryOut = Callable[[list[Candidate]], list[Tried]]

_MAX_TOKENS = 96
_THOUGHT_S = 180.0


@dataclass(frozen=True)
class Effort:
    """How much thought a message is worth."""

    samples: int = 8
    temperature: float = 0.6
    seed: int = 0
    repairs: int = 1


@dataclass(frozen=True)
class Searched:
    """What a search came to."""

    tried: list[Tried]
    choice: Choice
    samples: int
    tokens: int


def search(reflection: Reflection, ask: Ask, try_out: TryOut, effort: Effort) -> Searched:
    """Ask the mind, try what it says, and once more with the failure of the best."""
    tried: list[Tried] = []
    samples = tokens = 0
    failure: Failure | None = None
    choice = Choice(None, "not asked")
    for turn in range(1 + effort.repairs):
        completions = ask(request_for(reflection, effort, effort.seed + turn, failure))
        samples += len(completions)
        tokens += sum(it.tokens for it in completions)
        tried += try_out(candidates_from((it.text for it in completions), reflection))
        choice = choose(tried, samples)
        failure = nearest(tried, len(reflection.shown))
        if choice.best is not None or failure is None:
            break
    return Searched(tried, choice, samples, tokens)


def request_for(
    reflection: Reflection, effort: Effort, seed: int, failure: Failure | None = None
) -> Request:
    """Return what the mind is asked."""
    return Request(
        prompt_for(reflection, failure),
        n=effort.samples,
        max_tokens=_MAX_TOKENS,
        temperature=effort.temperature,
        seed=seed,
        stop=STOP,
        timeout_s=_THOUGHT_S,
    )
