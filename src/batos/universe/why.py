"""Why an object answers a message as it does: the story of a slot, as facts.

Everything is read: from the slot and its provenance, the journal, the audit and the past.
How it is told in words is left to the workbench.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast

from ZODB.POSException import POSKeyError

from batos.errors import NoSuchObject, NoSuchProposal, SlotRefused
from batos.kernel import lookup
from batos.kernel.lookup import Found
from batos.kernel.message import may_grow, not_understood_error
from batos.kernel.method import Method
from batos.kernel.mirror import kind_of, mirror
from batos.kernel.uvm_object import UvmObject, check_slot_name
from batos.universe.journal import Journal, Proposal
from batos.universe.moments import connected
from batos.universe.names import name_in, named_object
from batos.universe.past import Event, history
from batos.universe.states import names_in, text_of
from batos.universe.universe import Root, Universe

Kind = Literal["method", "primitive", "data", "parent", "unknown"]

_EVENTS = 200  # of a history: how far back a data slot's last writer is looked for


@dataclass(frozen=True)
class Former:
    """A proposal that is not what answers now."""

    proposal: int
    state: str
    at: dt.datetime | None
    verdict: str
    decided_by: str = ""


@dataclass(frozen=True)
class Why:
    """Why a receiver answers a selector as it does, or would not."""

    receiver: str
    selector: str
    kind: Kind
    holder: str = ""  # whose slot it is
    by: str = ""  # who or what wrote it
    since: dt.datetime | None = None
    tid: str = ""  # of the transaction that put it there
    value: str = ""  # of data, as text
    source: str = ""
    # of a method that grew
    proposal: int = 0
    asked_by: str = ""
    asked_at: dt.datetime | None = None
    message: str = ""  # the call, in words
    shown: str = ""  # to the writer
    examples: int = 0
    mind: str = ""
    seed: int | None = None
    samples: int = 0
    candidates: int = 0
    behaviours: int = 0  # groups of candidates that did the same
    verdict: str = ""
    properties: tuple[str, ...] = ()  # that were asked in the jail, and what came of it
    approved_by: str = ""
    approved_at: dt.datetime | None = None
    edits: int = 0  # the proposal that it is an edit of
    promoted_from: str = ""
    replaced: str = ""  # the source, or the value, that was there before
    failures: int = 0  # of a method, since it last went well
    # of a selector that leads nowhere
    refusal: str = ""  # why it could not grow, if so
    similar: tuple[str, ...] = ()  # what is understood instead
    former: tuple[Former, ...] = field(default=())  # other proposals for it, oldest first


def why(universe: Universe, journal: Journal, name: str, selector: str) -> Why:
    """Return why an object of the root answers a selector as it does, or would not.

    Raises:
        NoSuchObject: The root has no such object.
        UniverseUnreadable: A record is damaged.
    """
    with universe.transaction() as root:
        obj = named_object(root, name)
        found = _found(obj, selector)
        if found is None:
            told = _unknown(obj, name, selector)
        else:
            told = _slot(root, obj, name, selector, found)
            told = _with_past(universe, told, found, names_in(root))
        if found is not None and isinstance(found.value, Method):
            told = _with_origin(told, found.value.provenance)
    told = _with_last_writer(universe, told) if told.kind == "data" else told
    told = _with_journal(told, journal)
    if found is not None and isinstance(found.value, Method):
        told = replace(told, failures=len(journal.strikes(found.value)))
    former = [_former(one) for one in journal.list() if _is_other(one, told)]
    return replace(told, former=tuple(former))


def _found(obj: UvmObject, selector: str) -> Found | None:
    if selector in obj._slots:  # a parent slot is found in the object itself only
        return Found(obj, obj._slots[selector])
    return lookup.find(obj, selector)


def _unknown(obj: UvmObject, name: str, selector: str) -> Why:
    """Tell of a selector that leads nowhere: whether it would grow."""
    refusal = ""
    try:
        check_slot_name(selector)
    except SlotRefused as error:
        refusal = error.why
    if not refusal and not may_grow(obj, selector):
        refusal = "this name never grows: the way in which a universe grows depends on it"
    if not refusal and obj._sealed:
        refusal = f"{name} is primordial, and every object would get the method"
    if not refusal and lookup.find(obj, "reflectOn_") is None:
        refusal = f"{name} delegates to no mind"
    similar = not_understood_error(obj, selector, name).similar
    return Why(name, selector, "unknown", refusal=refusal, similar=similar)


def _slot(root: Root, obj: UvmObject, name: str, selector: str, found: Found) -> Why:
    slot = mirror(found.holder).slot(selector)
    holder = name_in(root, found.holder) or repr(found.holder)
    source = found.value.source if isinstance(found.value, Method) else ""
    return Why(
        name,
        selector,
        kind_of(selector, found.value),
        holder=holder,
        by=slot.by,
        since=slot.created,
        source=source,
        value="" if source else text_of(found.value, names_in(root)),
    )


def _with_past(universe: Universe, told: Why, found: Found, names: Mapping[bytes, str]) -> Why:
    """Add in which transaction a method came, and what it took the place of."""
    if not isinstance(found.value, Method) or found.value._p_serial is None:
        return told
    serial = cast("bytes", found.value._p_serial)
    replaced = ""
    with connected(universe, serial) as connection:
        try:
            before = connection.get(found.holder._p_oid)
            held = before._slots.get(told.selector)
            replaced = "" if held is None else text_of(held, names)
        except (POSKeyError, AttributeError):  # it was not there yet
            replaced = ""
    return replace(told, tid=serial.hex(), replaced=replaced)


def _with_origin(told: Why, origin: Mapping[str, Any]) -> Why:
    candidates = cast("Sequence[Mapping[str, Any]]", origin.get("candidates", ()))
    samples = origin.get("samples") or sum(one.get("samples", 0) for one in candidates)
    done = {one.get("behaviour") or one.get("verdict") for one in candidates}
    mind = cast("Mapping[str, Any]", origin.get("mind") or {})
    return replace(
        told,
        by=told.by or str(origin.get("by", "")),
        proposal=_number(origin.get("proposal")),
        shown=str(origin.get("message", "")),
        examples=len(origin.get("examples", ())),
        mind=str(mind.get("name") or ""),
        seed=origin.get("seed"),
        samples=int(samples),
        candidates=len(candidates),
        behaviours=len(done),
        verdict=str(origin.get("verdict", "")),
        properties=tuple(map(str, origin.get("properties", ()))),
        approved_by=str(origin.get("approved_by", "")),
        edits=_number(origin.get("edits")),
        promoted_from=str(origin.get("promoted_from", "")),
    )


def _with_journal(told: Why, journal: Journal) -> Why:
    """Add who asked for the method and who approved it, when."""
    if not told.proposal:
        return told
    try:
        message = journal.message(told.proposal)
    except (NoSuchProposal, KeyError):  # another universe's number came with a bundle
        return told
    said = [one for one in journal.audit() if one.proposal == told.proposal]
    asked = next((one for one in reversed(said) if one.action in ("proposed", "edited")), None)
    approved = next((one for one in said if one.action == "approved"), None)
    arguments = [*map(repr, message.args)]
    arguments += [f"{name}={value!r}" for name, value in message.keywords.items()]
    proposal = journal.get(told.proposal)
    return replace(
        told,
        asked_by=asked.by if asked else "",
        asked_at=asked.at if asked else proposal.at,
        message=f"{proposal.receiver} {message.selector}({', '.join(arguments)})",
        approved_at=approved.at if approved else None,
    )


def _with_last_writer(universe: Universe, told: Why) -> Why:
    """Add which transaction wrote data last, and what was there before."""
    try:
        events = history(universe, told.holder, _EVENTS)
    except NoSuchObject:  # the root has no name for the holder
        return told
    for event in events:
        before = _before(event, told.selector)
        if before is not None:
            moment = event.moment
            by = f"{moment.user}: {moment.note}" if moment.note else moment.user
            return replace(told, by=by, since=moment.time, tid=moment.tid, replaced=before)
    return told


def _before(event: Event, selector: str) -> str | None:
    changes = [change for change in event.changes if change.slot == selector]
    return (changes[0].before or "") if changes else None


def _is_other(proposal: Proposal, told: Why) -> bool:
    is_for_it = (proposal.receiver, proposal.selector) == (told.receiver, told.selector)
    return is_for_it and proposal.id != told.proposal


def _former(proposal: Proposal) -> Former:
    verdict = str(proposal.provenance.get("verdict", ""))
    return Former(proposal.id, str(proposal.state), proposal.at, verdict, proposal.decided_by)


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
