"""Commands about a universe as text: export, import."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from batos.errors import UniverseMissing
from batos.workbench.options import FOLDER, Options, command
from batos.workbench.progress import progress

if TYPE_CHECKING:
    from batos.universe.bundle.importing import Imported, Prefer


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
        f"{folder} holds {exported.objects} objects, {exported.methods} methods,"
        f" {exported.entries} entries of the journal and {exported.weights} weights;"
        f" {exported.files_changed} files were written."
    )
    options.answer(text, exported)


@command("import")
@click.argument("folder", type=FOLDER)
@click.option("--ours", "prefer", flag_value="ours", help="Keep slots that differ.")
@click.option("--theirs", "prefer", flag_value="theirs", help="Replace slots that differ.")
@click.option("--dry-run", is_flag=True, help="Only show what would happen.")
@click.pass_obj
def import_(options: Options, folder: Path, prefer: Prefer | None, dry_run: bool) -> None:
    """Join the bundle in FOLDER to the universe, or make one of it where there is none.

    New objects and slots are added. A slot that differs is a conflict, and nothing is
    imported until you say whose counts. `batos undo` takes an import back.

    Example: batos export my.bundle && batos import my.bundle --dry-run
    """
    from batos.opening import rebuild  # noqa: PLC0415  `--help` stays quick

    with progress("weights") as on_bytes:
        try:
            with options.open() as universe:
                imported = universe.import_(
                    folder, prefer=prefer, dry_run=dry_run, on_bytes=on_bytes
                )
        except UniverseMissing:
            if dry_run:
                raise
            place = options.settings.universe
            imported = rebuild(place, folder, on_bytes, options.settings)
    options.answer(_page(imported, dry_run), imported)


def _page(imported: Imported, dry_run: bool) -> str:
    lines = [
        *(f"+ {called}" for called in imported.new_objects),
        *(f"+ {slot}" for slot in imported.new_slots),
        *(
            f"! {it.object} {it.slot}: {it.here} here, {it.there} there"
            for it in imported.conflicts
        ),
    ]
    done = "would be" if dry_run else "were"
    lines.append(
        f"{len(imported.new_objects)} objects and {len(imported.new_slots)} slots {done} added;"
        f" {imported.equal} slots are the same, {len(imported.conflicts)} differ;"
        f" {imported.entries} entries of the journal {done} added."
    )
    return "\n".join(lines)
