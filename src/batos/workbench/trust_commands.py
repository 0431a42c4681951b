"""Commands about trust: what an object permits methods, and which methods have lost it."""

from __future__ import annotations

import click

from batos.kernel.mirror import mirror
from batos.kernel.permissions import Act, Answer
from batos.universe.names import named_object
from batos.universe.strikes import Record
from batos.workbench.options import Options, command, group


@command("permit")
@click.argument("name")
@click.argument("act", type=click.Choice(["grow", "write", "call"]))
@click.argument("answer", type=click.Choice(["yes", "no", "ask"]))
@click.option("--keeper", help="With call no: the object whose methods may send to it.")
@click.pass_obj
def permit(options: Options, name: str, act: Act, answer: Answer, keeper: str | None) -> None:
    """Say what NAME, and its clones without a setting, permit methods.

    grow: may a message that it does not understand make a method grow. write: may methods
    change it. call: may methods of other objects send to it. With ask, what grew in mode
    auto waits for you. You may do all of it whatever is set.

    Example: batos permit account grow ask

    Example: batos permit vault call no --keeper bank
    """
    note = f"permit {name} {act} {answer}"
    with options.open() as universe, universe.transaction(note) as root:
        holder = None if keeper is None else named_object(root, keeper)
        mirror(named_object(root, name)).permit(act, answer, holder)
    data = {"name": name, "act": act, "answer": answer, "keeper": keeper}
    whom = f", except for {keeper}" if keeper else ""
    options.answer(f"{name}: {act} {answer}{whom}.", data)


@group("quarantine")
def quarantine() -> None:
    """List or release methods that misbehaved and do not run any more.

    Example: batos quarantine list
    """


@quarantine.command("list")
@click.pass_obj
def list_(options: Options) -> None:
    """List the methods in quarantine, with what they did.

    Example: batos quarantine list
    """
    with options.open(read_only=True) as universe:
        records = universe.quarantined()
    lines = [
        line
        for record in records
        for line in (_place(record), *(f"    {strike}" for strike in record.strikes))
    ]
    options.answer("\n".join(lines) or "Nothing is in quarantine.", [*map(_facts, records)])


@quarantine.command("release")
@click.argument("place", metavar="OBJECT.SELECTOR")
@click.pass_obj
def release(options: Options, place: str) -> None:
    """Let a method in quarantine run again; its strikes are forgotten.

    Example: batos quarantine release account.deposit_
    """
    name, dot, selector = place.rpartition(".")
    if not dot:
        raise click.UsageError(f"{place!r} is no OBJECT.SELECTOR, such as account.deposit_")
    with options.open() as universe:
        record = universe.release(name, selector)
    options.answer(f"{place} runs again.", _facts(record))


def _place(record: Record) -> str:
    proposal = f" (proposal {record.suspect.proposal})" if record.suspect.proposal else ""
    return f"{record.suspect.receiver}.{record.suspect.selector}{proposal}"


def _facts(record: Record) -> dict[str, object]:
    return {
        "object": record.suspect.receiver,
        "selector": record.suspect.selector,
        "proposal": record.suspect.proposal or None,
        "strikes": list(record.strikes),
    }
