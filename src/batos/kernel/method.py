"""Behaviour that lies in a slot: a `Method` has source, a `Primitive` has only a name.

Neither holds a function, so a universe can be read by a Python that lacks the code, and
nothing that runs is ever unpickled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MethodType
from typing import TYPE_CHECKING

from persistent import Persistent

from batos.kernel.runtime import runtime_of

if TYPE_CHECKING:
    from batos.kernel.uvm_object import UvmObject


@dataclass(frozen=True)
class Primitive:
    """The name of behaviour that the running program brings along."""

    name: str

    def __setstate__(self, state: dict[str, str]) -> None:
        """Take a record's state; with it, no record can give the class itself one."""
        self.__dict__.update(state)


class Method(Persistent):  # type: ignore[misc]  # persistent is untyped
    """A method as source, with where it came from; compiled when it first runs.

    A method is never edited: a change puts a new one in its place, and the history of the
    slot is the history of the method.
    """

    def __init__(self, source: str, provenance: Mapping[str, object]) -> None:
        self.source = source
        self.provenance = dict(provenance)  # read only: who or what wrote it, why, with what

    def function(self, receiver: UvmObject) -> Callable[..., object]:
        """Return the compiled function, compiling it on first use.

        Raises:
            SourceRefused: The language gate refuses the source (its rules may have changed
                since the method was written).
        """
        compiled: Callable[..., object] | None = getattr(self, "_v_function", None)
        if compiled is None:
            runtime = runtime_of(receiver)
            compiled = runtime.compile(self.source)
            if runtime.watch is not None:
                compiled = runtime.watch(self, compiled)
            self._v_function = compiled
        return compiled


_BEHAVIOUR = (Method, Primitive)


def bind(value: object, receiver: UvmObject) -> object:
    """Return what a slot's value means to `receiver`: behaviour is bound, data is itself."""
    if is_behaviour(value):
        return MethodType(behaviour_of(value, receiver), receiver)
    return value


def behaviour_of(value: object, receiver: UvmObject) -> Callable[..., object]:
    """Return the function that a slot's behaviour is, for the receiver's connection.

    Raises:
        SourceRefused, OutsideUniverse: It cannot be compiled, or nothing runs it.
    """
    if isinstance(value, Method):
        return value.function(receiver)
    assert isinstance(value, Primitive)  # noqa: S101  there is no other kind
    return runtime_of(receiver).primitive(value.name)


def is_behaviour(value: object) -> bool:
    """Tell whether a slot's value is run rather than read."""
    return isinstance(value, _BEHAVIOUR)
