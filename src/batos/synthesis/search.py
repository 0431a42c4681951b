"""The search for a method: ask, try, choose; edit what came near; ask once more; or nothing.

It knows no database, no journal and no person. What the mind says and what the jail does come
in as functions, so the synthesis bench searches exactly as a message does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal

from batos.engines.contract import Completion, Request
from batos.synthesis.choice import choose, nearest, nearly
from batos.synthesis.edits import constants_in, edits_of, in_turns
from batos.synthesis.lessons import Lesson
from batos.synthesis.reading import candidates_from
from batos.synthesis.values import Candidate, Choice, Reflection, Tried
from batos.synthesis.writing import STOP, prompt_for

Ask = Callable[[Request], list[Completion]]
"""Sends a request to the mind."""

TryOut = Callable[[list[Candidate]], list[Tried]]
"""Runs candidates in the jail."""

Stage = Literal["propose", "try", "edit", "repair"]

Watch = Callable[[Stage, str], None]
"""Told what happens."""

_MAX_TOKENS = 96
_THOUGHT_S = 180.0  # a busy machine thinks ten times as slowly as an idle one
_NEAR = 4  # candidates that are edited
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


def search(
    reflection: Reflection,
    ask: Ask,
    try_out: TryOut,
    effort: Effort,
    *,
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
        watch: Told what happens.
        rejected: Sources that a person does not want.
        lessons: What the mind may be shown; by default every lesson that there is.

    Returns:
        The choice, which may be that nothing stands, and everything that was tried.
    """
    quest = _Quest(reflection, ask, try_out, effort, watch, frozenset(rejected), lessons)
    for number in range(effort.rounds):
        quest.think(number)
        if not quest.stands and reflection.shown:
            quest.edit()
        if quest.stands:
            break
    return Searched(quest.choice, tuple(quest.tried), quest.samples, quest.tokens)


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
    def choice(self) -> Choice:
        """What the tries so far come to."""
        return choose(self.tried, self.samples)

    @property
    def stands(self) -> bool:
        """Whether something stands by now."""
        return self.choice.best is not None

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
        near = [item.candidate for item in nearly(self.tried, _NEAR)]
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
