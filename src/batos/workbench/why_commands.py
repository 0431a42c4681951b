"""Commands about one method and its family: why, promote."""

from __future__ import annotations

from collections.abc import Iterator

import click

from batos.universe.why import Former, Why
from batos.workbench.options import Options, command
from batos.workbench.styled import code, prose, when

_FORMER = 5  # other proposals that are told


@command("why")
@click.argument("name", metavar="NAME[.SELECTOR]")
@click.argument("selector", required=False)
@click.pass_obj
def why(options: Options, name: str, selector: str | None) -> None:
    """Tell why NAME answers SELECTOR as it does, or would not: the story of the slot.

    Of a method: who asked for it, what was tried, why this one was chosen, who approved it,
    and how to undo it. Of data: who wrote it last. Of an unknown name: whether it would grow.

    Example: batos why account.deposit_
    """
    if selector is None:
        name, _, selector = name.partition(".")
    if not selector:
        raise click.UsageError("name a selector as well, as in: batos why account.deposit_")
    with options.open(read_only=True) as universe:
        found = universe.why(name, selector)
    answer = {**vars(found), "since": _iso(found.since), "asked_at": _iso(found.asked_at)}
    answer["approved_at"] = _iso(found.approved_at)
    answer["former"] = [{**vars(one), "at": _iso(one.at)} for one in found.former]
    options.answer("", answer, styled="\n\n".join(filter(None, _story(found))))


@command("promote")
@click.argument("name")
@click.argument("selector")
@click.option("--to", metavar="PROTOTYPE", help="Which one; else the first parent.")
@click.option("--dry-run", is_flag=True, help="Only say what it would do.")
@click.pass_obj
def promote(options: Options, name: str, selector: str, to: str | None, dry_run: bool) -> None:
    """Move the method SELECTOR of NAME to its prototype, for all of that one's clones.

    It is tried in the jail on those that would learn it, and refused where anybody would
    answer otherwise than today. `batos undo` takes it back.

    Example: batos promote account deposit_ --dry-run
    """
    with options.open() as universe:
        found = universe.promote(name, selector, to, dry_run)
    verb = "moves" if found.moved else "would move"
    lines = [f"{selector} {verb} from {found.name} to {found.prototype}."]
    lines.append(f"It is new to {', '.join(found.learned) or 'nobody'}.")
    if found.tried_on:
        lines.append(f"It was tried on {', '.join(found.tried_on)}, and works there.")
    options.answer(prose("\n".join(lines)), vars(found))


def _story(found: Why) -> Iterator[str]:
    about = f"{found.receiver}.{found.selector}"
    if found.kind == "unknown":
        yield from _of_nothing(found)
    elif found.kind == "method":
        yield prose(f"{about} is a method{_whose(found)}{_since(found)}.")
        yield code(found.source)
        yield from _of_method(found)
    elif found.kind == "primitive":
        yield prose(f"{about} is behaviour of batos itself ({found.value}){_whose(found)}.")
    else:
        what = "a parent" if found.kind == "parent" else "data"
        yield prose(f"{about} is {what}{_whose(found)}: {found.value}")
        yield prose(_of_data(found))
    yield _of_former(found)
    yield _next(found)


def _whose(found: Why) -> str:
    return " of its own" if found.holder == found.receiver else f" that {found.holder} has"


def _since(found: Why) -> str:
    since = f" since {when(found.since)}" if found.since else ""
    return f"{since}, written by {found.by}" if found.by else since


def _of_nothing(found: Why) -> Iterator[str]:
    yield prose(f"{found.receiver} does not understand {found.selector}.")
    if found.refusal:
        yield prose(f"No method can grow for it: {found.refusal}.")
    else:
        yield prose(
            "Sending it would let a method grow, in mode ask or auto. Give examples with it."
        )
    if found.similar:
        yield prose(f"It does understand {', '.join(found.similar)}.")


def _of_data(found: Why) -> str:
    if not found.tid and not found.by:
        return "Nobody noted who wrote it, and the history does not say."
    before = f", in place of {found.replaced}" if found.replaced else ""
    where = f" (transaction {found.tid})" if found.tid else ""
    return f"Last written {when(found.since)} by {found.by}{where}{before}."


def _of_method(found: Why) -> Iterator[str]:
    yield prose(_asked(found))
    yield from _written(found)
    if found.properties:
        asked = [prose(f"  {one}") for one in found.properties]
        yield "\n".join(["Questioned in the jail:", *asked])
    yield prose(" ".join(_became(found)))
    if found.replaced:
        yield "It took the place of:\n\n" + code(found.replaced)


def _asked(found: Why) -> str:
    if not found.message:
        return ""
    who, at = found.asked_by or "Somebody", when(found.asked_at)
    if found.edits:
        return f"{who} edited proposal {found.edits} on {at}, for {found.message}."
    return f"{who} sent {found.message} on {at}, and nobody understood it."


def _written(found: Why) -> Iterator[str]:
    if found.samples and not found.edits:
        writer = f"The writer, {found.mind}," if found.mind else "The writer"
        yield prose(
            f"{writer} gave {found.samples} samples: {found.candidates} different methods,"
            f" which did {found.behaviours} different things. It was shown:"
        )
        yield prose(found.shown, "    ")
    if found.verdict:
        yield prose(f"This one was chosen: {found.verdict}.")


def _became(found: Why) -> Iterator[str]:
    if found.approved_by:
        at = f" on {when(found.approved_at)}" if found.approved_at else ""
        yield f"Approved by {found.approved_by}{at}."
    if found.promoted_from:
        yield f"Promoted from {found.promoted_from}."
    if found.failures:
        often = "once" if found.failures == 1 else f"{found.failures} times in a row"
        yield f"It failed {often}; three in a row put it into quarantine."


def _of_former(found: Why) -> str:
    if not found.former:
        return ""
    lines = [f"  {_told(one)}" for one in found.former[-_FORMER:]]
    return "\n".join(["Other proposals for it:", *map(prose, lines)])


def _told(one: Former) -> str:
    by = f" by {one.decided_by}" if one.decided_by else ""
    return f"{one.proposal}, {when(one.at)}, {one.state}{by}: {one.verdict}"


def _next(found: Why) -> str:
    lines = []
    if found.tid and found.kind in ("method", "data"):
        lines.append(f"Take it back:  batos undo {found.tid}")
    if found.proposal:
        lines.append(f"Change it:     batos pending edit {found.proposal} --approve")
        lines.append(f"All of it:     batos pending show {found.proposal}")
    waiting = [one.proposal for one in found.former if one.state == "proposed"]
    if waiting:
        lines.append(f"It waits:      batos pending show {waiting[-1]}")
    return "\n".join(lines)


def _iso(at: object) -> str | None:
    return getattr(at, "isoformat", lambda: None)()
