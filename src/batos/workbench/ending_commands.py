"""Commands that end something for good, and ask first: pack, forget."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import click

from batos.errors import ConsentNeeded
from batos.workbench.options import Options, command
from batos.workbench.printable import counted
from batos.workbench.watching import somebody_is_there

if TYPE_CHECKING:
    from batos.universe.packing import Packed


@command("pack")
@click.option("--keep", required=True, help="How much history stays: 30d, 12h, 2w, or 0.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def pack(options: Options, keep: str, yes: bool) -> None:
    """End the history that is older than --keep, and give its space back.

    What is there now stays. Old states before that moment cannot be looked at, restored or
    undone any more.

    Example: batos pack --keep 30d --yes
    """
    from batos.universe.packing import span_of  # noqa: PLC0415  `--help` stays quick

    try:
        span: dt.timedelta = span_of(keep)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    with options.open() as universe:
        ending = universe.plan_pack(span)
        if ending.ended:
            ended = counted(ending.ended, "transaction")
            _agree(yes, f"This ends {ended} before {ending.begins.tid} for good.")
        packed = universe.pack(span)
    facts = {
        "begins": packed.ending.begins.tid,
        "ended": packed.ending.ended,
        "before_bytes": packed.before_bytes,
        "after_bytes": packed.after_bytes,
    }
    options.answer(_told(packed), facts)


@command("forget")
@click.argument("name", required=False)
@click.option("--cut", is_flag=True, help="Remove what refers to it from other objects.")
@click.option("--finish", is_flag=True, help="Do the rest of what was broken off; no NAME.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def forget(options: Options, name: str | None, cut: bool, finish: bool, yes: bool) -> None:
    """Remove the object NAME for good, from the present, the past and the journal.

    This ends all of the history: nothing that happened before can be looked at or undone.

    Example: batos forget account --yes
    """
    if (name is None) != finish:
        raise click.UsageError("Say either NAME or --finish")
    if name is None:
        _finish(options, yes)
        return
    with options.open() as universe:
        _agree(yes, f"{name} is removed for good, and all of the history with it.")
        done = universe.forget(name, cut)
    lines = [
        f"{done.name} is forgotten. {_told(done.packed)}",
        f"The journal: {counted(done.proposals, 'proposal')} redacted.",
        *(f"Cut: {reference}" for reference in done.cut),
        *(f"Still there: {what}." for what in done.still_there),
        f"Out of reach: {'; '.join(done.beyond_reach)}.",
    ]
    facts = {
        "forgotten": done.name,
        "proposals": done.proposals,
        "cut": done.cut,
        "still_there": done.still_there,
        "beyond_reach": done.beyond_reach,
        "before_bytes": done.packed.before_bytes,
        "after_bytes": done.packed.after_bytes,
    }
    options.answer("\n".join(lines), facts)


def _finish(options: Options, yes: bool) -> None:
    with options.open() as universe:
        if universe.unfinished_forgettings():
            _agree(yes, "What was to be forgotten goes, and all of the history with it.")
        done = universe.finish_forgetting()
    if done is None:
        options.answer("No forgetting is unfinished.", {"finished": 0})
        return
    lines = [
        f"The forgetting is finished. {_told(done.packed)}",
        *(f"Still there: {what}." for what in done.still_there),
        f"Out of reach: {'; '.join(done.beyond_reach)}.",
    ]
    facts = {
        "finished": done.objects,
        "still_there": done.still_there,
        "beyond_reach": done.beyond_reach,
        "before_bytes": done.packed.before_bytes,
        "after_bytes": done.packed.after_bytes,
    }
    options.answer("\n".join(lines), facts)


def _agree(yes: bool, what: str) -> None:
    """Go on only if somebody said so."""
    if yes:
        return
    if not somebody_is_there():
        raise ConsentNeeded(what)
    click.echo(what, err=True)
    click.confirm("Go on?", default=False, abort=True, err=True)


def _told(packed: Packed) -> str:
    begins = packed.ending.begins
    if not packed.ending.ended:
        return f"Nothing is that old: the history begins at {begins.tid} as before."
    return (
        f"The history begins at {begins.tid}, {begins.time.astimezone():%Y-%m-%d %H:%M:%S};"
        f" {counted(packed.ending.ended, 'transaction')} ended."
        f" {packed.before_bytes:,} bytes before, {packed.after_bytes:,} bytes after."
    )
