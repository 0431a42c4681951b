"""`batos mind`: bring minds here, name them, list them; what one wears is `adapter_commands`.

The answer goes to stdout, progress to stderr: a bar on a terminal, one line elsewhere,
nothing if all is here.
Where minds come from is the catalog's matter; what an error ends the command with is
the main command's.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from batos.workbench.adapter_commands import adapter, status
from batos.workbench.options import Options, group
from batos.workbench.stopping import stopped_by_sigterm

if TYPE_CHECKING:
    from batos.engines.catalog import Entry, Weights
    from batos.engines.download import Progress


@group("mind")
def mind() -> None:
    """Bring minds (language models) here, name them, list them.

    Example: batos mind pull
    """


mind.add_command(adapter)
mind.add_command(status)


@mind.command("pull")
@click.argument("name", default="smollm2")
@click.pass_obj
def pull_command(options: Options, name: str) -> None:
    """Download a mind, unless it is here, and verify it.

    NAME is one of `batos mind list`, or a GGUF file on a Hugging Face hub as
    org/repo:file.gguf. An interrupted pull goes on where it stopped.

    Example: batos mind pull smollm2
    """
    from batos.engines import catalog  # noqa: PLC0415  (`--help` stays quick)

    with _shown_progress(f"Pulling {name}") as progress, stopped_by_sigterm():
        weights = catalog.pull(name, options.cache, progress)
    _answer(options, weights)


@mind.command("add")
@click.argument("spec")
@click.option("--name", help="What to call it; without it, like the file.")
@click.pass_obj
def add_command(options: Options, spec: str, name: str | None) -> None:
    """Give a name to a local .gguf file, or to one on a Hugging Face hub.

    A local file stays where it is and is never copied.

    Example: batos mind add ~/models/qwen.gguf --name qwen
    """
    from batos.engines import catalog  # noqa: PLC0415  (`--help` stays quick)

    with _shown_progress(f"Adding {spec}") as progress, stopped_by_sigterm():
        weights = catalog.add(spec, options.cache, name, progress)
    _answer(options, weights)


@mind.command("list")
@click.pass_obj
def list_command(options: Options) -> None:
    """List the minds that have a name, and whether they are here.

    Example: batos mind list
    """
    from batos.engines import catalog  # noqa: PLC0415  (`--help` stays quick)

    entries = catalog.listing(options.cache)
    options.answer(_table(entries), entries)


def _answer(options: Options, weights: Weights) -> None:
    size = _megabytes(weights.bytes)
    options.answer(f"{weights.name} is here: {weights.path} ({size})", weights)


def _table(entries: list[Entry]) -> str:
    heads = ("NAME", "SIZE", "HERE", "LICENCE", "SOURCE")
    rows = [
        (
            it.name,
            _megabytes(it.bytes),
            "yes" if it.here else "no",
            it.licence or "-",
            it.source,
        )
        for it in entries
    ]
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (heads, *rows)
    )


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.0f} MB"


@contextmanager
def _shown_progress(what: str) -> Iterator[Progress]:
    """Show progress on stderr, if there is any: a bar where somebody watches, else a line."""
    if not sys.stderr.isatty():
        said: list[str] = []

        def say(done_bytes: int, total_bytes: int) -> None:
            if not said:
                said.append(what)
                click.echo(f"{what} ...", err=True)

        yield say
        return
    from rich import progress as bars  # noqa: PLC0415  (only a terminal needs it)
    from rich.console import Console  # noqa: PLC0415  (as above)

    columns = (
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.DownloadColumn(),
        bars.TransferSpeedColumn(),
        bars.TimeRemainingColumn(),
    )
    with bars.Progress(*columns, console=Console(stderr=True), transient=True) as bar:

        def show(done_bytes: int, total_bytes: int) -> None:
            task = bar.task_ids[0] if bar.task_ids else bar.add_task(what)
            bar.update(task, completed=done_bytes, total=total_bytes or None)

        yield show
