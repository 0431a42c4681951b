"""An exam: a mind sits a task, and so do the controls; what comes of it is a paper.

The mind is asked as the product asks it. What is hidden from it judges everybody, after the
fact. How many tasks were solved, and how sure that is, is `scores`'s business.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from batos.engines.contract import Completion, Request
from batos.improvement.controls import most_common, recycled
from batos.improvement.task import Kind, Task, receiver_of
from batos.improvement.withholding import in_the_words_of, other_lessons
from batos.kernel.uvm_object import UvmObject
from batos.synthesis.choice import choose, nearly
from batos.synthesis.claims import claims_for
from batos.synthesis.edits import constants_in, edits_of, in_turns
from batos.synthesis.examples import Example
from batos.synthesis.inputs import probes_for
from batos.synthesis.lessons import Lesson
from batos.synthesis.properties import PropertyVerdict, Result, check
from batos.synthesis.reading import candidates_from
from batos.synthesis.reflection import reflect_on
from batos.synthesis.search import NEAR, Ask, Effort, search
from batos.synthesis.trial import Trials, try_out
from batos.synthesis.values import Candidate, Choice, Reflection, Tried

SIZES = (1, 2, 4, 8, 16)  # of best-of-n

_MOST_REQUESTS = 4
_OTHER_SEEDS = 2**30  # beyond all that a search takes

Mark = Literal["right", "wrong", "none"]
"""right: agrees with every example, the hidden ones, too. none: it abstained."""


@dataclass(frozen=True)
class Paper:
    """What came of one task."""

    task: str
    family: str
    kind: Kind
    shown: bool  # whether the mind had the visible examples
    search: Mark  # all that the mind and the jail could do
    best_of: Mapping[int, Mark]  # n plain samples and execution: no edits, no repair
    greedy: Mark  # one sample, the likeliest, taken as it is
    most_common: Mark  # of plain samples, none of them run, for as many tokens
    recycled: Mark  # old programs, tried by execution, and no mind; needs examples
    samples: int
    tokens: int  # that the search took
    greedy_tokens: int
    seconds: float  # that the search took
    verdict: str
    source: str  # what the search chose
    edited: bool  # whether that is an edit of what the mind wrote
    broken: tuple[str, ...]  # claims of it that do not hold


def sit(task: Task, ask: Ask, jail: Trials, effort: Effort, *, shown: bool = True) -> Paper:
    """Let a mind and the controls sit a task.

    Args:
        task: What is asked.
        ask: The mind.
        jail: Where candidates are tried.
        effort: How much thought the search may spend; its seed is used as it is.
        shown: Whether examples are shown; without them execution consensus has to do.
    """
    desk = _Desk(task, jail, task.visible if shown else ())
    reflection = reflect_on(desk.receiver, task.message, desk.examples)
    heard = _Heard(ask)

    lessons = other_lessons(reflection, lambda candidate: desk.mark(candidate) == "right")
    searched = search(
        reflection, heard, desk.try_out, effort, check=desk.check(reflection), lessons=lessons
    )

    most = effort.samples * effort.rounds
    texts = [it.text for it in _plain(heard, most)]
    best_of = {
        size: desk.marked(choose(desk.try_out(candidates_from(texts[:size], reflection)), size))
        for size in SIZES
        if size <= most
    }
    greedy = _greedy(heard)
    best = searched.choice.best.candidate if searched.choice.best else None
    unexecuted = [it.text for it in _for_as_many_tokens(heard, searched.tokens)]
    return Paper(
        task=task.name,
        family=task.family,
        kind=task.kind,
        shown=shown,
        search=desk.marked(searched.choice),
        best_of=best_of,
        greedy=desk.mark(_first(candidates_from((it.text for it in greedy), reflection))),
        most_common=desk.mark(most_common(candidates_from(unexecuted, reflection))),
        recycled=_recycled(desk, reflection, lessons) if shown else "none",
        samples=searched.samples,
        tokens=searched.tokens,
        greedy_tokens=sum(it.tokens for it in greedy),
        seconds=round(searched.seconds, 3),
        verdict=searched.choice.verdict,
        source=best.source if best else "",
        edited=best is not None and not best.samples,
        broken=tuple(str(it) for it in searched.properties if it.result is Result.BROKEN),
    )


def hold(
    tasks: Iterable[Task],
    ask: Ask,
    jail: Trials,
    effort: Effort,
    *,
    arms: Sequence[bool] = (True,),
    done: Container[tuple[str, bool]] = (),
) -> Iterator[Paper]:
    """Yield the papers of an exam as they come.

    Args:
        tasks: What is asked.
        ask: The mind.
        jail: Where candidates are tried.
        effort: How much thought a task is worth; each has a seed of its own.
        arms: With examples, without, or one after the other.
        done: Name and arm of tasks that were sat before.
    """
    for task in tasks:
        for shown in arms:
            if (task.name, shown) not in done:
                own = replace(effort, seed=_seed(task, effort.seed))
                yield sit(task, ask, jail, own, shown=shown)


def _seed(task: Task, seed: int) -> int:
    digest = hashlib.sha256(f"{seed} {task.name}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % 2**30  # a repair takes the next one


@dataclass
class _Heard:
    """A mind, and all that it was asked and said, in order."""

    ask: Ask
    said: list[tuple[Request, list[Completion]]] = field(default_factory=list)

    def __call__(self, request: Request) -> list[Completion]:
        completions = self.ask(request)
        self.said.append((request, completions))
        return completions

    @property
    def first(self) -> Request:
        """What it was asked before anything was tried."""
        return self.said[0][0]

    @property
    def plain(self) -> list[Completion]:
        """Its samples for that prompt; the others knew of a failure."""
        asked = self.first.prompt
        return [it for request, said in self.said if request.prompt == asked for it in said]


class _Desk:
    """A task on its way: tries each method once, and judges by what is hidden."""

    def __init__(self, task: Task, jail: Trials, examples: tuple[Example, ...]) -> None:
        self.task = task
        self.examples = examples
        self.receiver: UvmObject = receiver_of(task)
        self._jail = jail
        self._tried: dict[str, Tried] = {}
        self._marks: dict[str, Mark] = {}

    def try_out(self, candidates: Sequence[Candidate]) -> list[Tried]:
        """Try candidates on the examples that the mind may be judged by."""
        return [replace(self._try(it), candidate=it) for it in candidates]

    def marked(self, choice: Choice) -> Mark:
        """Return the mark of what was chosen."""
        return self.mark(choice.best.candidate if choice.best else None)

    def mark(self, candidate: Candidate | None) -> Mark:
        """Return the mark of a candidate, or of none."""
        if candidate is None:
            return "none"
        if candidate.source not in self._marks:
            everything = (*self.task.visible, *self.task.hidden)
            (tried,) = self._run(candidate, everything)
            self._marks[candidate.source] = "right" if tried.stands else "wrong"
        return self._marks[candidate.source]

    def check(
        self, reflection: Reflection
    ) -> Callable[[Candidate], tuple[PropertyVerdict, ...]]:
        """Return what questions a candidate as the product does."""
        kinds, known = (*reflection.shapes, *reflection.kinds), reflection.understood
        claims = claims_for(
            reflection.selector,
            reflection.parameters,
            kinds,
            self.examples,
            [it.selector for it in known],
        )
        message = self.task.message
        return lambda candidate: check(
            claims, candidate, self.receiver, message, self.examples, jail=self._jail
        )

    def _try(self, candidate: Candidate) -> Tried:
        if candidate.source not in self._tried:
            (self._tried[candidate.source],) = self._run(candidate, self.examples)
        return self._tried[candidate.source]

    def _run(self, candidate: Candidate, examples: tuple[Example, ...]) -> list[Tried]:
        message = self.task.message
        probes = probes_for(self.receiver, message, self.examples)
        return try_out(self._jail, [candidate], self.receiver, message, examples, probes=probes)


def _greedy(heard: _Heard) -> list[Completion]:
    """Return the likeliest sample for the first thing that the mind was asked."""
    return heard.ask(replace(heard.first, n=1, temperature=0.0))


def _plain(heard: _Heard, count: int) -> list[Completion]:
    """Return so many samples for the first prompt; more are asked for if there were fewer."""
    plain = heard.plain
    if len(plain) < count:
        seed = (heard.first.seed or 0) + _OTHER_SEEDS
        plain += heard(replace(heard.first, n=count - len(plain), seed=seed))
    return plain


def _for_as_many_tokens(heard: _Heard, tokens: int) -> list[Completion]:
    """Return plain samples that cost what the search did; a repair's tokens become more."""
    plain, first = heard.plain, heard.first
    for turn in range(1, _MOST_REQUESTS):
        spent = sum(it.tokens for it in plain)
        if spent >= tokens:
            break
        needed = math.ceil((tokens - spent) / max(1.0, spent / len(plain)))
        seed = (first.seed or 0) + _OTHER_SEEDS + turn
        plain += heard.ask(replace(first, n=min(needed, first.n), seed=seed))
    return _until(plain, tokens)


