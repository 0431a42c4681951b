"""Text from elsewhere, made harmless for a terminal.

Names, sources and verdicts may hold what a terminal obeys instead of showing it: escapes
that recolour, move or hide, and marks that turn the direction of reading.
"""

from __future__ import annotations

from collections.abc import Iterator


def printable(text: str) -> str:
    r"""Return text in which only line ends and tabs still act; the rest is spelled out.

    >>> print(printable("a \x1b[31mred\nline"))
    a \x1b[31mred
    line
    """
    return "".join(
        char if char.isprintable() or char in "\n\t" else _spelled(char) for char in text
    )


def printable_line(text: str) -> str:
    r"""Return text as `printable` does, in one line.

    >>> print(printable_line("two\nlines"))
    two\nlines
    """
    return printable(text).replace("\n", r"\n")


def differing_lines(before: str, after: str) -> Iterator[str]:
    """Yield the lines of two texts as a diff shows them, the equal ones as well."""
    import difflib  # noqa: PLC0415  `--help` stays quick

    lines = difflib.ndiff(before.splitlines(), after.splitlines())
    return (line for line in lines if not line.startswith("?"))


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return how many there are, in words.

    >>> counted(1, "method"), counted(1200, "entry", "entries")
    ('1 method', '1,200 entries')
    """
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def _spelled(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
