"""Look at an object, or change it, without sending it a message."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from batos.errors import NoSuchMethod
from batos.kernel import delegation, lookup
from batos.kernel.lookup import Found
from batos.kernel.method import Method, is_behaviour
from batos.kernel.runtime import runtime_of
from batos.kernel.uvm_object import UvmObject, remove_slot, write_slot


class Mirror:
    """What one object is made of. Nothing here wakes a mind or runs a method."""

    def __init__(self, obj: UvmObject) -> None:
        self._obj = obj

    def slots(self) -> Mapping[str, object]:
        """Return the object's own slots, parents and behaviour among them, read only."""
        return MappingProxyType(self._obj._slots)

    def data(self) -> dict[str, object]:
        """Return the object's own data: no parents, no behaviour."""
        return {
            name: value
            for name, value in self._obj._slots.items()
            if not name.endswith(delegation.PARENT_MARK) and not is_behaviour(value)
        }

    def parents(self) -> tuple[UvmObject, ...]:
        """Return the objects it delegates to, from left to right."""
        return delegation.parents_of(self._obj)

    def find(self, selector: str) -> Found | None:
        """Return the slot that `selector` leads to and its holder, or None."""
        return lookup.find(self._obj, selector)

    def understands(self, selector: str) -> bool:
        """Tell whether the object or an ancestor has a slot of this name."""
        return lookup.find(self._obj, selector) is not None

    def selectors(self) -> list[str]:
        """Return every name it understands, its own first."""
        return delegation.selectors(self._obj)

    def set(self, name: str, value: object) -> None:
        """Write a slot of its own, a parent slot such as `parent*` included.

        Raises:
            SlotRefused: The name cannot be a slot's.
            NotStorable: The value cannot last.
        """
        write_slot(self._obj, name, value)

    def remove(self, name: str) -> None:
        """Take one of its own slots away.

        Raises:
            SlotRefused: It has no such slot of its own.
        """
        remove_slot(self._obj, name)

    def define(self, source: str, provenance: Mapping[str, object] | None = None) -> str:
        """Install a method from its source, through the same gate as a generated one.

        Returns:
            The selector: the name in the source's `def`.

        Raises:
            SourceRefused: The language gate refuses the source.
            SlotRefused: The name cannot be a slot's.
        """
        selector = runtime_of(self._obj).compile(source).__name__
        write_slot(self._obj, selector, Method(source, provenance or {"by": "a person"}))
        return selector

    def method(self, selector: str) -> Method:
        """Return the method that `selector` leads to.

        Raises:
            NoSuchMethod: It leads to nothing, or to something without source.
        """
        found = lookup.find(self._obj, selector)
        if found is None or not isinstance(found.value, Method):
            raise NoSuchMethod(selector, tuple(self._methods()))
        return found.value

    def _methods(self) -> Iterator[str]:
        for name in delegation.selectors(self._obj):
            found = lookup.find(self._obj, name)
            if found is not None and isinstance(found.value, Method):
                yield name

    def seal(self) -> None:
        """Make the object primordial: generated methods may not write to it."""
        self._obj._p_changed = True  # first: it loads the object, which forgets what is unsaved
        self._obj.__dict__["_sealed"] = True


def mirror(obj: UvmObject) -> Mirror:
    """Return a mirror on `obj`."""
    return Mirror(obj)
