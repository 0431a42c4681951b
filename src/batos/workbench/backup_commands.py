"""Commands about copies that are exact: backup, verify, recover."""

from __future__ import annotations

from pathlib import Path

import click

from batos.workbench.options import FOLDER, Options, command
from batos.workbench.printable import counted
from batos.workbench.progress import progress


@command("backup")
@click.argument("folder", type=FOLDER)
@click.pass_obj
def backup(options: Options, folder: Path) -> None:
    """Back the universe up into FOLDER, whoever is using it; what is there already stays.

    Example: batos backup my.backups
    """
    from batos.universe.backup import back_up  # noqa: PLC0415  `--help` stays quick

    with progress("weights") as on_bytes:
        taken = back_up(options.folder, folder, on_bytes)
    kind = "all of it" if taken.is_whole else "what was new"
    text = (
        f"{folder} has a backup of transaction {taken.tid}: {kind},"
        f" {counted(taken.transactions, 'transaction')}, {_weights(taken.blobs)},"
        f" {taken.bytes:,} bytes."
    )
    options.answer(text, taken)


@command("verify")
@click.argument("folder", type=FOLDER, required=False)
@click.pass_obj
def verify(options: Options, folder: Path | None) -> None:
    """Check the universe, or the one or the backups in FOLDER: every record, file and hash.

    Example: batos verify
    """
    from batos.universe.verifying import verify as check  # noqa: PLC0415

    path = folder or options.folder
    with progress("records") as on_bytes:
        found = check(path, on_bytes)
    text = (
        f"{path} is whole: {counted(found.transactions, 'transaction')},"
        f" {counted(found.records, 'record')}, {counted(found.objects, 'object')},"
        f" {_weights(found.blobs)}, {found.bytes:,} bytes."
    )
    if found.unfinished:
        text += "\nA forgetting is unfinished: `batos forget --finish` ends it."
    options.answer(text, found)


@command("recover")
@click.argument("folder", type=FOLDER)
@click.argument("target", type=FOLDER)
@click.option("--at", "tid", metavar="TID", help="The backup that ends with this transaction.")
@click.pass_obj
def recover(options: Options, folder: Path, target: Path, tid: str | None) -> None:
    """Make the universe again from the backups in FOLDER; nothing may be at TARGET.

    Example: batos backup my.backups && batos recover my.backups again.universe
    """
    from batos.universe.recovering import recover as make_again  # noqa: PLC0415

    with progress("weights") as on_bytes:
        made = make_again(folder, target, tid, on_bytes)
    text = f"{target} is as it was after transaction {made.tid}, with {_weights(made.blobs)}."
    options.answer(text, {"universe": str(target), "tid": made.tid, "blobs": made.blobs})


def _weights(count: int) -> str:
    return counted(count, "file of weights", "files of weights")
