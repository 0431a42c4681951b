"""Commands about objects: clone, send, inspect, source, define."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from batos.kernel.mirror import mirror
from batos.sandbox import walls
from batos.settings import MAX_SAMPLES
from batos.synthesis.growth import Asking, Mode
from batos.universe.names import loaded, named_object
from batos.workbench.answers import readable
from batos.workbench.literals import example_of, examples_from, slots_of, value_of
from batos.workbench.options import Options, WithNumbers, command
from batos.workbench.watching import ask_person, show_step, somebody_is_there

if TYPE_CHECKING:
    pass


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
@click.option(
    "-n", "--samples", type=click.IntRange(1, MAX_SAMPLES), help="Proposals a thought."
)
@click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), help="The same seed thinks the same."
)
@click.option("--id", "message_id", help="Sent again under it, it takes effect once.")
@click.option("--regrow", is_flag=True, help="A method in quarantine counts as none.")
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
    regrow: bool,
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
    asking = _asking(options, mode, samples, seed, quiet)
    wanted = [*map(example_of, shown), *(examples_from(examples) if examples else ())]
    values = [value_of(text) for text in arguments]
    with options.open() as universe:
        if universe.why_no_walls is None:
            universe.wall_in()
        elif walls.why_unavailable() is None and not quiet:  # else `batos doctor` says it
            click.echo(f"not walled in: {universe.why_no_walls}", err=True)
        universe.end_endless_methods()
        before = universe.log(1)
        answer = universe.send(
            receiver,
            selector,
            *values,
            examples=wanted,
            asking=asking,
            message_id=message_id,
            regrow=regrow,
        )
        moment = next((one for one in universe.log(1) if one not in before), None)
        data = {
            "answer": answer,
            "transaction": moment.tid if moment else None,  # None: nothing was changed
            "grew": moment.grew if moment else [],
            "mind_was_loaded": universe.mind_loaded,
        }
    options.answer(readable(answer), data)


def _asking(
    options: Options, mode: Mode | None, samples: int | None, seed: int | None, quiet: bool
) -> Asking:
    settings = options.settings
    return Asking(
        mode=mode or settings.mode,
        samples=samples or settings.samples,
        seed=seed,
        approve=ask_person if somebody_is_there() else None,
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
