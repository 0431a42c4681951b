"""What the command line says about all commands, and the form of all their answers.

Every command and group is one of the two classes here, so `--json`, `-u` and `--safe` may
stand after any of them. Which commands there are, and how one ends, is left to `cli`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from batos.workbench.answers import jsonable
from batos.workbench.printable import printable

if TYPE_CHECKING:
    from batos.settings import Settings
    from batos.universe.universe import Root
    from batos.uvm import Uvm

_NEGATIVE = re.compile(r"^(?=-[\d.])")  # the place before such a number
_MASK = "\0"  # no word of a command line can hold one
_MAKERS = {"awaken", "tour", "import", "recover"}  # they open none that could refuse


@dataclass
class Options:
    """What the command line says about all commands."""

    json: bool = False
    universe: str | None = None
    safe: bool = False

    @cached_property
    def settings(self) -> Settings:
        """The settings, with the flags on top."""
        from batos.settings import load_settings  # noqa: PLC0415  `--help` stays quick

        return replace(load_settings({"universe": self.universe}), via="cli")

    @property
    def folder(self) -> Path:
        """The universe's folder, for what reads its files.

        Raises:
            NotInFolder: It is meant by a URI, and its files are somebody else's.
        """
        from batos.universe.addresses import (  # noqa: PLC0415  `--help` stays quick
            address_of,
            not_in_folder,
        )

        place = address_of(self.settings.universe, self.cache)
        if isinstance(place, Path):
            return place
        raise not_in_folder(place)

    @property
    def cache(self) -> Path:
        """Where pulled minds are kept."""
        return self.settings.cache

    def open(self, *, read_only: bool = False) -> Uvm:
        """Open the universe that is meant."""
        from batos.opening import open_uvm  # noqa: PLC0415  `--help` stays quick

        settings = self.settings
        return open_uvm(
            settings.universe, read_only=read_only, settings=settings, safe=self.safe
        )

    def only_look(self, command: str | None) -> None:
        """Let nothing run and nothing be changed by a command.

        Raises:
            UsageError: It makes a universe.
        """
        if command in _MAKERS:
            raise click.UsageError(f"--safe only looks; {command} makes a universe")
        self.safe = True

    @contextmanager
    def look(self, when: str | None) -> Iterator[Root]:
        """Give the root of the universe to be read, as it is or as it was at a moment."""
        with (
            self.open(read_only=True) as universe,
            universe.transaction() if when is None else universe.at(when) as root,
        ):
            yield root

    def answer(self, text: str, data: object, styled: str | None = None) -> None:
        """Print an answer on stdout: text for a person, or data as JSON.

        Args:
            text: What a person reads.
            data: The same, for programs.
            styled: Instead of `text`: made harmless already, and perhaps with colours.
        """
        shown = printable(text) if styled is None else styled
        click.echo(json.dumps(jsonable(data), indent=2) if self.json else shown)


def _note_json(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted:
        context.ensure_object(Options).json = True


_JSON = click.Option(
    ["--json", "as_json"],
    is_flag=True,
    is_eager=True,  # known before anything else of the command can be wrong
    expose_value=False,
    callback=_note_json,
    help="Answer in JSON.",
)


def _note_universe(context: click.Context, _option: click.Parameter, said: str | None) -> None:
    if said is not None:
        context.ensure_object(Options).universe = said


def _note_safe(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted:
        while context.parent is not None and context.parent.parent is not None:
            context = context.parent
        context.ensure_object(Options).only_look(context.info_name)


# Before a command these are the root's own; after it nobody needs them in every help.
_BEHIND = (
    click.Option(
        ["-u", "--universe"], hidden=True, expose_value=False, callback=_note_universe
    ),
    click.Option(
        ["--safe"], is_flag=True, hidden=True, expose_value=False, callback=_note_safe
    ),
)


class Command(click.Command):
    """A command that understands what all do, `--json` also when its line is wrong."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        behind = () if ctx.parent is None else _BEHIND
        return [*super().get_params(ctx), *behind, _JSON]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        words = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.UsageError:
            self._look_for_json(ctx, words)
            raise

    def _look_for_json(
        self, ctx: click.Context, words: list[str], anywhere: bool = False
    ) -> None:
        """Tell an option `--json` from a word that only reads so, past the mistake."""
        lenient = click.Context(self, ignore_unknown_options=True, resilient_parsing=True)
        lenient.allow_interspersed_args = anywhere or ctx.allow_interspersed_args
        found, _, _ = self.make_parser(lenient).parse_args(words)
        _note_json(ctx, _JSON, found.get("as_json") is True)


class WithNumbers(Command):
    """A command among whose words may be negative numbers, which look like options."""

    def make_parser(self, ctx: click.Context) -> Any:  # click keeps the type to itself
        """Return click's parser, which sees such words behind a mask."""
        parser: Any = super().make_parser(ctx)
        parse = parser.parse_args

        def parse_masked(args: list[str]) -> tuple[Any, Any, Any]:
            found, rest, order = parse(args=[_NEGATIVE.sub(_MASK, word) for word in args])
            return _unmasked(found), _unmasked(rest), order

        parser.parse_args = parse_masked
        return parser


class Group(Command, click.Group):
    """A group of such commands."""

    command_class = Command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        words = args[1:]
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:  # no such command, so any of the words may be its options
            self._look_for_json(ctx, words, anywhere=True)
            raise


def _unmasked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _unmasked(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_unmasked(item) for item in value)
    return value.removeprefix(_MASK) if isinstance(value, str) else value


class _Folder(click.Path):
    """A folder of this machine; what looks like a URI would become a folder called so."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        if "://" in str(value):
            self.fail(
                f"{str(value).partition('://')[0]}://... is a URI; give a folder", param, ctx
            )
        return super().convert(value, param, ctx)


FOLDER = _Folder(path_type=Path)

command = partial(click.command, cls=Command)


def group(name: str) -> Callable[[Callable[..., object]], Group]:
    """Make a group of a function, as `command` makes a command."""
    return click.group(name, cls=Group)


at_option = click.option("--at", "when", metavar="TID_OR_TIME", help="As it was then.")
