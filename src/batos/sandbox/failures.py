"""Errors that leave generated code, made small enough to be shown.

Whoever shows one has no budget and may be the owner of a universe: what hangs there hangs
for good.
"""

from __future__ import annotations

_MAX_CAUSES = 4
_MAX_SHOWN = 1_000  # characters, or bits, of an argument


def small(error: Exception) -> Exception:
    """Drop what `error` was raised beside, all but its first causes, and large arguments.

    A second of recursion that catches leaves a chain of 24,000 errors, each with the
    traceback of a thousand frames: whoever prints it never comes back.
    """
    link: BaseException | None = error
    for kept in range(_MAX_CAUSES + 1):
        if link is None:
            break
        cause = link.__cause__ if kept < _MAX_CAUSES else None
        link.__context__ = None
        if type(link).__module__ == "builtins":
            link.args = tuple(map(_brief, link.args))
        link.__cause__ = cause
        link = cause
    return error


def _brief(arg: object) -> object:
    """Return an argument of an error as something that can be shown.

    Whoever shows it has no budget, and the text of a list in a list in a list may never end.
    """
    if arg is None or type(arg) in (bool, float):
        return arg
    if type(arg) is int and arg.bit_length() < _MAX_SHOWN:
        return arg
    if type(arg) is str:
        return arg if len(arg) <= _MAX_SHOWN else arg[:_MAX_SHOWN] + "…"
    return f"<{type(arg).__name__}>"