def _until(plain: list[Completion], tokens: int) -> list[Completion]:
    """Return the first samples, as many as cost that much."""
    kept: list[Completion] = []
    for completion in plain:
        if kept and sum(it.tokens for it in kept) >= tokens:
            break
        kept.append(completion)
    return kept


def _first(candidates: Sequence[Candidate]) -> Candidate | None:
    return candidates[0] if candidates else None


def _recycled(desk: _Desk, reflection: Reflection, lessons: Sequence[Lesson]) -> Mark:
    """Return the mark of the first old program that agrees with the visible examples.

    The lessons that the mind may see are among them, and all get the same small edits as
    what a mind writes.
    """
    tried = []
    taught = [it for lesson in lessons for it in in_the_words_of(reflection, lesson)]
    for candidate in (*recycled(desk.task), *taught):
        (it,) = desk.try_out([candidate])
        if it.stands:
            return desk.mark(candidate)
        tried.append(it)
    constants, slots = constants_in(reflection.shown), tuple(reflection.slots)
    series = [edits_of(it.candidate.source, slots, constants) for it in nearly(tried, NEAR)]
    for source in in_turns(series, Effort().edits):
        (it,) = desk.try_out([Candidate(source, 0)])
        if it.stands:
            return desk.mark(it.candidate)
    return "none"
