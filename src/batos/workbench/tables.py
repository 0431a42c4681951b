"""Rows of words as lines for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from batos.workbench.printable import printable_line


def table(rows: Sequence[Sequence[str]], header: Sequence[str] = ()) -> str:
    r"""Return rows as lines with columns of equal width; columns without a word are left out.

    >>> print(table([("rate", "", "7"), ("size", "", "12\n")], ("slot", "by", "value")))
    slot  value
    rate  7
    size  12\n
    """
    cells = [[printable_line(cell) for cell in row] for row in rows]
    columns = [
        ([header[number]] if header else []) + list(column)
        for number, column in enumerate(zip(*cells, strict=True))
        if any(column)
    ]
    widths = [max(map(len, column)) for column in columns]
    lines = zip(*columns, strict=True)
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
