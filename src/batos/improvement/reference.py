"""What a method does to a receiver: run guarded, which is what counts, or plainly, to try many.

Both run in this process, so both are for sources that belong to the project: references,
and the mutants of references. What a mind wrote goes to the jail.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from batos.improvement.task import Companion, Task, receiver_of, selector_of
from batos.kernel.message import send
from batos.kernel.method import Method, is_behaviour
from batos.kernel.runtime import Runtime
from batos.kernel.uvm_object import put
from batos.kernel.values import plain
from batos.sandbox.policy import compile_method
from batos.sandbox.world import capture, rebuild
from batos.synthesis.examples import agrees

_RUNTIME = Runtime({}, compile_method)


@dataclass(frozen=True)
class Inputs:
    """What one call begins with."""

    given: Mapping[str, object]  # the receiver's data
    args: tuple[object, ...]


@dataclass(frozen=True)
class Effect:
    """What came of one call."""

    result: object
    after: Mapping[str, object]  # the receiver's data

    def equals(self, other: Effect | None) -> bool:
        """Tell whether a judge could not tell them apart."""
        if other is None:
            return False
        return agrees(self.result, other.result) and agrees(dict(self.after), dict(other.after))


Behaviour = Callable[[Inputs], Effect | None]
"""What a method does; None: it raises an error."""


def guarded(task: Task, inputs: Inputs) -> Effect:
    """Run a task's reference as a universe would.

    Raises:
        SourceRefused: The gate refuses the reference.
        Exception: Whatever the reference raises.
    """
    receiver = receiver_of(task)
    world = rebuild(capture(receiver, ()).to_json(), _RUNTIME)
    put(world.receiver, task.selector, Method(task.reference, {}))
    for name, value in inputs.given.items():
        setattr(world.receiver, name, _fresh(value))
    result = plain(send(world.receiver, task.selector, *map(_fresh, inputs.args)))
    own = world.receiver._slots.items()
    after = {
        name: plain(value)
        for name, value in own
        if not (is_behaviour(value) or name.endswith("*") or name in task.companions)
    }
    return Effect(result, after)


def plainly(
    source: str, methods: tuple[str, ...], companions: Mapping[str, Companion]
) -> Behaviour:
    """Return what a method does, run by Python itself: a hundred times as fast."""
    kind = _kind((*methods, source))
    held = {name: (_kind(it.methods), it.slots) for name, it in companions.items()}
    selector = selector_of(source)

    def run(inputs: Inputs) -> Effect | None:
        receiver = _made(kind, inputs.given)
        others = {name: _made(*it) for name, it in held.items()}
        receiver.__dict__.update(others)
        try:
            result = getattr(receiver, selector)(*map(_fresh, inputs.args))
        except Exception:  # a mutant may raise anything
            return None
        left = receiver.__dict__.items()
        return Effect(result, {name: value for name, value in left if name not in held})

    return run


def _kind(methods: tuple[str, ...]) -> type:
    defined: dict[str, object] = {}
    for source in methods:
        exec(compile(source, "<reference>", "exec"), {}, defined)  # noqa: S102  ours, see above
    return type("Plain", (), defined)


def _made(kind: type, slots: Mapping[str, object]) -> object:
    made: object = kind()
    made.__dict__.update({name: _fresh(value) for name, value in slots.items()})
    return made


def _fresh(value: object) -> object:
    """Return a copy that nobody else can change."""
    if isinstance(value, list):
        return [_fresh(item) for item in value]
    if isinstance(value, dict):
        items = cast("dict[object, object]", value).items()
        return {key: _fresh(item) for key, item in items}
    return value
