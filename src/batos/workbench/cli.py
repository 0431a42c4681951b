"""The command `batos`: its commands by name, and how it ends.

A command is imported when it is run, so that `batos --help` is quick. Answers go to
stdout, everything else to stderr. The exit code is the error's own (`batos.errors`).
What all commands share is in `options`.
"""

from __future__ import annotations

import io
import json
import os
import sys
from importlib import import_module

import click

from batos.errors import BatosError
from batos.workbench.options import Group, Options
from batos.workbench.printable import printable, printable_line

# name -> module, attribute, what it is for (shown by --help without importing it)
_COMMANDS = {
    "awaken": ("birth_commands", "awaken", "Create a universe with its mind inside."),
    "clone": ("object_commands", "clone", "Make a new object from a prototype."),
    "send": ("object_commands", "send", "Send a message; a missing method may grow."),
    "inspect": ("looking_commands", "inspect", "Show an object, or all of them."),
    "source": ("looking_commands", "source", "Show a method and where it came from."),
    "define": ("object_commands", "define", "Install a method that you wrote."),
    "slot": ("slot_commands", "slot", "Change a slot by hand: set, rename, remove, copy."),
    "unname": ("object_commands", "unname", "Take an object's name away."),
    "find": ("slot_commands", "find", "Find implementors, senders, referrers of a name."),
    "why": ("why_commands", "why", "Tell why an object answers as it does."),
    "promote": ("why_commands", "promote", "Move a method to a prototype."),
    "pending": ("pending_commands", "pending", "Read, edit, approve or reject proposals."),
    "log": ("past_commands", "log", "Show what happened, newest first."),
    "undo": ("past_commands", "undo", "Undo a transaction."),
    "history": ("history_commands", "history", "Show what happened to one object."),
    "diff": ("history_commands", "diff", "Show what differs between two moments."),
    "restore": ("history_commands", "restore", "Bring an object's old state back."),
    "pack": ("ending_commands", "pack", "End the old history; its space comes back."),
    "forget": ("ending_commands", "forget", "Remove an object and its past for good."),
    "export": ("bundle_commands", "export", "Write a universe as text that git can keep."),
    "import": ("bundle_commands", "import_", "Make a universe from that, or join it to one."),
    "backup": ("backup_commands", "backup", "Back a universe up while it is in use."),
    "verify": ("backup_commands", "verify", "Check a universe or a backup to its last byte."),
    "recover": ("backup_commands", "recover", "Make a universe again from a backup."),
    "mind": ("mind_commands", "mind", "Bring minds here, name them, list them."),
    "eval": ("eval_commands", "evaluate", "Measure how well the mind writes methods."),
    "tour": ("tour", "tour", "Watch objects learn, in a minute."),
    "doctor": ("doctor", "doctor", "Check what this machine has and lacks."),
    "completion": ("birth_commands", "completion", "Print the shell's completion script."),
}


class _Lazy(Group):
    """A group whose commands are imported when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, attribute, _ = _COMMANDS[cmd_name]
        command = getattr(import_module(f"batos.workbench.{module}"), attribute)
        assert isinstance(command, click.Command)  # noqa: S101  the table above says so
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, row[2]) for name, row in _COMMANDS.items()])


@click.group("batos", cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-u",
    "--universe",
    help="Its folder or URI. Default: $BATOS_UNIVERSE, settings, or a folder in your home.",
)
@click.option("--safe", is_flag=True, help="Only look: nothing runs, nothing is changed.")
@click.version_option(package_name="batos")
@click.pass_context
def batos(context: click.Context, universe: str | None, safe: bool) -> None:
    """Persistent objects whose mind is one of them.

    Start with `batos tour`, or: batos mind pull; batos awaken; batos clone genesis_obj
    account balance=100; batos send account deposit_ 50 -e "balance=9 | 1 => 10 | balance=10".
    """
    options = context.ensure_object(Options)
    options.universe = universe
    if safe:
        options.only_look(context.invoked_subcommand)
    from batos.workbench.logged import show_logged  # noqa: PLC0415  `--help` stays quick

    show_logged(everything=bool(os.environ.get("BATOS_DEBUG")))


def run(arguments: list[str]) -> int:
    """Run one command line, print its error if it has one, and return the exit code."""
    options = Options()
    try:
        status = batos.main(arguments, "batos", standalone_mode=False, obj=options)
    except BrokenPipeError:  # `batos log | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if os.environ.get("BATOS_DEBUG"):
            raise
        return _ended(error, options.json)
    return status if isinstance(status, int) else 0


def _ended(error: Exception, as_json: bool) -> int:
    """Say in one line what went wrong, and return the exit code."""
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, click.Abort):
        click.echo("interrupted", err=True)
        return 130
    if isinstance(error, click.ClickException):
        message, exit_code, text = error.format_message(), error.exit_code, _usage(error)
    elif isinstance(error, BatosError):
        message, exit_code = str(error), error.exit_code
        text = f"batos: {printable_line(message)}"
    else:
        message, exit_code = _unforeseen(error), 1
        text = f"batos: {printable_line(message)}"
    facts = {"error": type(error).__name__, "message": message, "exit_code": exit_code}
    click.echo(json.dumps(facts) if as_json else text, err=True)
    return exit_code


def _unforeseen(error: Exception) -> str:
    """Return what to say of an error that nobody raised on purpose."""
    if not (isinstance(error, OSError) and error.strerror):
        return f"{type(error).__name__}: {error} (BATOS_DEBUG=1 shows where)"
    place = "A file" if error.filename is None else str(error.filename)
    return (
        f"{place} cannot be used: {error.strerror}. See that the folder is there, that you may"
        " read and write it, and that its disk has room; then try again. BATOS_DEBUG=1 shows"
        " where it happened."
    )


def _usage(error: click.ClickException) -> str:
    """Return what click says about a line that it cannot read."""
    said = io.StringIO()
    error.show(said)
    return printable(said.getvalue()).rstrip("\n")
