"""A proposal as a person reads it before deciding, and as data."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from batos.synthesis.examples import ANYTHING, Example, examples_in
from batos.synthesis.values import brief
from batos.universe.journal import Proposal, State
from batos.workbench.printable import printable
from batos.workbench.styled import WIDTH, age, code, prose, when

_GROUPS = 6  # of other candidates
_STATES = {
    State.PROPOSED: "waits for you",
    State.APPROVED: "approved by {by}: the next send of its message installs it",
    State.REJECTED: "rejected by {by}",
    State.INSTALLED: "installed",
    State.ABSTAINED: "nothing stood",
    State.FORGOTTEN: "forgotten",
}


@dataclass(frozen=True)
class Group:
    """Candidates that did the same."""

    verdict: str
    samples: int
    sources: tuple[str, ...]


def page(proposal: Proposal) -> str:
    """Return everything that helps to decide, for a terminal of 80 columns."""
    return "\n\n".join(filter(None, _parts(proposal)))


def origin_page(proposal: Proposal) -> str:
    """Return where a method came from, as comments above its source."""
    origin = proposal.provenance
    approved = f"Approved by {origin['approved_by']}." if origin.get("approved_by") else ""
    promoted = (
        f"Promoted from {origin['promoted_from']} by {origin.get('promoted_by')}."
        if origin.get("promoted_from")
        else ""
    )
    said = [f"{_written(origin)} {approved} {promoted}".strip(), str(origin.get("verdict", ""))]
    parts = (*map(prose, said), *_evidence(proposal))
    lines = "\n\n".join(filter(None, parts)).splitlines()
    return "\n".join(f"# {one}".rstrip() for one in lines) + f"\n{printable(proposal.source)}"


def facts(proposal: Proposal) -> dict[str, object]:
    """Return what a list says of a proposal."""
    return {
        "id": proposal.id,
        "state": str(proposal.state),
        "receiver": proposal.receiver,
        "selector": proposal.selector,
        "source": proposal.source,
        "at": proposal.at.isoformat() if proposal.at else None,
        "decided_by": proposal.decided_by,
        "verdict": proposal.provenance.get("verdict"),
    }


def everything(proposal: Proposal) -> dict[str, object]:
    """Return all that is known of a proposal."""
    return {
        **facts(proposal),
        "provenance": proposal.provenance,
        "examples": [{"example": line, "wrong": wrong} for line, wrong in _examples(proposal)],
        "others": [
            {"verdict": one.verdict, "samples": one.samples, "sources": one.sources}
            for one in groups(proposal)
        ],
    }


def line(proposal: Proposal) -> tuple[str, ...]:
    """Return a row of a list: number, state, age, receiver, selector, verdict."""
    verdict = str(proposal.provenance.get("verdict", ""))
    about = (proposal.receiver, proposal.selector)
    room = max(20, WIDTH - 32 - sum(map(len, about)))
    short = textwrap.shorten(verdict, room, placeholder="…")
    return (str(proposal.id), str(proposal.state), age(proposal.at), *about, short)


def groups(proposal: Proposal) -> list[Group]:
    """Return what the other candidates did, those with most samples behind them first."""
    found: dict[object, list[Mapping[str, Any]]] = {}
    for one in _candidates(proposal):
        if one["source"] != proposal.source:
            found.setdefault(one.get("behaviour") or one["verdict"], []).append(one)
    made = [
        Group(
            str(some[0]["verdict"]),
            sum(int(one["samples"]) for one in some),
            tuple(str(one["source"]) for one in some),
        )
        for some in found.values()
    ]
    return sorted(made, key=lambda group: -group.samples)


def nearest_source(proposal: Proposal) -> str:
    """Return what an edit begins with: the source, or of an abstention what came nearest."""
    tried = _candidates(proposal)
    if proposal.source or not tried:
        return proposal.source or f"def {proposal.selector}(self):\n    return None"

    def passed(one: Mapping[str, Any]) -> int:
        found = str(one["verdict"]).partition(" of ")[0]
        return int(found) if found.isdecimal() else -1

    return str(max(tried, key=passed)["source"])


def _parts(proposal: Proposal) -> Iterator[str]:
    origin = proposal.provenance
    state = _STATES[proposal.state].format(by=proposal.decided_by)
    about = f"Proposal {proposal.id} for {proposal.receiver} {proposal.selector}"
    verdict = f"\n{origin['verdict']}" if origin.get("verdict") else ""
    yield prose(f"{about}, {when(proposal.at)} ({age(proposal.at)} ago): {state}{verdict}")
    yield code(proposal.source) or "    (nothing stood)"
    yield from _evidence(proposal)
    yield prose(_written(origin))
    yield _next(proposal)


def _evidence(proposal: Proposal) -> Iterator[str]:
    """Yield what was asked, shown and tried."""
    origin = proposal.provenance
    yield prose(str(origin.get("message", "")))
    shown = [
        f"  {_sign(wrong)} {text}" + (f"\n         {wrong}" if wrong else "")
        for text, wrong in _examples(proposal)
    ]
    yield "\n".join(["Examples:", *map(prose, shown)]) if shown else ""
    yield _properties(origin)
    yield _others(proposal)
    yield _edit(origin)


def _sign(wrong: str | None) -> str:
    if wrong is None:
        return "ok   "
    return "wrong" if wrong else "     "  # nobody wrote down how it went


def _examples(proposal: Proposal) -> list[tuple[str, str | None]]:
    """Return each example with what was wrong: None if it agreed, "" if nobody knows."""
    examples = examples_in(proposal.provenance)
    tried = {str(one["source"]): one for one in _candidates(proposal)}
    judged = tried.get(nearest_source(proposal), {}).get("wrong")
    if judged is None:  # what stands agrees with all of them
        judged = [None if proposal.source else ""] * len(examples)
    return list(zip(map(_example_line, examples), judged, strict=False))


def _example_line(example: Example) -> str:
    given, after = (
        ", ".join(f"{name}={brief(value)}" for name, value in slots.items())
        for slots in (example.given, example.after)
    )
    result = "" if example.result is ANYTHING else f" {brief(example.result)}"
    call = f"{', '.join(map(brief, example.args))} =>{result}".strip()
    return " | ".join(filter(None, (given, call, after)))


def _properties(origin: Mapping[str, Any]) -> str:
    asked = [f"  {text}" for text in map(str, origin.get("properties", ()))]
    return "\n".join(["Questioned in the jail:", *map(prose, asked)]) if asked else ""


def _others(proposal: Proposal) -> str:
    found = groups(proposal)
    if not found:
        return ""
    parts = ["What other candidates did:"]
    for one in found[:_GROUPS]:
        many = "" if len(one.sources) == 1 else f", {len(one.sources)} methods; one of them"
        parts.append(prose(f"  {_count(one.samples, 'sample')}{many}: {one.verdict}"))
        parts.append(code(one.sources[0], "      "))
    if len(found) > _GROUPS:
        parts.append(f"  and {len(found) - _GROUPS} more; `--json` has all of them")
    return "\n".join(parts)


def _edit(origin: Mapping[str, Any]) -> str:
    if "edits" not in origin:
        return ""
    return prose(f"An edit of proposal {origin['edits']}:\n{origin.get('diff', '')}")


def _written(origin: Mapping[str, Any]) -> str:
    """Return who wrote it and what it took."""
    mind = cast("Mapping[str, Any]", origin.get("mind") or {})
    samples = origin.get("samples") or sum(
        int(one["samples"]) for one in cast("Sequence[Any]", origin.get("candidates", ()))
    )
    writer = str(origin.get("by", "somebody"))
    said = [f"Written by {writer}" + (f" ({mind['name']})" if mind.get("name") else "")]
    if origin.get("seed") is not None:
        said.append(f"seed {origin['seed']}")
    if samples:
        said.append(_count(int(samples), "sample"))
    if origin.get("tokens"):
        said.append(f"{origin['tokens']:,} tokens")
    if origin.get("seconds"):
        said.append(f"{origin['seconds']:.1f} s")
    return ", ".join(said) + "."


def _next(proposal: Proposal) -> str:
    number = proposal.id
    if proposal.state is State.PROPOSED:
        return f"Next: batos pending approve {number}, edit {number}, or reject {number}"
    if proposal.state is State.ABSTAINED:
        return f"Next: batos pending edit {number}, or send again with -n 16 or --seed 2"
    return ""


def _candidates(proposal: Proposal) -> Sequence[Mapping[str, Any]]:
    return cast("Sequence[Mapping[str, Any]]", proposal.provenance.get("candidates", ()))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
