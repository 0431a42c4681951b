"""What a family draws: a method, and where the values come from that it is tried with.

A family is a function from a source of chance to a `Sketch`. It is one idea; what it draws
are names, constants and wordings, so that one family gives many tasks.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from batos.improvement.task import Companion, Kind, Split

Draw = Random
Make = Callable[[Draw], object]
"""Draws one value for a slot or an argument."""


@dataclass(frozen=True)
class Sketch:
    """A method task before its values are drawn."""

    selector: str
    body: str  # of the reference: one statement a line
    slots: Mapping[str, Make]
    args: Mapping[str, Make] = field(default_factory=dict)
    methods: tuple[str, ...] = ()
    companions: Mapping[str, Companion] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """The reference."""
        return method(self.selector, self.body, *self.args)


Sketches = tuple[Callable[[Draw], Sketch], ...]


@dataclass(frozen=True)
class Family:
    """One idea of a method."""

    name: str
    kind: Kind
    split: Split
    sketch: Callable[[Draw], Sketch]


def method(selector: str, body: str, *parameters: str) -> str:
    """Return a method's source."""
    head = f"def {selector}({', '.join(('self', *parameters))}):\n"
    return head + textwrap.indent(textwrap.dedent(body).strip("\n"), "    ")


def families(kind: Kind, *, practice: Sketches, final: Sketches) -> tuple[Family, ...]:
    """Name families for their functions.

    Which are practice and which final was drawn once; written down, it stays as it is when
    a family is added, so that nothing that was looked at ever becomes final.
    """
    splits: dict[Split, Sketches] = {"practice": practice, "final": final}
    return tuple(
        Family(f"{kind}.{it.__name__.strip('_')}", kind, split, it)
        for split, sketches in splits.items()
        for it in sketches
    )


# --- values -------------------------------------------------------------------------------


NAMES = ("ada", "bo", "cleo", "dan", "eve", "finn", "gus", "hana", "ida", "jon", "kim", "lea")
WORDS = (
    *("apple", "bread", "chair", "door", "egg", "fish", "garden", "house", "ice", "juice"),
    *("kite", "lamp", "moon", "nest", "oak", "pear", "queen", "river", "stone", "tea"),
    *("level", "noon", "radar", "up", "a", "on", "banana", "letter", "coffee", "balloon"),
)


def whole(low: int, high: int) -> Make:
    """A whole number, both ends included; the ends come up more often than by chance."""

    def make(draw: Draw) -> object:
        return draw.choice((low, high)) if draw.random() < 0.1 else draw.randint(low, high)

    return make


def one_of(*values: object) -> Make:
    """One of these."""
    return lambda draw: draw.choice(values)


def word(draw: Draw) -> object:
    """A short word in lower case."""
    return draw.choice(WORDS)


def name(draw: Draw) -> object:
    """A first name in lower case."""
    return draw.choice(NAMES)


def sentence(least: int = 1, most: int = 5) -> Make:
    """Some words, with spaces between them."""
    return lambda draw: " ".join(draw.choices(WORDS, k=draw.randint(least, most)))


def many(make: Make, least: int = 1, most: int = 6) -> Make:
    """A list of such values."""
    return lambda draw: [make(draw) for _ in range(draw.randint(least, most))]


def mapping(make: Make, least: int = 1, most: int = 4) -> Make:
    """A dict from names to such values."""

    def draw_it(draw: Draw) -> object:
        keys = draw.sample(NAMES[:6], draw.randint(least, most))
        return {key: make(draw) for key in keys}

    return draw_it
