"""Commands about old states: history, diff, restore."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from batos.workbench.options import Options, command
from batos.workbench.printable import differing_lines

if TYPE_CHECKING:
    from batos.universe.past import Difference, Event
    from batos.universe.states import Change

_WIDTH = 60  # of a value in a line


@command("history")
@click.argument("name")
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="How many events.",
)
@click.pass_obj
def history(options: Options, name: str, limit: int) -> None:
    """Show what happened to the object NAME, newest first: when, who, and which slots.

    Example: batos history account -n 5
    """
    with options.open(read_only=True) as universe:
        events = universe.history(name, limit)
    text = "\n".join(line for event in events for line in _event_lines(event))
    options.answer(
        text or f"Nothing happened to {name} since the history begins.",
        [
            {
                **{key: getattr(event.moment, key) for key in ("tid", "user", "note")},
                "time": event.moment.time.isoformat(),
                "became": event.became,
                "changes": [asdict(change) for change in event.changes],
            }
            for event in events
        ],
    )


@command("diff")
@click.argument("first", metavar="TID_OR_TIME")
@click.argument("second", metavar="[TID_OR_TIME]", required=False)
@click.pass_obj
def diff(options: Options, first: str, second: str | None) -> None:
    """Show what differs between two moments, object by object; without the second, from now.

    Example: batos diff "$(date +%FT%T)"
    """
    with options.open(read_only=True) as universe:
        found = universe.diff(first, second)
    text = "\n".join(line for one in found for line in _difference_lines(one))
    options.answer(text or "Nothing differs.", [asdict(one) for one in found])


@command("restore")
@click.argument("name")
@click.argument("when", metavar="TID_OR_TIME")
@click.option("--slot", "slots", multiple=True, help="Only this slot; may be repeated.")
@click.pass_obj
def restore(options: Options, name: str, when: str, slots: tuple[str, ...]) -> None:
    """Let the object NAME be again as it was at a moment, in a new transaction.

    A name that was taken away comes back. `batos undo` takes it back.

    Example: batos restore account "$(date +%FT%T)" --slot balance
    """
    with options.open() as universe:
        changes = universe.restore(name, when, slots or None)
    what = f"{', '.join(slots)} of {name}" if slots else name
    verb = "are as they were" if len(slots) > 1 else "is as it was"
    text = "\n".join((f"{what} {verb} at {when}.", *_change_lines(changes)))
    facts = {"name": name, "when": when, "changes": [asdict(change) for change in changes]}
    options.answer(text, facts)


def _event_lines(event: Event) -> Iterator[str]:
    moment = event.moment
    time = f"{moment.time.astimezone():%Y-%m-%d %H:%M:%S}"
    yield f"{moment.tid}  {time}  {moment.user}  {event.became}: {moment.note}"
    yield from _change_lines(event.changes)


def _difference_lines(difference: Difference) -> Iterator[str]:
    yield f"{difference.name}: {difference.became}"
    yield from _change_lines(difference.changes)


def _change_lines(changes: Iterable[Change]) -> Iterator[str]:
    for change in changes:
        if change.comment is not None:
            said, says = (_short(comment or None) for comment in change.comment)
            yield f"    {change.slot}: comment changed: {said} -> {says}"
        if change.before == change.after:
            continue
        if change.is_method:
            lines = differing_lines(change.before or "", change.after or "")
            yield f"    {change.slot}:"
            yield textwrap.indent("\n".join(lines), "      ")
        else:
            yield f"    {change.slot}: {_short(change.before)} -> {_short(change.after)}"


def _short(text: str | None) -> str:
    if text is None:
        return "(none)"
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"
