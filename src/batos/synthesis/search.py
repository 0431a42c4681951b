"""The search for a method: ask, try, choose; edit what came near; ask once more; or nothing.

It knows no database, no journal and no person. What the mind says and what the jail does come
in as functions, so the synthesis bench searches exactly as a message does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal

from batos.engines.contract import Completion, Request
from batos.synthesis.choice import choose, leaders, nearest, nearly
from batos.synthesis.edits import constants_in, edits_of, in_turns
from batos.synthesis.lessons import Lesson
from batos.synthesis.properties import PropertyVerdict, Result
from batos.synthesis.reading import candidates_from
from batos.synthesis.values import Candidate, Choice, Reflection, Tried
from batos.synthesis.writing import STOP, prompt_for

Ask = Callable[[Request], list[Completion]]
"""Sends a request to the mind."""

TryOut = Callable[[list[Candidate]], list[Tried]]
"""Runs candidates in the jail."""

Check = Callable[[Candidate], Sequence[PropertyVerdict]]
"""Questions one candidate in the jail about what it should be like."""

Stage = Literal["propose", "try", "edit", "repair", "check"]

Watch = Callable[[Stage, str], None]
"""Told what happens."""

_MAX_TOKENS = 96
_THOUGHT_S = 180.0  # a busy machine thinks ten times as slowly as an idle one
_QUESTIONED = 3  # behaviours that stand, when they are many
NEAR = 4  # candidates that are edited
_EDITS = 120  # of all of them: about half a second in the jail


@dataclass(frozen=True)
class Effort:
    """How hard to look."""

    samples: int = 8  # of each round
    rounds: int = 2  # the second one sees what failed in the first
    edits: int = _EDITS  # of near misses, after each round
    temperature: float = 0.6
    seed: int = 0


@dataclass(frozen=True)
class Searched:
    """What a search found, and what it took."""

    choice: Choice
    tried: tuple[Tried, ...]
    samples: int  # that the mind gave in all
    tokens: int  # that it generated for them
    seconds: float
    properties: tuple[PropertyVerdict, ...]  # that the chosen one was questioned about


def search(
    reflection: Reflection,
    ask: Ask,
    try_out: TryOut,
    effort: Effort,
    *,
    check: Check = lambda _candidate: (),
    watch: Watch = lambda _stage, _text: None,
    rejected: Collection[str] = (),
    lessons: Sequence[Lesson] | None = None,
) -> Searched:
    """Look for a method that stands.

    Args:
        reflection: The message, its receiver, and the examples that the mind may see.
        ask: Sends a request to the mind.
        try_out: Runs candidates on every example, the withheld one as well.
        effort: How hard to look.
        check: Questions a candidate that stands; among those that stand, what holds decides.
        watch: Told what happens.
        rejected: Sources that a person does not want.
        lessons: What the mind may be shown; by default every lesson that there is.

    Returns:
        The choice, which may be that nothing stands, and everything that was tried.
    """
    began = time.monotonic()
    quest = _Quest(reflection, ask, try_out, effort, watch, frozenset(rejected), lessons)
    for number in range(effort.rounds):
        quest.think(number)
        if not quest.stands and reflection.shown:
            quest.edit()
        if quest.stands:
            break
    choice, properties = quest.settle(check)
    seconds = time.monotonic() - began
    tried = tuple(quest.tried)
    return Searched(choice, tried, quest.samples, quest.tokens, seconds, properties)


@dataclass
class _Quest:
    """One search on its way."""

    reflection: Reflection
    ask: Ask
    try_out: TryOut
    effort: Effort
    watch: Watch
    rejected: frozenset[str]
    lessons: Sequence[Lesson] | None
    tried: list[Tried] = field(default_factory=list)
    samples: int = 0
    tokens: int = 0

    @property
    def stands(self) -> bool:
        """Whether something stands by now."""
        return choose(self.tried, self.samples).best is not None

    def settle(self, check: Check) -> tuple[Choice, tuple[PropertyVerdict, ...]]:
        """Return what the tries come to, and what the chosen one was questioned about.

        A claim may be wrong of the right method, so it only decides between methods that
        stand and behave differently.
        """
        choice = choose(self.tried, self.samples)
        if choice.best is None:
            return choice, ()
        verdicts = {
            item.candidate.source: tuple(check(item.candidate))
            for item in leaders(self.tried, _QUESTIONED)
        }
        broken = {source: _broken(found) for source, found in verdicts.items()}
        choice = choose(self.tried, self.samples, broken)
        assert choice.best is not None  # noqa: S101  something stood, and claims refuse nothing
        properties = verdicts.get(choice.best.candidate.source, ())
        if properties:
            self.watch("check", "; ".join(map(str, properties)))
        return choice, properties

    def think(self, number: int) -> None:
        """Ask for methods and try them; the second time with what came near and failed."""
        failure = nearest(self.tried, len(self.reflection.shown)) if number else None
        if failure is not None:
            self.watch("repair", failure.wrong)
        request = Request(
            prompt_for(self.reflection, failure, self.lessons),
            n=self.effort.samples,
            max_tokens=_MAX_TOKENS,
            temperature=self.effort.temperature,
            seed=self.effort.seed + number,
            stop=STOP,
            timeout_s=_THOUGHT_S,
        )
        completions = self.ask(request)
        self.samples += len(completions)
        self.tokens += sum(completion.tokens for completion in completions)
        texts = [completion.text for completion in completions]
        written = self._new(candidates_from(texts, self.reflection))
        self.watch("propose", f"{len(texts)} samples, {len(written)} different methods")
        self._try(written)

    def edit(self) -> None:
        """Try small edits of what came nearest; of those that fail nothing is kept."""
        constants = constants_in(self.reflection.shown)
        slots = tuple(self.reflection.slots)
        near = [item.candidate for item in nearly(self.tried, NEAR)]
        series = [edits_of(candidate.source, slots, constants) for candidate in near]
        edited = self._new([Candidate(text, 0) for text in in_turns(series, self.effort.edits)])
        self.watch("edit", f"{len(edited)} small edits of the {len(near)} that came nearest")
        for item in self.try_out(edited):
            if item.stands:
                self._keep(item)

    def _new(self, candidates: list[Candidate]) -> list[Candidate]:
        known = {item.candidate.source for item in self.tried} | self.rejected
        return [candidate for candidate in candidates if candidate.source not in known]

    def _try(self, candidates: list[Candidate]) -> None:
        for item in self.try_out(candidates):
            self._keep(item)

    def _keep(self, item: Tried) -> None:
        self.tried.append(item)
        self.watch("try", f"{item.candidate.source}\n=> {item.verdict}")


def _broken(verdicts: Sequence[PropertyVerdict]) -> int:
    return sum(verdict.result is Result.BROKEN for verdict in verdicts)
