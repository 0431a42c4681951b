"""`batos awaken`, and what belongs to a first day: `batos completion`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click
from click.shell_completion import get_completion_class

from batos.workbench.cli import batos
from batos.workbench.options import Options, command

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar


@command("awaken")
@click.option("--mind", default="smollm2", show_default=True, help="Name, or a .gguf file.")
@click.pass_obj
def awaken(options: Options, mind: str) -> None:
    """Create a universe with its mind inside, in one transaction.

    Example: batos -u my.universe awaken
    """
    from batos.opening import awaken as awaken_universe  # noqa: PLC0415  `--help` stays quick

    quiet = not sys.stderr.isatty()
    with (
        click.progressbar(length=1, label="weights", file=sys.stderr, hidden=quiet) as bar,
        awaken_universe(
            options.settings.universe, mind, on_bytes=_filler(bar), settings=options.settings
        ) as universe,
        universe.transaction() as root,
    ):
        path, names = universe.shown, sorted(root)
        card = dict(root["pLLM_obj"].card)
    text = (
        f"{path} is awake. Its mind is {card['name']} ({card['quantization']},"
        f" {card['parameters']:,} parameters).\nIt holds {', '.join(names)}.\n"
        f"Next: batos -u {shlex.quote(path)} clone genesis_obj account balance=100"
    )
    options.answer(text, {"universe": path, "objects": names, "mind": card})


@command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_obj
def completion(options: Options, shell: str) -> None:
    """Print the script that lets SHELL complete `batos`.

    \b
    Example: batos completion bash > ~/.local/share/bash-completion/completions/batos
    """
    class_ = get_completion_class(shell)
    assert class_ is not None  # noqa: S101  click has all three
    script = class_(batos, {}, "batos", "_BATOS_COMPLETE").source()
    options.answer(script, {"shell": shell, "script": script})


def _filler(bar: ProgressBar[int]) -> Callable[[int, int], None]:
    def fill(done: int, all_: int) -> None:
        bar.length = all_
        bar.update(done - bar.pos)

    return fill
