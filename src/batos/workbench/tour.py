"""`batos tour`: a story on a real universe, told with the commands that anyone can type.

Each command runs in a process of its own, so every step is also a restart. Nothing here
knows an answer: what the mind gets wrong is shown as it comes.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click

from batos.errors import ApprovalNeeded, GrowthFailed, UniverseExists
from batos.workbench.options import Options, command

Words = tuple[str, ...]
"""A command as it is typed after `batos`."""


@dataclass(frozen=True)
class Scene:
    """A few words, and the commands that belong to them."""

    words: str
    commands: tuple[Words, ...]


LEARNING = (
    Scene(
        "A universe awakens: laws (traits_obj), a mind (pLLM_obj), a being (genesis_obj).",
        (("awaken",),),
    ),
    Scene(
        "Three clones of genesis_obj. They hold data, and can do nothing yet.",
        (
            ("clone", "genesis_obj", "account", "balance=100"),
            ("clone", "genesis_obj", "temperature", "celsius=20"),
            ("clone", "genesis_obj", "words", "words=['tree', 'house', 'ox']"),
        ),
    ),
    Scene(
        "A message that nobody wrote. The mind proposes methods, the jail tries each of them"
        " on a copy, and what agrees with every example is installed.",
        (
            (
                *("send", "account", "deposit_", "50"),
                *("-e", "balance=100 | 10 => 110 | balance=110"),
                *("-e", "balance=0 | 7 => 7 | balance=7"),
            ),
            (
                *("send", "temperature", "fahrenheit"),
                *("-e", "celsius=100 | => 212.0", "-e", "celsius=0 | => 32.0"),
                *("-e", "celsius=-40 | => -40.0"),
            ),
            (
                *("send", "words", "sortedByLength"),
                *("-e", "words=['bbb', 'a'] | => ['a', 'bbb']"),
                *("-e", "words=['ab', 'abcd', 'abc'] | => ['ab', 'abc', 'abcd']"),
            ),
        ),
    ),
    Scene(
        "This one is hard for so small a mind. If nothing stands, it abstains: no guess is"
        " ever installed.",
        (
            (
                *("send", "words", "vowels"),
                *("-e", "words=['tree'] | => 2", "-e", "words=['ox', 'sky'] | => 1"),
                *("-e", "words=[] | => 0"),
            ),
        ),
    ),
)
_NOTHING_GREW = Scene("Nothing stood this time, so nothing grew, and nothing was guessed.", ())
_PAST = Scene(
    "Everything that happened can be read, and undone.",
    (
        ("log",),
        ("undo",),
        ("send", "account", "balance", "--mode", "off"),
        ("pending", "list", "--all"),
    ),
)
# how a story may go on after a message that nobody understood
_GROWTH_ENDS = (0, GrowthFailed.exit_code, ApprovalNeeded.exit_code)


@command("tour")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.pass_obj
def tour(options: Options, folder: Path | None) -> int:
    """Watch objects learn methods that nobody wrote, on a real universe, in about a minute.

    It lies in a temporary folder and stays there; name a FOLDER to choose the place.

    Example: batos tour my.universe
    """
    if folder is not None and folder.exists():
        raise UniverseExists(str(folder))
    universe = folder or Path(tempfile.mkdtemp(prefix="batos-tour-")) / "tour.universe"
    started = time.monotonic()
    status, grown = tell(partial(_run, universe, options.json), options.json)
    if status:
        return status
    seconds = time.monotonic() - started
    here = shlex.quote(str(universe))
    click.secho(f"\nThat took {seconds:.0f} s. Go on yourself:", bold=True, err=options.json)
    options.answer(
        f"  batos -u {here} send account canPay_ 30 -e 'balance=30 | 10 => True'"
        " -e 'balance=5 | 30 => False' -e 'balance=80 | 80 => True'\n"
        f"  batos -u {here} log\n"
        "  batos --help",
        {"universe": universe, "grew": [" ".join(send[1:3]) for send in grown]},
    )
    return 0


def tell(run: Callable[[Words], int], on_stderr: bool = False) -> tuple[int, list[Words]]:
    """Tell the story with a function that runs a command.

    Returns:
        The exit code that the story cannot go on from, or 0; and the sends that grew a method.
    """
    grown: list[Words] = []
    for number, scene in enumerate(_scenes(grown), 1):
        click.secho(f"\n{number}. {scene.words}", bold=True, err=on_stderr)
        for words in scene.commands:
            status, may_grow = run(words), "-e" in words
            if status not in (_GROWTH_ENDS if may_grow else (0,)):
                return status, grown
            if may_grow and status == 0:
                grown.append(words)
    return 0, grown


def _scenes(grown: list[Words]) -> Iterator[Scene]:
    """Yield the scenes; the later ones tell of what has grown by then."""
    yield from LEARNING
    yield _without_a_mind(grown[0]) if grown else _NOTHING_GREW
    yield _PAST


def _without_a_mind(send: Words) -> Scene:
    message = send[: send.index("-e")]
    _, receiver, selector, *_ = message
    return Scene(
        "Now without a mind: the methods are objects, they outlive the process that made them.",
        (
            ("--json", *message, "--mode", "off"),
            ("source", receiver, selector),
            ("inspect", receiver),
        ),
    )


def _run(universe: Path, on_stderr: bool, words: Words) -> int:
    """Run a command as a person would, and return its exit code."""
    if words[0] == "send" and "--mode" not in words:
        words = (*words, "--mode", _mode())
    click.secho(f"$ batos {' '.join(map(_quoted, words))}", fg="cyan", err=on_stderr)
    # -P: what lies in the current folder is no part of batos
    python = [sys.executable, "-P", "-m", "batos", "--universe", str(universe)]
    stdout = sys.stderr if on_stderr else None
    status = subprocess.run([*python, *words], check=False, stdout=stdout).returncode  # noqa: S603  (ourselves)
    click.echo(err=on_stderr)
    return status


def _quoted(word: str) -> str:
    """Quote a word for a shell as a person would: texts keep their single quotes."""
    if "'" in word and not set(word) & set('"$`\\!'):
        return f'"{word}"'
    return shlex.quote(word)


def _mode() -> str:
    """Methods grow by themselves inside walls only; elsewhere the person is asked."""
    from batos.sandbox.walls import why_unavailable  # noqa: PLC0415  `--help` stays quick

    return "auto" if why_unavailable() is None else "ask"
