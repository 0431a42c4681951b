"""Commands about a universe as text: export, import."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import click

from batos.errors import Conflict, UniverseMissing
from batos.workbench.options import FOLDER, Options, command
from batos.workbench.printable import counted, differing_lines
from batos.workbench.progress import progress

if TYPE_CHECKING:
    from batos.universe.bundle.importing import Imported, Prefer

_FATES = {  # what becomes of slots that differ
    None: "and you have to say `--ours` or `--theirs`",
    "ours": "kept as here",
    "theirs": "replaced by the bundle's",
}


@command("export")
@click.argument("folder", type=FOLDER)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--no-weights", is_flag=True, help="Name weights by their hash only.")
@click.option("--no-journal", is_flag=True, help="Leave the journal out.")
@click.pass_obj
def export(
    options: Options, folder: Path, names: tuple[str, ...], no_weights: bool, no_journal: bool
) -> None:
    """Write all objects, or those called NAME with what they reach, as text into FOLDER.

    A bundle that lies there is brought up to date.

    Example: batos export my.bundle
    """
    with options.open(read_only=True) as universe, progress("weights") as on_bytes:
        exported = universe.export(
            folder, names, weights=not no_weights, journal=not no_journal, on_bytes=on_bytes
        )
    text = (
        f"{folder} holds {counted(exported.objects, 'object')},"
        f" {counted(exported.methods, 'method')}, {_entries(exported.entries)} and"
        f" {counted(exported.weights, 'file of weights', 'files of weights')};"
        f" {counted(exported.files_changed, 'file')} written."
    )
    options.answer(text, exported)


@command("import")
@click.argument("folder", type=FOLDER)
@click.option("--ours", is_flag=True, help="Keep slots that differ.")
@click.option("--theirs", is_flag=True, help="Replace slots that differ.")
@click.option("--dry-run", is_flag=True, help="Only show what would happen.")
@click.pass_obj
def import_(options: Options, folder: Path, ours: bool, theirs: bool, dry_run: bool) -> None:
    """Join the bundle in FOLDER to the universe, or make one of it where there is none.

    New objects and slots are added. A slot that differs is a conflict, and nothing is
    imported until you say whose counts. `batos undo` takes an import back.

    Example: batos export my.bundle && batos import my.bundle --dry-run
    """
    from batos.opening import rebuild  # noqa: PLC0415  `--help` stays quick

    if ours and theirs:
        raise click.UsageError("--ours keeps what --theirs replaces; say one of them")
    prefer: Prefer | None = "ours" if ours else "theirs" if theirs else None
    with progress("weights") as on_bytes:
        try:
            with options.open() as universe:
                imported = universe.import_(
                    folder, prefer=prefer, dry_run=dry_run, on_bytes=on_bytes
                )
        except UniverseMissing:
            place, settings = options.settings.universe, options.settings
            imported = rebuild(place, folder, on_bytes, settings, dry_run=dry_run)
    facts = {field.name: getattr(imported, field.name) for field in fields(imported)}
    options.answer(_page(imported, prefer, dry_run), facts | {"decided": prefer})


def _page(imported: Imported, prefer: Prefer | None, dry_run: bool) -> str:
    names = [name for name in imported.new_names if name not in imported.new_objects]
    differ = len(imported.conflicts)
    added = ", ".join(
        (
            counted(len(imported.new_objects), "new object"),
            counted(len(imported.new_slots), "new slot"),
            _entries(imported.entries),
        )
    )
    lines = [
        *(f"+ {called}" for called in imported.new_objects),
        *(f"+ {slot}" for slot in imported.new_slots),
        *(f"+ the name {name}" for name in names),
        *(line for conflict in imported.conflicts for line in _conflict_lines(conflict)),
        f"{'It would add' if dry_run else 'Added'}: {added}.",
        f"Found the same: {counted(imported.equal, 'slot')}.",
    ]
    if differ:
        lines.append(f"Found different: {counted(differ, 'slot')}, {_FATES[prefer]}.")
    return "\n".join(lines)


def _conflict_lines(conflict: Conflict) -> Iterator[str]:
    place, here, there = f"! {conflict.object} {conflict.slot}", conflict.here, conflict.there
    if "\n" not in here + there:
        yield f"{place}: {here} here, {there} there"
        return
    yield f"{place}: here -, there +"  # a method
    yield from (f"    {line}" for line in differing_lines(here, there))


def _entries(count: int) -> str:
    return counted(count, "entry of the journal", "entries of the journal")
