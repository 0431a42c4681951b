"""Commands that look at objects and send nothing: inspect, source."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import click

from batos.errors import NoSuchMethod, WeightsDamaged
from batos.kernel.delegation import PARENT_MARK
from batos.kernel.method import Method, Primitive
from batos.kernel.mirror import Slot, mirror
from batos.kernel.uvm_object import UvmObject
from batos.synthesis.values import brief
from batos.universe.delivery import RECEIPTS
from batos.universe.journal import Proposal, State
from batos.universe.names import named_object, shown
from batos.universe.placeholders import UnknownRecord
from batos.universe.states import names_in, own_slots, shown_slots
from batos.workbench.options import Options, at_option, command
from batos.workbench.proposal_page import origin_page
from batos.workbench.tables import table

if TYPE_CHECKING:
    from batos.universe.universe import Root

Answer = tuple[str, object]  # for a person, and as data

_PROVENANCE_LINES = (
    "by",
    "approved_by",
    "verdict",
    "proposal",
    "seed",
    "mind",
    "policy_version",
)
_WITH_VALUES = ("data", "parent")  # behaviour is told in words; `source` has its text
_NO_OBJECTS = {
    "journal": "the record of what was proposed; `batos pending list --all` shows it",
    RECEIPTS: "the receipts of messages that were sent under an id",
}


@command("inspect")
@click.argument("name", required=False)
@at_option
@click.pass_obj
def inspect(options: Options, name: str | None, when: str | None) -> None:
    """Show the slots of NAME, or every object that has a name. Sends no message.

    A slot shows what it holds and, where somebody noted it: since when, by what, and its
    comment. Below is what the parents disagree about.

    Example: batos inspect account
    """
    with options.look(when) as root:
        if name is None:
            text, data = _overview(root, _any_summary if options.safe else _summary)
        elif name in _NO_OBJECTS and name in root:
            said = _NO_OBJECTS[name]
            text, data = f"{name}: {said}.", {"name": name, "is": said}
        elif isinstance(root.get(name), UnknownRecord):
            text, data = _record(name, root)
        else:
            text, data = _object(name, root)
    options.answer(text, data)


@command("source")
@click.argument("name")
@click.argument("selector")
@click.option("--provenance", is_flag=True, help="All that is known of where it came from.")
@at_option
@click.pass_obj
def source(
    options: Options, name: str, selector: str, provenance: bool, when: str | None
) -> None:
    """Show the source of the method that NAME answers SELECTOR with, and its origin.

    Example: batos source account deposit_
    """
    with options.look(when) as root:
        method = _method(root, name, selector)
        text, origin = method.source, dict(method.provenance)
    if provenance:
        found = Proposal("", name, selector, text, origin, State.INSTALLED)
        options.answer("", {"source": text, "provenance": origin}, styled=origin_page(found))
        return
    kept = {key: origin[key] for key in _PROVENANCE_LINES if origin.get(key) is not None}
    header = "\n".join(f"# {key}: {value}" for key, value in kept.items())
    options.answer(f"{header}\n{text}", {"source": text, "provenance": origin})


def _overview(root: Root, summary: Callable[[object], str]) -> Answer:
    objects = {name: _NO_OBJECTS.get(name) or summary(value) for name, value in root.items()}
    return "\n".join(f"{name:<16} {text}" for name, text in objects.items()), objects


def _any_summary(value: object) -> str:
    """Return a summary also of what cannot be read: one bad record hides no other."""
    try:
        return _summary(value)
    except Exception as error:  # whatever a damaged or crafted record may raise
        return f"cannot be read: {type(error).__name__}: {error}"


def _summary(value: object) -> str:
    if isinstance(value, UnknownRecord):
        return repr(value)
    if not isinstance(value, UvmObject):
        return type(value).__name__
    slots = [slot for slot in mirror(value).slots() if not slot.endswith(PARENT_MARK)]
    return ", ".join(slots) or "(no slots of its own)"


def _object(name: str, root: Root) -> Answer:
    image = mirror(named_object(root, name))
    own = [image.slot(slot) for slot in image.slots()]
    slots = {slot.name: _described(slot.value, root) for slot in own}
    inherited = [selector for selector in image.selectors() if selector not in slots]
    disputed = [
        {
            "selector": one.selector,
            "holder": _described(one.holder, root),
            "hidden": [_described(hidden, root) for hidden in one.hidden],
        }
        for one in image.ambiguities()
    ]
    lines = [_slots_table(own, slots), f"from its parents: {', '.join(inherited)}"]
    lines += [
        f"ambiguous: {one['selector']} of {one['holder']} hides {', '.join(one['hidden'])}'s"
        for one in disputed
    ]
    noted = {slot.name: _annotation(slot) for slot in own if _annotation(slot)}
    data = {
        "name": name,
        "slots": slots,
        "values": {one.name: _value(one, root) for one in own if one.kind in _WITH_VALUES},
        "inherited": inherited,
        "annotations": noted,
        "ambiguities": disputed,
    }
    return "\n".join(filter(None, lines)), data


def _value(slot: Slot, root: Root) -> object:
    """Return what a slot holds as data; text where its file is missing."""
    try:
        return shown(slot.value, root)
    except WeightsDamaged as error:
        return str(error)


def _slots_table(own: list[Slot], described: dict[str, str]) -> str:
    """Return the slots as a table; with a header if there is more than names and values."""
    rows = [
        (
            one.name,
            described[one.name],
            f"{one.created.astimezone():%Y-%m-%d %H:%M}" if one.created else "",
            one.by,
            one.comment,
        )
        for one in own
    ]
    is_annotated = any(map(_annotation, own))
    return table(rows, ("slot", "holds", "created", "by", "comment") if is_annotated else ())


def _annotation(slot: Slot) -> dict[str, str]:
    created = slot.created.isoformat() if slot.created else ""
    said = {"comment": slot.comment, "created": created, "by": slot.by}
    return {key: value for key, value in said.items() if value}


def _described(value: object, root: Root) -> str:
    if isinstance(value, Method):
        return f"method, by {value.provenance.get('by', 'unknown')}"
    if isinstance(value, Primitive):
        return f"primitive {value.name}"
    names = {id(obj): key for key, obj in root.items()}
    if isinstance(value, tuple):
        return ", ".join(names.get(id(item), brief(item)) for item in value)
    return names.get(id(value), brief(value))


def _record(name: str, root: Root) -> Answer:
    """Return what can be told of a record whose class is not here."""
    record = root[name]
    slots = {slot: one.text for slot, one in shown_slots(record, names_in(root)).items()}
    lines = (repr(record), *(f"{slot}  {text}" for slot, text in slots.items()))
    return "\n".join(lines), {"name": name, "record": repr(record), "slots": slots}


def _method(root: Root, name: str, selector: str) -> Method:
    if not isinstance(root.get(name), UnknownRecord):
        return mirror(named_object(root, name)).method(selector)
    slots = own_slots(root[name])  # of such a record nobody knows the parents
    if not isinstance(slots.get(selector), Method):
        raise NoSuchMethod(selector, tuple(s for s in slots if isinstance(slots[s], Method)))
    return cast("Method", slots[selector])
