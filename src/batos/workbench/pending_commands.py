"""`batos pending`: read, edit, approve or reject what the mind proposed.

There is no way to approve many at once: who does not read a proposal should use mode `auto`.
"""

from __future__ import annotations

import sys
import tempfile
from typing import TextIO

import click

from batos.errors import BatosError, DecisionRefused, EditRefused
from batos.universe.journal import Proposal, State
from batos.workbench.options import Options, group
from batos.workbench.printable import printable_line
from batos.workbench.proposal_page import everything, facts, line, nearest_source, page
from batos.workbench.tables import table


@group("pending")
def pending() -> None:
    """Read, edit, approve or reject what the mind proposed.

    Example: batos pending list
    """


@pending.command("list")
@click.option("--all", "all_", is_flag=True, help="Decided ones and abstentions, too.")
@click.pass_obj
def list_proposals(options: Options, all_: bool) -> None:
    """List the proposals that wait: number, state, age, receiver, selector, verdict.

    Example: batos pending list
    """
    with options.open(read_only=True) as universe:
        proposals = universe.journal.list(None if all_ else State.PROPOSED)
    rows = table([line(one) for one in proposals])
    options.answer(rows or "Nothing waits.", [facts(one) for one in proposals])


@pending.command("show")
@click.argument("number", type=int)
@click.pass_obj
def show(options: Options, number: int) -> None:
    """Show a proposal: source, verdict, examples, and what other candidates did.

    Example: batos pending show 1
    """
    with options.open(read_only=True) as universe:
        proposal = universe.journal.get(number)
    _show(options, proposal)


@pending.command("edit")
@click.argument("number", type=int)
@click.option(
    "--source", type=click.File("r", encoding="utf-8"), help="The method; - is stdin."
)
@click.option("--approve", is_flag=True, help="Approve it as well, if it stands.")
@click.pass_obj
def edit(options: Options, number: int, source: TextIO | None, approve: bool) -> None:
    """Edit a proposal, in your editor ($VISUAL, $EDITOR) or from a file.

    The edit passes the same gate and is tried with the same examples and the same message.
    If it stands it becomes a proposal of yours; the one that was edited stays as it is. An
    abstention can be edited, too.

    Example: echo "def double(self): return 2 * self.balance" | batos pending edit 1 --source -
    """
    with options.open(read_only=True) as universe:  # nobody waits for a person who types
        former = universe.journal.get(number)
    if former.state is State.FORGOTTEN:
        raise DecisionRefused(number, former.state, "edited")
    if source is not None:
        proposal, installed = _recorded(options, number, source.read(), approve)
    else:
        proposal, installed = _from_editor(options, former, approve)
    _show(options, proposal)
    if approve and not options.json:
        click.echo(_approved(proposal, installed))


def _from_editor(options: Options, former: Proposal, approve: bool) -> tuple[Proposal, bool]:
    """Let a person type until it stands, or they give up."""
    text = _typed(nearest_source(former), former.id)
    while True:
        try:
            return _recorded(options, former.id, text, approve)
        except BatosError as error:
            text = _typed_again(error, text, former.id)


def _recorded(options: Options, number: int, text: str, approve: bool) -> tuple[Proposal, bool]:
    with options.open() as universe:
        proposal = universe.edit(number, text)
        return universe.approve(proposal.id) if approve else (proposal, False)


@pending.command("approve")
@click.argument("number", type=int)
@click.pass_obj
def approve(options: Options, number: int) -> None:
    """Approve a proposal: the next send of its message installs it.

    An edit of a method that is installed takes its place at once.

    Example: batos pending approve 1
    """
    with options.open() as universe:
        proposal, installed = universe.approve(number)
    options.answer(_approved(proposal, installed), {**facts(proposal), "installed": installed})


@pending.command("reject")
@click.argument("number", type=int)
@click.pass_obj
def reject(options: Options, number: int) -> None:
    """Reject a proposal: it is never used.

    Example: batos pending reject 1
    """
    with options.open() as universe:
        proposal = universe.journal.decide(number, State.REJECTED)
    text = f"Proposal {number} is rejected. The next send of its message thinks anew."
    options.answer(text, facts(proposal))


def _show(options: Options, proposal: Proposal) -> None:
    options.answer("", everything(proposal), styled=page(proposal))


def _approved(proposal: Proposal, installed: bool) -> str:
    if installed:
        about = printable_line(f"{proposal.receiver} {proposal.selector}")
        text = f"Proposal {proposal.id} is installed: {about} runs it from now on."
        return f"{text} `batos undo` brings the method before back."
    return f"Proposal {proposal.id} is approved. Send the message again to install it."


def _typed_again(error: BatosError, text: str, number: int) -> str:
    """Let a person mend an edit that does not stand; what was typed is never lost."""
    if isinstance(error, EditRefused) and sys.stdin.isatty() and sys.stderr.isatty():
        click.echo(f"It does not stand: {printable_line(error.why)}", err=True)
        if click.confirm("Edit it again?", default=True, err=True):
            return _typed(text, number, unchanged_will_do=True)
    with tempfile.NamedTemporaryFile(
        "w", prefix=f"proposal-{number}-", suffix=".py", delete=False, encoding="utf-8"
    ) as kept:
        kept.write(text)
    click.echo(f"What you wrote is kept in {kept.name}", err=True)
    raise error


def _typed(text: str, number: int, *, unchanged_will_do: bool = False) -> str:
    """Return what a person made of a text in their editor."""
    typed = click.edit(text + "\n", extension=".py", require_save=False)
    if not (typed or "").strip():
        raise click.ClickException(f"Nothing was written; proposal {number} is as it was.")
    if str(typed).strip() == text.strip() and not unchanged_will_do:
        raise click.ClickException(f"Nothing was changed; proposal {number} is as it was.")
    return str(typed)
