"""Source and prose for a terminal: colours where it can show them, lines that fit.

All of it is made harmless first (`printable`), whoever wrote it.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
import textwrap
from io import StringIO

from batos.workbench.printable import printable

WIDTH = 80


def code(source: str, indent: str = "    ") -> str:
    """Return source, indented, with colours if standard output is a terminal that has them."""
    text = printable(source).rstrip("\n")
    if not text or not _has_colours():
        return textwrap.indent(text, indent)
    from rich.console import Console  # noqa: PLC0415  only where it is seen
    from rich.syntax import Syntax  # noqa: PLC0415

    shown = StringIO()
    longest = max(map(len, text.splitlines()))
    console = Console(
        file=shown, force_terminal=True, color_system="standard", width=longest + 1
    )
    console.print(Syntax(text, "python", theme="ansi_dark", background_color="default"))
    lines = (line.rstrip() for line in shown.getvalue().splitlines())
    return textwrap.indent("\n".join(lines), indent)


def prose(text: str, indent: str = "") -> str:
    """Return text in lines that fit, each paragraph by itself; deeper lines stay deeper."""
    lines = []
    for line in printable(text).splitlines():
        inner = indent + " " * (len(line) - len(line.lstrip()))
        lines += textwrap.wrap(
            line.strip(), WIDTH, initial_indent=inner, subsequent_indent=f"{inner}  "
        ) or [""]
    return "\n".join(lines)


def age(at: dt.datetime | None, now: dt.datetime | None = None) -> str:
    """Return how long ago something was, in one word or two.

    >>> then = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    >>> age(then, then + dt.timedelta(hours=5, minutes=9))
    '5 h'
    """
    if at is None:
        return ""
    seconds = ((now or dt.datetime.now(dt.UTC)) - at).total_seconds()
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return f"{max(0, seconds):.0f} s"


def when(at: dt.datetime | None) -> str:
    """Return a time as people here read it."""
    return "" if at is None else f"{at.astimezone():%Y-%m-%d %H:%M}"


def _has_colours() -> bool:
    asked_not_to = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    return sys.stdout.isatty() and not asked_not_to
