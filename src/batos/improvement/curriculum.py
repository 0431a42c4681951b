"""Method tasks from a seed: the same seed gives the same tasks, in any process.

A family sketches a method; its examples come from running it, and are chosen so that they
tell it from its mutants. Families were split once and for all, so that what was looked at in
practice is never what the final exam asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from random import Random

from batos.improvement.families.dates import DATES
from batos.improvement.families.dicts import DICTS
from batos.improvement.families.ensembles import ENSEMBLES
from batos.improvement.families.lists import LISTS
from batos.improvement.families.machines import MACHINES
from batos.improvement.families.numbers import NUMBERS
from batos.improvement.families.records import RECORDS
from batos.improvement.families.sketch import Draw, Family, Sketch
from batos.improvement.families.strings import STRINGS
from batos.improvement.mutants import limits_of, mutants_of
from batos.improvement.reference import Effect, Inputs, guarded, plainly
from batos.improvement.task import Split, Task
from batos.synthesis.examples import Example, agrees

FAMILIES: tuple[Family, ...] = (
    *(*NUMBERS, *STRINGS, *LISTS, *DICTS),
    *(*RECORDS, *MACHINES, *DATES, *ENSEMBLES),
)

VISIBLE = 3
HIDDEN = 6  # at least; more where that takes more mutants
MUTANTS_KILLED = 0.8  # of those that do something else, by all examples together
_MOST_HIDDEN = 8
_POOL = 60  # inputs to choose the examples from
_ATTEMPTS = 20
_REDRAWS = 12  # for a method that the same draw has not had


def draw_tasks(count: int, seed: int, split: Split) -> list[Task]:
    """Return tasks, as many of each family as of any other, give or take one.

    Where a family has enough to say, its tasks are of different methods.
    """
    families = [family for family in FAMILIES if family.split == split]
    Random(f"order {seed} {split}").shuffle(families)  # noqa: S311  no secret
    seen: set[str] = set()
    return [
        _unlike(family, f"{seed}.{number}", seen)
        for number, family in enumerate(islice(cycle(families), count))
    ]


def _unlike(family: Family, seed: str, seen: set[str]) -> Task:
    """Return a task whose method was not seen, as far as that is possible."""
    sketch = family.sketch(Random(f"{family.name} {seed}"))  # noqa: S311
    for redraw in range(_REDRAWS):
        if sketch.source not in seen:
            break
        sketch = family.sketch(Random(f"{family.name} {seed} {redraw}"))  # noqa: S311
    seen.add(sketch.source)
    return task_of(family, seed, sketch)


def task_of(family: Family, seed: str, sketch: Sketch | None = None) -> Task:
    """Return a family's task for a seed.

    Args:
        family: Where it comes from.
        seed: Decides everything that is drawn.
        sketch: The method, if it was drawn already.

    Raises:
        ValueError: The family cannot say enough to tell its method from wrong ones.
    """
    name = f"{family.name}/{seed}"
    draw = Random(name)  # noqa: S311  no secret
    sketch = sketch or family.sketch(draw)
    for _ in range(_ATTEMPTS):
        pool = _Pool.drawn(sketch, draw)
        if len(pool.inputs) < VISIBLE + HIDDEN:
            continue
        chosen = pool.choose(draw)
        if pool.killed(chosen) >= MUTANTS_KILLED:
            return _written(family, name, sketch, [pool.inputs[it] for it in chosen])
    raise ValueError(f"{name}: too few inputs tell {sketch.source!r} from its mutants")


def inputs_of(sketch: Sketch, draw: Draw, count: int) -> Iterator[tuple[Inputs, Effect]]:
    """Yield different inputs that the sketched method has an answer for, and what it does."""
    behaviour = plainly(sketch.source, sketch.methods, sketch.companions)
    seen: set[str] = set()
    for _ in range(count):
        inputs = Inputs(
            {name: make(draw) for name, make in sketch.slots.items()},
            tuple(make(draw) for make in sketch.args.values()),
        )
        if repr(inputs) in seen:
            continue
        seen.add(repr(inputs))
        effect = behaviour(inputs)
        if effect is not None and effect.result is not None:
            yield inputs, effect


@dataclass(frozen=True)
class _Pool:
    """Inputs, what is right for them, and which mutants each of them kills."""

    inputs: list[Inputs]
    effects: list[Effect]
    kills: list[frozenset[int]]  # numbers of mutants, for each input

    @classmethod
    def drawn(cls, sketch: Sketch, draw: Draw) -> _Pool:
        drawn = list(islice(inputs_of(sketch, draw, 3 * _POOL), _POOL))
        sources = mutants_of(sketch.source, sketch.slots) + _guesses(sketch, drawn)
        wrong = [plainly(it, sketch.methods, sketch.companions) for it in sources]
        does = [[run(inputs) for run in wrong] for inputs, _ in drawn]
        runs = {at for row in does for at, effect in enumerate(row) if effect is not None}
        kills = [  # one that raises an error everywhere is too easy to count
            frozenset(at for at in runs if not effect.equals(row[at]))
            for (_, effect), row in zip(drawn, does, strict=True)
        ]
        return cls([it for it, _ in drawn], [it for _, it in drawn], kills)

    def choose(self, draw: Draw) -> list[int]:
        """Return which inputs become examples, the visible ones first."""
        order = list(range(len(self.inputs)))
        draw.shuffle(order)
        visible = self._telling(order)
        hidden: list[int] = []
        alive = frozenset().union(*self.kills) - self._killed(visible)
        rest = [at for at in order if at not in visible]
        while rest and len(hidden) < (_MOST_HIDDEN if alive else HIDDEN):
            best = max(rest, key=lambda at: len(self.kills[at] & alive))
            rest.remove(best)
            hidden.append(best)
            alive -= self.kills[best]
        draw.shuffle(hidden)
        return [*visible, *hidden]

    def killed(self, chosen: Sequence[int]) -> float:
        """Return the share of the mutants that do something else which these inputs tell."""
        different = frozenset().union(*self.kills)
        return len(self._killed(chosen)) / len(different) if different else 1.0

    def _telling(self, order: Sequence[int]) -> list[int]:
        """Return three as a person is asked to show them: telling, and not all with the same
        answer. The last one is the one that the writer does not see."""
        first = max(order, key=lambda it: len(self.kills[it]))
        answer, others = self.effects[first].result, [it for it in order if it != first]
        unlike = [it for it in others if not agrees(answer, self.effects[it].result)]
        second = self._most_telling(unlike or others, [first])
        others.remove(second)
        return [first, second, self._most_telling(others, [first, second])]

    def _most_telling(self, among: Sequence[int], chosen: Sequence[int]) -> int:
        killed = self._killed(chosen)
        return max(among, key=lambda it: len(self.kills[it] - killed))

    def _killed(self, chosen: Sequence[int]) -> frozenset[int]:
        return frozenset[int]().union(*(self.kills[at] for at in chosen))


def _guesses(sketch: Sketch, drawn: list[tuple[Inputs, Effect]]) -> tuple[str, ...]:
    """Return the guesses by one limit, if the method says yes or no."""
    if not all(isinstance(effect.result, bool) for _, effect in drawn):
        return ()
    places: dict[str, set[int]] = {}
    for inputs, _ in drawn:
        slots = {f"self.{name}": value for name, value in inputs.given.items()}
        arguments = dict(zip(sketch.args, inputs.args, strict=True))
        for place, value in (slots | arguments).items():
            if type(value) is int:
                places.setdefault(place, set()).add(value)
    return limits_of(sketch.source, {place: sorted(them) for place, them in places.items()})


def _written(family: Family, name: str, sketch: Sketch, inputs: list[Inputs]) -> Task:
    """Return the task, with what the reference answers as a universe would run it."""
    message = inputs[VISIBLE]
    task = Task(
        name=name,
        family=family.name,
        kind=family.kind,
        split=family.split,
        selector=sketch.selector,
        slots=message.given,
        args=message.args,
        reference=sketch.source,
        visible=(),
        hidden=(),
        methods=sketch.methods,
        companions=sketch.companions,
    )
    effects = [guarded(task, it) for it in inputs]
    written = {
        slot
        for it, effect in zip(inputs, effects, strict=True)
        for slot, value in effect.after.items()
        if repr(it.given[slot]) != repr(value)
    }
    examples = [
        Example(it.args, effect.result, it.given, effect.after)
        for it, effect in zip(inputs, effects, strict=True)
    ]
    visible = tuple(_shown(it, written) for it in examples[:VISIBLE])
    return replace(task, visible=visible, hidden=tuple(examples[VISIBLE:]))


def _shown(example: Example, written: set[str]) -> Example:
    """Return an example as a person would write it: of slots afterwards only the changed."""
    after = {slot: value for slot, value in example.after.items() if slot in written}
    return replace(example, after=after)
