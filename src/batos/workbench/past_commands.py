"""Commands about what happened and what waits: log, undo, pending."""

from __future__ import annotations

import textwrap

import click

from batos.universe.journal import Proposal, State
from batos.workbench.options import Options, command, group


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
@click.pass_obj
def log(options: Options, limit: int, everything: bool) -> None:
    """Show the last transactions, newest first: when, who, what, and what grew.

    Example: batos log -n 5
    """
    with options.open(read_only=True) as universe:
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
    options.answer(f"undone: {undone.note}", {"undone": undone.tid, "note": undone.note})


@group("pending")
def pending() -> None:
    """Read, approve or reject what the mind proposed.

    Example: batos pending list
    """


@pending.command("list")
@click.option("--all", "everything", is_flag=True, help="Decided ones and abstentions, too.")
@click.pass_obj
def list_proposals(options: Options, everything: bool) -> None:
    """List the proposals that wait.

    Example: batos pending list
    """
    with options.open(read_only=True) as universe:
        proposals = universe.journal.list(None if everything else State.PROPOSED)
    lines = [f"{p.id:>4}  {p.state:<9}  {p.receiver} {p.selector}" for p in proposals]
    options.answer("\n".join(lines) or "Nothing waits.", [_facts(p) for p in proposals])


@pending.command("show")
@click.argument("number", type=int)
@click.pass_obj
def show(options: Options, number: int) -> None:
    """Show a proposal: its source, its verdict, and what else was tried.

    Example: batos pending show 1
    """
    with options.open(read_only=True) as universe:
        proposal = universe.journal.get(number)
    options.answer(_page(proposal), {**_facts(proposal), "provenance": proposal.provenance})


@pending.command("approve")
@click.argument("number", type=int)
@click.pass_obj
def approve(options: Options, number: int) -> None:
    """Approve a proposal: the next send of its message installs it.

    Example: batos pending approve 1
    """
    _decide(options, number, State.APPROVED, "Send the message again to install it.")


@pending.command("reject")
@click.argument("number", type=int)
@click.pass_obj
def reject(options: Options, number: int) -> None:
    """Reject a proposal: it is never used.

    Example: batos pending reject 1
    """
    _decide(options, number, State.REJECTED, "The next send of its message thinks anew.")


def _decide(options: Options, number: int, state: State, next_: str) -> None:
    with options.open() as universe:
        proposal = universe.journal.decide(number, state)
    options.answer(f"Proposal {number} is {state}. {next_}", _facts(proposal))


def _facts(proposal: Proposal) -> dict[str, object]:
    return {
        "id": proposal.id,
        "state": str(proposal.state),
        "receiver": proposal.receiver,
        "selector": proposal.selector,
        "source": proposal.source,
        "at": proposal.at.isoformat() if proposal.at else None,
        "decided_by": proposal.decided_by,
    }


def _page(proposal: Proposal) -> str:
    tried = proposal.provenance["candidates"]
    assert isinstance(tried, list)  # noqa: S101  the synthesizer writes it so
    parts = [
        f"Proposal {proposal.id}, {proposal.state}: {proposal.provenance['verdict']}",
        str(proposal.provenance["message"]),
        textwrap.indent(proposal.source, "    ") or "    (nothing stood)",
        f"Tried ({len(tried)} different methods):",
        *(
            f"{textwrap.indent(item['source'], '    ')}\n    => {item['verdict']}"
            for item in tried
        ),
    ]
    return "\n\n".join(parts)
