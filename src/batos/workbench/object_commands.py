"""Commands about objects: clone, send, inspect, source, define."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

import click

from batos.errors import NoSuchMethod
from batos.kernel.delegation import PARENT_MARK
from batos.kernel.method import Method, Primitive
from batos.kernel.mirror import Slot, mirror
from batos.kernel.uvm_object import UvmObject
from batos.sandbox import walls
from batos.synthesis.growth import Asking, Mode
from batos.synthesis.values import brief
from batos.universe.names import loaded, named_object
from batos.universe.placeholders import UnknownRecord
from batos.universe.states import names_in, own_slots, shown_slots
from batos.workbench.literals import example_of, examples_from, slots_of, value_of
from batos.workbench.options import Options, WithNumbers, at_option, command
from batos.workbench.tables import table
from batos.workbench.watching import ask_person, show_step, somebody_is_there

if TYPE_CHECKING:
    from batos.universe.universe import Root

_PROVENANCE_LINES = (
    "by",
    "approved_by",
    "verdict",
    "proposal",
    "seed",
    "mind",
    "policy_version",
)


@command("clone")
@click.argument("prototype")
@click.argument("name")
@click.argument("slots", nargs=-1, metavar="[SLOT=VALUE]...")
@click.pass_obj
def clone(options: Options, prototype: str, name: str, slots: tuple[str, ...]) -> None:
    """Make a clone of PROTOTYPE, called NAME, with slots of its own.

    Example: batos clone genesis_obj account balance=100
    """
    if not name.isidentifier():
        raise click.UsageError(f"{name!r} is no name; use letters, digits and _")
    with options.open() as universe, universe.transaction(f"clone {name}") as root:
        if name in root:
            raise click.UsageError(f"there is an object {name!r} already; choose another name")
        given = {slot: loaded(value, root) for slot, value in slots_of(slots).items()}
        root[name] = named_object(root, prototype).clone(**given)
    options.answer(f"{name} is a clone of {prototype}.", {"name": name, "prototype": prototype})


@command("send", cls=WithNumbers)
@click.argument("receiver")
@click.argument("selector")
@click.argument("arguments", nargs=-1, metavar="[ARGUMENT]...")
@click.option("-e", "--example", "shown", multiple=True, help="A call and what comes of it.")
@click.option("--examples", type=click.Path(path_type=Path), help="A file of them.")
@click.option("--mode", type=click.Choice(["off", "ask", "auto"]), help="May a method grow?")
@click.option("-n", "--samples", type=click.IntRange(1, 16), help="Proposals a thought.")
@click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), help="The same seed thinks the same."
)
@click.option("--id", "message_id", help="Sent again under it, it takes effect once.")
@click.option("-q", "--quiet", is_flag=True, help="Do not show how a method grows.")
@click.pass_obj
def send(
    options: Options,
    receiver: str,
    selector: str,
    arguments: tuple[str, ...],
    shown: tuple[str, ...],
    examples: Path | None,
    mode: Mode | None,
    samples: int | None,
    seed: int | None,
    message_id: str | None,
    quiet: bool,
) -> None:
    """Send SELECTOR with ARGUMENTS to RECEIVER and print the answer.

    An argument is a Python literal, @name for an object, or a bare word, which is text. If
    the receiver does not understand, the mind proposes methods, the jail tries them, and
    you are asked (--mode ask), nobody is (auto), or it ends there (off).

    An example is 'arguments => result', with slots before and after it if they matter, as
    in "words=['a', 'abc'] | => 'abc'".

    Example: batos send account deposit_ 50 -e "10 => 110 | balance=110"
    """
    settings = options.settings
    wanted = [example_of(text) for text in shown] + (
        examples_from(examples) if examples else []
    )
    asking = Asking(
        mode=mode or settings.mode,
        samples=samples or settings.samples,
        seed=seed,
        approve=ask_person if somebody_is_there() else None,
        watch=(lambda _step: None) if quiet or options.json else show_step,
    )
    with options.open() as universe:
        if universe.why_no_walls is None:
            universe.wall_in()
        elif walls.why_unavailable() is None and not quiet:  # else `batos doctor` says it
            click.echo(f"not walled in: {universe.why_no_walls}", err=True)
        values = [value_of(text) for text in arguments]
        before = universe.log(1)
        answer = universe.send(
            receiver, selector, *values, examples=wanted, asking=asking, message_id=message_id
        )
        moment = next((one for one in universe.log(1) if one not in before), None)
        data = {
            "answer": answer,
            "transaction": moment.tid if moment else None,  # None: nothing was changed
            "grew": moment.grew if moment else [],
            "mind_was_loaded": universe.mind_loaded,
        }
    options.answer(repr(answer), data)


@command("inspect")
@click.argument("name", required=False)
@at_option
@click.pass_obj
def inspect(options: Options, name: str | None, when: str | None) -> None:
    """Show the slots of NAME, or every object that has a name. Sends no message.

    A slot shows what it holds and, where somebody noted it: since when, by what, and its
    comment. Below is what the parents disagree about.

    Example: batos inspect account
    """
    with options.look(when) as root:
        if name is None:
            summary = _any_summary if options.safe else _summary
            objects = {key: summary(value) for key, value in root.items()}
            text = "\n".join(f"{key:<16} {summary}" for key, summary in objects.items())
            options.answer(text, objects)
            return
        if isinstance(root.get(name), UnknownRecord):
            options.answer(*_record(name, root))
            return
        image = mirror(named_object(root, name))
        own = [image.slot(one) for one in image.slots()]
        slots = {one.name: _described(one.value, root) for one in own}
        inherited = [one for one in image.selectors() if one not in slots]
        disputed = [
            {
                "selector": one.selector,
                "holder": _described(one.holder, root),
                "hidden": [_described(hidden, root) for hidden in one.hidden],
            }
            for one in image.ambiguities()
        ]
    noted = {one.name: _annotation(one) for one in own if _annotation(one)}
    lines = [_slots_table(own, slots), f"from its parents: {', '.join(inherited)}"]
    lines += [
        f"ambiguous: {one['selector']} of {one['holder']} hides {', '.join(one['hidden'])}'s"
        for one in disputed
    ]
    data = {"name": name, "slots": slots, "inherited": inherited}
    options.answer(
        "\n".join(filter(None, lines)), {**data, "annotations": noted, "ambiguities": disputed}
    )


@command("source")
@click.argument("name")
@click.argument("selector")
@click.option("--provenance", is_flag=True, help="All that is known of where it came from.")
@at_option
@click.pass_obj
def source(
    options: Options, name: str, selector: str, provenance: bool, when: str | None
) -> None:
    """Show the source of the method that NAME answers SELECTOR with, and its origin.

    Example: batos source account deposit_
    """
    with options.look(when) as root:
        method = _method(root, name, selector)
        text, origin = method.source, dict(method.provenance)
    kept = {key: origin[key] for key in _PROVENANCE_LINES if origin.get(key) is not None}
    header = "\n".join(f"# {key}: {value}" for key, value in kept.items())
    if provenance:
        header = "\n".join(
            f"# {line}" for line in json.dumps(origin, indent=2, default=repr).splitlines()
        )
    options.answer(f"{header}\n{text}", {"source": text, "provenance": origin})


@command("define")
@click.argument("name")
@click.argument("file", type=click.File("r", encoding="utf-8"), default="-")
@click.pass_obj
def define(options: Options, name: str, file: TextIO) -> None:
    """Install a method from FILE (or standard input) on NAME, through the same gate.

    Example: echo "def greet(self): return 'hi'" | batos define account
    """
    text = file.read()
    with options.open() as universe, universe.transaction(f"define on {name}") as root:
        image = mirror(named_object(root, name))
        selector = image.define(text, by=options.settings.user)
    options.answer(f"{name} understands {selector}.", {"name": name, "selector": selector})


def _slots_table(own: list[Slot], described: dict[str, str]) -> str:
    """Return the slots as a table; with a header if there is more than names and values."""
    rows = [
        (
            one.name,
            described[one.name],
            f"{one.created.astimezone():%Y-%m-%d %H:%M}" if one.created else "",
            one.by,
            one.comment,
        )
        for one in own
    ]
    is_annotated = any(map(_annotation, own))
    return table(rows, ("slot", "holds", "created", "by", "comment") if is_annotated else ())


def _annotation(slot: Slot) -> dict[str, str]:
    created = slot.created.isoformat() if slot.created else ""
    said = {"comment": slot.comment, "created": created, "by": slot.by}
    return {key: value for key, value in said.items() if value}


def _any_summary(value: object) -> str:
    """Return a summary also of what cannot be read: one bad record hides no other."""
    try:
        return _summary(value)
    except Exception as error:  # whatever a damaged or crafted record may raise
        return f"cannot be read: {type(error).__name__}: {error}"


def _method(root: Root, name: str, selector: str) -> Method:
    if not isinstance(root.get(name), UnknownRecord):
        return mirror(named_object(root, name)).method(selector)
    slots = own_slots(root[name])  # of such a record nobody knows the parents
    if not isinstance(slots.get(selector), Method):
        raise NoSuchMethod(selector, tuple(s for s in slots if isinstance(slots[s], Method)))
    return cast("Method", slots[selector])


def _record(name: str, root: Root) -> tuple[str, dict[str, object]]:
    """Return what can be told of a record whose class is not here."""
    record = root[name]
    slots = {slot: one.text for slot, one in shown_slots(record, names_in(root)).items()}
    lines = (repr(record), *(f"{slot}  {text}" for slot, text in slots.items()))
    return "\n".join(lines), {"name": name, "record": repr(record), "slots": slots}


def _summary(value: object) -> str:
    if isinstance(value, UnknownRecord):
        return repr(value)
    if not isinstance(value, UvmObject):
        return type(value).__name__
    slots = [slot for slot in mirror(value).slots() if not slot.endswith(PARENT_MARK)]
    return ", ".join(slots) or "(no slots of its own)"


def _described(value: object, root: Root) -> str:
    if isinstance(value, Method):
        return f"method, by {value.provenance.get('by', 'unknown')}"
    if isinstance(value, Primitive):
        return f"primitive {value.name}"
    names = {id(obj): key for key, obj in root.items()}
    if isinstance(value, tuple):
        return ", ".join(names.get(id(item), brief(item)) for item in value)
    return names.get(id(value), brief(value))
