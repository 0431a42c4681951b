"""Commands that change objects: clone, send, define, unname."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from batos.errors import NameRefused, NoSuchObject
from batos.kernel.delegation import LONGEST_NAME
from batos.kernel.mirror import mirror
from batos.sandbox import walls
from batos.settings import MAX_SAMPLES
from batos.synthesis.growth import Asking, Mode
from batos.universe.names import loaded, named_object
from batos.workbench.answers import readable
from batos.workbench.literals import argument_of, example_of, examples_from, slots_of
from batos.workbench.options import Options, WithNumbers, command
from batos.workbench.watching import ask_person, ask_whether_meant, show_step, somebody_is_there

if TYPE_CHECKING:
    from batos.universe.browser import Place
    from batos.uvm import Uvm


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
        raise NameRefused(name, "it is no name; use letters, digits and _")
    if len(name) > LONGEST_NAME:
        why = f"it is too long; use {LONGEST_NAME} characters at most"
        raise NameRefused(f"{name[:20]}…", why)
    with options.open() as universe, universe.transaction(f"clone {name}") as root:
        if name in root:
            raise NameRefused(name, "an object has it already; choose another")
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
@click.option(
    "-n", "--samples", type=click.IntRange(1, MAX_SAMPLES), help="Proposals a thought."
)
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

    An argument is a Python literal, @name for an object, or a bare word, which is text.

    If the receiver does not understand, the mind proposes methods, the jail tries them, and
    you are asked (--mode ask), nobody is (auto), or it ends there (off).

    An example is 'arguments => result', with slots before and after it if they matter, as
    in "words=['a', 'abc'] | => 'abc'".

    Example: batos send account deposit_ 50 -e "10 => 110 | balance=110"
    """
    asking = _asking(options, mode, samples, seed, quiet)
    wanted = [*map(example_of, shown), *(examples_from(examples) if examples else ())]
    values = [argument_of(text) for text in arguments]
    with options.open() as universe:
        _wall_in(universe, quiet)
        deliver = partial(universe.send, receiver, selector, *values, message_id=message_id)
        data = _sent(universe, partial(deliver, examples=wanted, asking=asking))
    options.answer(readable(data["answer"]), data)


def _wall_in(universe: Uvm, quiet: bool) -> None:
    if universe.why_no_walls is None:
        universe.wall_in()
    elif walls.why_unavailable() is None and not quiet:  # else `batos doctor` says it
        click.echo(f"not walled in: {universe.why_no_walls}", err=True)


def _sent(universe: Uvm, send: Callable[[], object]) -> dict[str, object]:
    """Send a message; return its answer, and what it changed."""
    before = universe.log(1)
    answer = send()
    moment = next((one for one in universe.log(1) if one not in before), None)
    return {
        "answer": answer,
        "transaction": moment.tid if moment else None,  # None: nothing was changed
        "grew": moment.grew if moment else [],
        "mind_was_loaded": universe.mind_loaded,
    }


def _asking(
    options: Options, mode: Mode | None, samples: int | None, seed: int | None, quiet: bool
) -> Asking:
    settings, is_there = options.settings, somebody_is_there()
    mode = mode or settings.mode
    return Asking(
        mode=mode,
        samples=samples or settings.samples,
        seed=seed,
        approve=ask_person if is_there else None,
        confirm=ask_whether_meant if is_there and mode == "ask" else None,
        watch=(lambda _step: None) if quiet or options.json else show_step,
    )


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


@command("unname")
@click.argument("name")
@click.pass_obj
def unname(options: Options, name: str) -> None:
    """Take the name NAME away. The object stays where others refer to it; undo names it again.

    Example: batos unname account
    """
    with options.open() as universe:
        with universe.transaction(f"unname {name}") as root:
            obj = named_object(root, name)
            if obj._sealed:
                raise NameRefused(name, "it is a primordial's, which keeps it")
            number = f"{int.from_bytes(obj._p_oid, 'big'):#x}"
            del root[name]
        referrers, can_return = _referrers(universe, number), universe.keeps_history
    facts = {"name": name, "referrers": referrers}
    options.answer(f"{name} is no name any more. {_fate(name, referrers, can_return)}", facts)


def _referrers(universe: Uvm, number: str) -> tuple[Place, ...]:
    """Return what leads to an object, from the root on; nothing if it is out of reach."""
    try:
        return universe.referrers(number)
    except NoSuchObject:
        return ()


def _fate(name: str, referrers: tuple[Place, ...], can_return: bool) -> str:
    """Return what becomes of an object without its name."""
    if referrers:
        shown = ", ".join(f"{one.object or 'the root'} ({one.slot})" for one in referrers[:3])
        more = f" and {len(referrers) - 3} more" if len(referrers) > 3 else ""
        return f"The object stays: {shown}{more} leads to it."
    if not can_return:
        return "Nothing leads to the object, and there is no history that could bring it back."
    return (
        "Nothing leads to the object any more. `batos undo` brings it back, and"
        f" `batos restore {name} TID` does so later."
    )
