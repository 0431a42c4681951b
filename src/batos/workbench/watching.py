"""How a growth looks on a terminal while it happens: lines on stderr, and a question."""

from __future__ import annotations

import sys
import textwrap

import click

from batos.synthesis.growth import Step
from batos.universe.journal import Proposal
from batos.workbench.printable import printable

_SIGNS = {
    "reflect": "?",
    "propose": "…",
    "edit": "~",
    "repair": "↻",
    "check": "=",
    "choose": "✓",
    "install": "+",
}


def show_step(step: Step) -> None:
    """Print a step of a growth; that it abstained is what the error says."""
    if step.stage == "abstain":
        return
    shown = printable(step.text)
    if step.stage == "try":
        source, _, verdict = shown.partition("\n=> ")
        good = "agree" in verdict or verdict.startswith("answers ")
        body = textwrap.indent(source, "      ")
        click.echo(click.style(body, dim=True), err=True)
        click.echo(
            f"    jail: {click.style(verdict or source, fg='green' if good else 'red')}",
            err=True,
        )
        return
    text = textwrap.indent(shown, "    ").strip()
    click.echo(f"  {_SIGNS[step.stage]} {step.stage}: {text}", err=True)


def ask_person(proposal: Proposal) -> bool:
    """Show a proposal and ask whether it may be installed."""
    verdict = printable(str(proposal.provenance["verdict"]))
    click.echo(f"\nProposal {proposal.id}: {verdict}", err=True)
    click.echo(textwrap.indent(printable(proposal.source), "    "), err=True)
    return click.confirm("Install it?", default=False, err=True)


def ask_whether_meant(told: str) -> bool:
    """Ask whether an answer of a proposal is the one that was meant."""
    return click.confirm(f"No examples yet. {printable(told)}. Is that right?", err=True)


def somebody_is_there() -> bool:
    """Tell whether there is a person at a terminal to be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()
