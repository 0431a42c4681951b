"""How far a copy is, on stderr, where somebody watches."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar while bytes are counted, one file after another."""
    quiet = not sys.stderr.isatty()
    with click.progressbar(length=1, label=label, file=sys.stderr, hidden=quiet) as bar:

        def fill(done: int, all_: int) -> None:
            bar.length = all_
            bar.update(done - bar.pos)

        yield fill
