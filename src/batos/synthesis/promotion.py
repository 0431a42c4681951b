"""Move a method up to a prototype: who would learn it, who would change, does it work there?

Nobody may answer otherwise than today. What the method does on those that learn it is tried
in the jail first, on a bounded number of them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from ZODB.utils import p64

from batos.errors import PromotionRefused
from batos.kernel import lookup
from batos.kernel.delegation import ancestry
from batos.kernel.message import Message
from batos.kernel.method import Method, is_behaviour
from batos.kernel.mirror import mirror
from batos.kernel.moving import promotion
from batos.kernel.runtime import context_of
from batos.kernel.uvm_object import UvmObject
from batos.synthesis.examples import Example, examples_in
from batos.synthesis.growth import Growth
from batos.synthesis.trial import try_out
from batos.synthesis.values import Candidate
from batos.universe.browser import Browser
from batos.universe.names import name_in
from batos.universe.universe import Root

_MOST_TRIED = 8  # siblings


@dataclass(frozen=True)
class Promotion:
    """What moving a method to a prototype did, or would do."""

    name: str
    selector: str
    prototype: str
    learned: tuple[str, ...]  # who understands it from then on, the prototype first
    tried_on: tuple[str, ...]  # of them, those on whose copies it was tried; all went well
    moved: bool  # False: it was a dry run


def promote(
    root: Root,
    obj: UvmObject,
    selector: str,
    to: UvmObject | None,
    message: Message | None,
    *,
    by: str,
    dry_run: bool,
) -> Promotion:
    """Move an object's own method to a prototype, in the transaction that is open.

    Args:
        root: The root.
        obj: The object.
        selector: The method.
        to: The prototype; None for the first parent.
        message: What the method grew for, if it did.
        by: Who does it.
        dry_run: Only find out what it would do.

    Raises:
        PromotionRefused: It cannot be moved, somebody would answer otherwise than today, or
            it does not work on one that would learn it.
    """

    def name_of(one: UvmObject) -> str:
        return name_in(root, one) or repr(one)

    target, method = promotion(obj, selector, to, name_of)
    learned, changed = _reach(root, obj, selector, target)
    if changed:
        why = "these would answer otherwise than today"
        raise PromotionRefused(selector, name_of(target), why, tuple(map(name_of, changed)))
    siblings = [one for one in learned if one is not target][:_MOST_TRIED]
    tried = [(one, _why_not(method, selector, obj, one, message)) for one in siblings]
    failed = [f"{name_of(one)}: {flaw}" for one, flaw in tried if flaw is not None]
    if failed:
        why = "it does not work on these"
        raise PromotionRefused(selector, name_of(target), why, tuple(failed))
    if not dry_run:
        mirror(obj).promote(selector, target, by=by, origin=name_of(obj))
    can_be_tried = message is not None or bool(examples_in(method.provenance))
    return Promotion(
        name_of(obj),
        selector,
        name_of(target),
        tuple(map(name_of, learned)),
        tuple(map(name_of, siblings)) if can_be_tried else (),
        not dry_run,
    )


def _reach(
    root: Root, obj: UvmObject, selector: str, target: UvmObject
) -> tuple[list[UvmObject], list[UvmObject]]:
    """Return who would learn the method, and who would answer otherwise than today."""
    learned, changed = [], []
    for one in (target, *_descendants(root, target)):
        now, then = lookup.find(one, selector), _holder_then(one, obj, selector, target)
        if now is None:
            learned.append(one)
        elif now.holder is not then and not (now.holder is obj and then is target):
            changed.append(one)
    return learned, changed


def _descendants(root: Root, target: UvmObject) -> Iterator[UvmObject]:
    connection = root._p_jar  # type: ignore[attr-defined]
    for oid in Browser(root).descendants(target):
        yield cast("UvmObject", connection.get(p64(oid)))


def _holder_then(
    one: UvmObject, obj: UvmObject, selector: str, target: UvmObject
) -> UvmObject | None:
    """Return whose slot would answer after the move."""
    for holder in ancestry(one):
        if holder is target or (holder is not obj and selector in holder._slots):
            return holder
    return None


def _why_not(
    method: Method, selector: str, obj: UvmObject, sibling: UvmObject, message: Message | None
) -> str | None:
    """Return why a method that works on one object does not on another, or None."""
    needed = _data_read(method.source, obj)
    missing = [name for name in needed if lookup.find(sibling, name) is None]
    if missing:
        return f"it has no {', '.join(missing)}"
    examples = [_carried_over(one, needed) for one in examples_in(method.provenance)]
    sent = message or (Message(selector, examples[0].args) if examples else None)
    if sent is None:
        return None
    growth = cast("Growth", context_of(obj))
    candidate = Candidate(method.source, 0)
    (tried,) = try_out(growth.jail(), [candidate], sibling, sent, tuple(examples))
    if any(tried.wrong):
        return next(filter(None, tried.wrong))
    fails = tried.flaw is not None and tried.flaw.startswith(("raises", "killed", "refused"))
    return tried.flaw if fails and not examples else None


def _carried_over(example: Example, needed: Sequence[str]) -> Example:
    """Return an example as it holds of others: what it left open was the receiver's own."""
    is_whole = all(name in example.given for name in needed)
    return example if is_whole else Example(example.args, given=example.given)


def _data_read(source: str, obj: UvmObject) -> list[str]:
    """Return the data of an object that a method's source names."""
    names = dict.fromkeys(
        node.attr for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)
    )
    found = {name: lookup.find(obj, name) for name in names}
    return [name for name, slot in found.items() if slot and not is_behaviour(slot.value)]
