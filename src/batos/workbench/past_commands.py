"""Commands about what happened: log, undo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from batos.errors import NoSuchObject, NoSuchProposal
from batos.universe.audit import AuditEntry
from batos.workbench.options import Options, command
from batos.workbench.printable import printable_line

if TYPE_CHECKING:
    from batos.uvm import Uvm


@command("log")
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="How many transactions.",
)
@click.option("--all", "everything", is_flag=True, help="With entries of the journal, too.")
@click.option("--audit", is_flag=True, help="Who did what to methods; never undone.")
@click.pass_obj
def log(options: Options, limit: int, everything: bool, audit: bool) -> None:
    """Show the last transactions, newest first: when, who, what, and what grew.

    With --audit: who proposed, approved, rejected, edited, installed, defined, promoted or
    undid which method, and with what.

    Example: batos log -n 5
    """
    with options.open(read_only=True) as universe:
        if audit:
            options.answer(*_audit(universe.audit(limit)))
            return
        moments = universe.log(limit, everything)
        nothing = (
            "Nothing happened since the awakening, or since the last pack."
            if universe.keeps_history
            else f"{universe.shown} keeps no history."
        )
    lines = [
        f"{m.tid}  {m.time.astimezone():%Y-%m-%d %H:%M:%S}  {m.user}  {m.note}"
        + "".join(f"  grew {grown}" for grown in m.grew)
        for m in moments
    ]
    data = [
        {
            "tid": m.tid,
            "time": m.time.isoformat(),
            "user": m.user,
            "note": m.note,
            "grew": m.grew,
        }
        for m in moments
    ]
    options.answer("\n".join(lines) or nothing, data)


def _audit(entries: Sequence[AuditEntry]) -> tuple[str, object]:
    lines = [
        f"{one.at.astimezone():%Y-%m-%d %H:%M:%S}  {printable_line(str(one))}"
        for one in entries
    ]
    data = [{**asdict(one), "at": one.at.isoformat()} for one in entries]
    return "\n".join(lines) or "Nobody did anything to a method yet.", data


@command("undo")
@click.argument("tid", required=False)
@click.pass_obj
def undo(options: Options, tid: str | None) -> None:
    """Undo a transaction: TID as `batos log` shows it, or the last one that still stands.

    What the journal recorded stays. To take an undo back, undo it by its own TID.

    Example: batos undo
    """
    with options.open() as universe:
        undone = universe.undo(tid)
        then = [said for number in undone.grown if (said := _next_time(universe, number))]
    facts = {"undone": undone.tid, "note": undone.note, "then": then}
    options.answer("\n".join([f"undone: {undone.note}", *then]), facts)


def _next_time(universe: Uvm, number: int) -> str | None:
    """Return what answers from now on where a method was that grew, or what would be tried."""
    try:
        proposal = universe.journal.get(number)
        now = universe.why(proposal.receiver, proposal.selector)
    except (NoSuchProposal, NoSuchObject):
        return None
    about = f"{proposal.receiver} {proposal.selector}"
    if now.kind != "unknown":
        origin = f"proposal {now.proposal}" if now.proposal else f"by {now.by or now.holder}"
        return f"{about} is again what it was before ({origin})."
    return (
        f"The next send of {about} tries proposal {number} again, and asks first in mode ask."
        f" `batos pending edit {number}` changes it."
    )
