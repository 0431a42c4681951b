"""To look for something among many values, which nobody else's state depends on.

So the clock of generated code may end it at any moment, as it may not where something is
half changed. It goes by files: nothing that changes anything may stand here.
"""

from __future__ import annotations

from collections.abc import Iterable


def holds(values: Iterable[object], wanted: object) -> bool:
    """Tell whether one of the values is equal to what is wanted."""
    return any(held is wanted or held == wanted for held in values)
