"""What a connection brings along so that the objects it loads can run.

The universe stores names and source only. Whoever opens it binds a `Runtime` to it:
functions for the names of primitives, and a compiler for source. There is no global one,
so two universes in one process never share behaviour. What belongs to one transaction
only, its *context*, is bound beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, Protocol, cast, runtime_checkable

from batos.errors import ExtraMissing, NothingRuns, OutsideUniverse
from batos.kernel.delegation import ancestry

if TYPE_CHECKING:
    from batos.kernel.uvm_object import UvmObject


@dataclass(frozen=True)
class Runtime:
    """Functions for primitives, and a compiler for methods."""

    primitives: Mapping[str, Callable[..., object]]
    compile: Callable[[str], Callable[..., object]]

    def primitive(self, name: str) -> Callable[..., object]:
        """Return the function for `name`; an unknown name fails only when it is called."""

        def missing(*_args: object, **_keywords: object) -> object:
            raise ExtraMissing(name)

        return self.primitives.get(name, missing)


def _refuse(_source: str) -> NoReturn:
    raise NothingRuns


STILL = Runtime({}, _refuse)
"""With it a universe can be looked at, and nothing in it runs."""


class Jar(Protocol):
    """The part of a connection that the kernel uses."""

    @property
    def runtime(self) -> Runtime: ...

    @property
    def context(self) -> object: ...


@runtime_checkable
class Witness(Protocol):
    """A context that is told which methods its transaction puts into slots."""

    def saw_method(self, receiver: UvmObject, selector: str, method: object) -> None: ...


def tell_witness(receiver: UvmObject, selector: str, method: object) -> None:
    """Tell the running transaction's context of a method, if it listens."""
    jars = (candidate._p_jar for candidate in ancestry(receiver))
    context = getattr(next(filter(None, jars), None), "context", None)
    if isinstance(context, Witness):
        context.saw_method(receiver, selector, method)


def runtime_of(receiver: UvmObject) -> Runtime:
    """Return the runtime of the receiver's connection; see `jar_of`."""
    return jar_of(receiver).runtime


def context_of(receiver: UvmObject) -> object:
    """Return what the running transaction was opened with; see `jar_of`."""
    return jar_of(receiver).context


def jar_of(receiver: UvmObject) -> Jar:
    """Return the receiver's connection.

    An object that is not stored yet has none of its own: the nearest ancestor's counts.

    Raises:
        OutsideUniverse: Neither it nor any ancestor belongs to a connection.
    """
    for candidate in ancestry(receiver):
        jar = cast("Jar | None", candidate._p_jar)
        if jar is not None:
            return jar
    raise OutsideUniverse(repr(receiver))
