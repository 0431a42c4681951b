"""Whether a method can move up to a prototype, and still be the one that answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from batos.errors import PromotionRefused
from batos.kernel.delegation import ancestry, parents_of
from batos.kernel.method import Method

if TYPE_CHECKING:
    from batos.kernel.uvm_object import UvmObject


def promotion(
    obj: UvmObject,
    selector: str,
    to: UvmObject | None,
    name_of: Callable[[UvmObject], str] = repr,
) -> tuple[UvmObject, Method]:
    """Return where an object's own method could move up to, and the method.

    Args:
        obj: The object.
        selector: The method.
        to: The prototype; None for the first parent.
        name_of: What a person calls an object.

    Raises:
        PromotionRefused: It has no such method of its own, or the prototype cannot take it
            or would not be asked for it.
    """
    method, parents = obj._slots.get(selector), parents_of(obj)
    target = to or (parents[0] if parents else None)
    if not isinstance(method, Method):
        raise PromotionRefused(
            selector, repr(target), "the object has no such method of its own"
        )
    if target is None:
        raise PromotionRefused(selector, "a prototype", "the object has none")
    flaw = _why_not(obj, selector, target, name_of)
    if flaw is not None:
        raise PromotionRefused(selector, name_of(target), flaw)
    return target, method


def _why_not(
    obj: UvmObject, selector: str, target: UvmObject, name_of: Callable[[UvmObject], str]
) -> str | None:
    if target._sealed:
        return "it is primordial, and every object would get the method"
    if selector in target._slots:
        return "it has a slot of this name already"
    for asked in ancestry(obj):
        if asked is target and asked is not obj:
            return None
        if asked is not obj and selector in asked._slots:
            return f"{name_of(asked)} is asked before it, and has a slot of this name"
    return "the object does not delegate to it"
