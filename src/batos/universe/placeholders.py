"""Records of classes that are not here, made visible: the half of safe mode that reads.

A universe that is older, newer or from elsewhere may name classes that this program lacks
or does not trust. Nothing of theirs is imported or called; a record keeps its raw state,
so that it can be looked at and the rest of the universe can be read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from persistent import Persistent

from batos.universe.records import Call, class_with_a_place


class UnknownRecord(Persistent):  # type: ignore[misc]  # persistent is untyped
    """What stands for an object whose class is not here; it is looked at, never written."""

    record_class = ""  # module and name, as the record says

    def __new__(cls, *args: object, **keywords: object) -> UnknownRecord:
        made: UnknownRecord = Persistent.__new__(cls)
        made.__dict__["arguments"] = (*args, *keywords.items())
        return made

    def __init__(self, *_args: object, **_keywords: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        self.__dict__["state"] = state

    def __getstate__(self) -> object:
        return self.__dict__.get("state")

    def __repr__(self) -> str:
        return f"a record of {self.record_class}"

    # --- what a pickle may do to an object, besides its state ---------------------------

    def append(self, item: object) -> None:
        """Keep an item of what was a list."""
        self.__dict__.setdefault("items", []).append(item)

    def __setitem__(self, key: object, value: object) -> None:
        self.append((key, value))

    # --- how it is looked at ------------------------------------------------------------

    @property
    def _slots(self) -> dict[str, object]:
        """What it holds by name, as far as it has names: so a renamed object shows slots."""
        state = self.__getstate__()
        if not isinstance(state, dict):
            return {key: value for key, value in self.__dict__.items() if value}
        slots = state.get("_slots", state)
        return slots if isinstance(slots, dict) else state


def shown_class(module: str, name: str) -> object:
    """Return the class that a record names, or one that only shows such a record."""
    if module in ("copyreg", "copy_reg"):  # what they call may be a placeholder
        called: Mapping[str, Callable[..., object]]
        called = {"_reconstructor": _reconstructed, "__newobj__": _made}
        return Call(called[name]) if name in called else _placeholder(module, name)
    found = class_with_a_place(module, name)
    return _placeholder(module, name) if found is None else found


@cache
def _placeholder(module: str, name: str) -> type[UnknownRecord]:
    return type("UnknownRecord", (UnknownRecord,), {"record_class": f"{module}.{name}"})


def _made(kind: Any, *args: object) -> object:
    return kind.__new__(kind, *args)


def _reconstructed(kind: Any, base: Any, state: object) -> object:
    if issubclass(kind, UnknownRecord) or issubclass(base, UnknownRecord):
        return kind(state)
    made = base.__new__(kind) if base is object else base.__new__(kind, state)
    if base is not object:
        base.__init__(made, state)
    return made
